/** What can be done on the Ranking page: decisions, and what is open beside them. */
import { l10n } from '../../src/base/l10n.ts';
import type { RankingDecision, RankingState, rankingContract } from '../../src/protocol/ranking.ts';
import type { Remote } from '../../src/protocol/rpc.ts';
import type { Conversation } from './conversation.ts';
import {
  type Draft,
  drop,
  extreme,
  give,
  isComplete,
  isRanks,
  isTouched,
  letterOf,
  rank,
  toggleFlag,
} from './draft.ts';
import type { Highlighting } from './highlighting.ts';
import type { Actions } from './model.ts';
import { type Page, wide } from './page.ts';
import { canTake } from './reviewView.ts';

export function createActions(
  page: Page,
  conversation: Conversation,
  highlighting: Highlighting,
  host: Remote<(typeof rankingContract)['toHost']>,
): Actions {
  const ask = (request: () => Promise<RankingState>, announce: (state: RankingState) => string): void =>
    void conversation.ask(request, announce);

  const decide = (verdict: RankingDecision['verdict'], skipReason: string | null = null): void => {
    const { state, saving, draft } = page.model;
    if (!state?.item || saving) return;
    if (verdict === 'ranked' && !isComplete(draft)) {
      page.set({ message: { kind: 'hint', text: whatIsMissing(draft) } });
      return;
    }
    const decision: RankingDecision = {
      item: state.item.id,
      verdict,
      shown: state.item.answers.map(answer => answer.id),
      values: [...draft.values],
      flags: draft.flags.map(flags => [...flags]),
      note: draft.note.trim(),
      highlights: [...draft.highlights],
      skipReason,
      guidelines: state.guidelines?.version ?? null,
      milliseconds: page.watch.elapsed(),
    };
    ask(
      () => host.judge(decision),
      now => (verdict === 'skipped' && now.review ? '' : l10n.t('Saved. {0}.', progressText(now))),
    );
  };

  return {
    focus: position => {
      const { draft } = page.model;
      if (position !== draft.focus) page.change({ ...draft, focus: position });
    },
    value: (position, given) => {
      const { draft, saving } = page.model;
      if (saving) return;
      if (draft.kind === 'best-worst') page.change(extreme(draft, position, given === 1 ? 1 : -1));
      else page.change(isRanks(draft.kind) ? rank(draft, position, given) : give(draft, position, given));
      page.sayValue(position);
    },
    drop: (position, group, how) => {
      if (page.model.saving) return;
      page.change(drop(page.model.draft, position, group, how));
      page.sayValue(position);
    },
    save: () => decide('ranked'),
    allBad: () => decide('all-bad'),
    askSkip: () => {
      const { state, saving, skipping } = page.model;
      if (!state?.item || saving) return;
      if (state.review) {
        decide('skipped');
        return;
      }
      page.set({ skipping: !skipping, marking: null });
      if (skipping) page.focusAnswer();
      else page.focusField('[data-skip]');
    },
    skip: reason => decide('skipped', reason),
    undo: () => {
      if (!page.model.state?.canUndo) return;
      ask(
        () => host.undo({}),
        state => l10n.t('Taken back. {0}.', progressText(state)),
      );
    },
    flag: id => page.change(toggleFlag(page.model.draft, id)),
    note: text => page.change({ ...page.model.draft, note: text }),
    openExtra: field => {
      if (!wide.matches && !page.model.extraOpen) page.set({ extraOpen: true });
      page.focusField(field === 'note' ? '[data-field="note"]' : '[data-flag]');
    },
    mark: () => highlighting.start(),
    comment: text => highlighting.comment(text),
    saveMark: () => highlighting.save(),
    removeMark: index => highlighting.remove(index),
    // Closes what is open over the item, the newest first.
    back: () => {
      const { marking, skipping, helpOpen, extraOpen } = page.model;
      if (marking) page.set({ marking: null });
      else if (skipping) page.set({ skipping: false });
      else if (helpOpen) page.set({ helpOpen: false });
      else if (extraOpen) page.set({ extraOpen: false });
      page.focusAnswer();
    },
    toggle: what => {
      page.set({ [what]: !page.model[what] });
      const { differences, guidelinesOpen } = page.model;
      if (what === 'differences' && differences) page.say(page.root.querySelector('.tools .state')?.textContent ?? '');
      if (what === 'guidelinesOpen' && guidelinesOpen)
        page.root.querySelector('#guidelines-body')?.scrollIntoView({ block: 'nearest' });
    },
    reveal: () => {
      if (!page.model.state?.canReveal) return;
      ask(
        () => host.reveal({}),
        state => (state.revealed ?? []).map((name, i) => `${letterOf(i)}: ${name}`).join(', '),
      );
    },
    leave: () => page.model.elsewhere && conversation.receive(page.model.elsewhere),
    review: on => ask(() => host.review({ on }), progressText),
    take: index => {
      const { model } = page;
      const one = model.state?.review?.said[index];
      if (!one || model.saving || !canTake(one, model)) return;
      page.change({ ...model.draft, values: [...one.values], derived: one.values.map(() => false) });
      page.focusAnswer();
      page.say(l10n.t('Taken over. Save it, or change it first.'));
    },
    chooseMode: mode =>
      ask(
        () => host.chooseMode({ mode, keep: isTouched(page.model.draft) }),
        state => state.reason ?? '',
      ),
    chooseSet: name => ask(() => host.chooseSet({ set: name }), progressText),
    retry: () => conversation.retry(),
    act: action => host.act({ action }),
  };
}

function progressText(state: RankingState): string {
  const current = state.sets.find(one => one.name === state.set);
  if (!current) return '';
  return state.review
    ? l10n.t('{0} of {1} settled', current.judged, current.total)
    : l10n.t('{0} of {1} ranked', current.judged, current.total);
}

function whatIsMissing({ kind, values }: Draft): string {
  const missing = values.flatMap((value, position) => (value === null ? [letterOf(position)] : [])).join(', ');
  switch (kind) {
    case 'best-worst':
      return values.includes(1)
        ? l10n.t('Choose the worst too (x), or press b when none is good or s to skip.')
        : l10n.t('Choose the best answer first (y), or press b when none is good or s to skip.');
    case 'rating':
      return l10n.t('Rate {0} first, or press b when none is good or s to skip.', missing);
    case 'accept-reject':
      return l10n.t('Accept or reject {0} first, or press b when none is good or s to skip.', missing);
    default:
      return l10n.t('Give {0} a rank first, or press b when none is good or s to skip.', missing);
  }
}
