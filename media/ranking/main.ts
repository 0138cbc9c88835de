/** The Ranking view's page: keys and clicks become decisions; it moves on only after the host says that one is on disk. */
import '../common/theme.css';
import './ranking.css';
import { render } from 'lit';
import { errorMessage } from '../../src/base/errors.ts';
import { l10n } from '../../src/base/l10n.ts';
import { type RankingDecision, type RankingState, rankingContract } from '../../src/protocol/ranking.ts';
import { connect, page, savedState } from '../common/vscodeApi.ts';
import { type Draft, draftOf, emptyDraft, isComplete, letterOf, moveFocus, rank, tie, toggleFlag } from './draft.ts';
import { Stopwatch } from './stopwatch.ts';
import { type Actions, type Model, rankingView } from './view.ts';

/** What outlives a reload of the window: the set, and the unsaved work on one item. */
interface Saved {
  readonly set: string | null;
  readonly item: string | null;
  readonly draft: Draft;
  readonly milliseconds: number;
}

let model: Model = {
  state: null,
  draft: emptyDraft(0),
  saving: false,
  message: null,
  promptOpen: true,
  extraOpen: false,
};
const watch = new Stopwatch(() => performance.now());
/** Saved drafts live for the page that left them only. */
let restored = savedState.get() as Saved | undefined;
let lastFailed: (() => void) | undefined;

const live = document.createElement('div');
live.className = 'sr-only';
live.setAttribute('aria-live', 'polite');
const root = document.createElement('div');
document.body.append(root, live);
if ((page.initial as { surface?: string } | null)?.surface === 'sidebar') document.body.dataset.surface = 'sidebar';

const host = connect(rankingContract, {
  state: state => receive(state),
  undo: () => void undo(),
  visible: ({ visible }) => inSight(visible),
});

function draw(): void {
  render(rankingView(model, actions), root);
}

function set(change: Partial<Model>): void {
  model = { ...model, ...change };
  draw();
}

function change(draft: Draft): void {
  set({ draft, message: model.message?.kind === 'hint' ? null : model.message });
  persist();
}

function persist(): void {
  savedState.set({
    set: model.state?.set ?? null,
    item: model.state?.item?.id ?? null,
    draft: model.draft,
    milliseconds: watch.elapsed(),
  } satisfies Saved);
}

/** Shows a state of the host. The same item keeps its draft; another one starts anew. */
function receive(state: RankingState, announce?: string): void {
  if (model.state && state.version < model.state.version) return;
  const before = model.state?.item?.id;
  const item = state.item;
  let draft = model.draft;
  if (item && (item.id !== before || item.answers.length !== draft.ranks.length)) {
    draft = item.draft ? draftOf(item.draft.ranks, item.draft.flags, item.draft.note) : emptyDraft(item.answers.length);
    watch.restart();
    if (restored && restored.item === item.id && restored.draft.ranks.length === item.answers.length) {
      draft = restored.draft;
      watch.restart(restored.milliseconds);
    }
    restored = undefined;
  }
  const moved = item?.id !== before;
  set({ state, draft, saving: false, ...(moved ? { message: null, extraOpen: draft.note !== '' } : {}) });
  persist();
  if (moved && item) {
    root.querySelector('.answers')?.scrollTo(0, 0);
    root.querySelector('.ctx .body')?.scrollTo(0, 0);
    if (document.hasFocus()) focusAnswer();
  }
  if (announce) live.textContent = announce;
}

function focusAnswer(): void {
  const article = root.querySelector<HTMLElement>(`.an[data-position="${model.draft.focus}"]`);
  article?.focus({ preventScroll: true });
  article?.scrollIntoView({ block: 'nearest' });
}

/** Sends one request; nothing else is accepted until its reply, and a failure leaves everything as it was. */
async function ask(request: () => Promise<RankingState>, announce: (state: RankingState) => string): Promise<void> {
  if (model.saving) return;
  lastFailed = () => void ask(request, announce);
  set({ saving: true, message: null });
  try {
    const state = await request();
    receive(state, announce(state));
  } catch (error) {
    set({ saving: false, message: { kind: 'error', text: errorMessage(error) } });
  }
}

function progressText(state: RankingState): string {
  const current = state.sets.find(one => one.name === state.set);
  return current ? l10n.t('{0} of {1} ranked', current.judged, current.total) : '';
}

function decide(verdict: RankingDecision['verdict']): void {
  const item = model.state?.item;
  if (!item || model.saving) return;
  if (verdict === 'ranked' && !isComplete(model.draft)) {
    const missing = model.draft.ranks.flatMap((value, position) => (value === null ? [letterOf(position)] : []));
    set({
      message: {
        kind: 'hint',
        text: l10n.t('Give {0} a rank first, or press b when none is good or s to skip.', missing.join(', ')),
      },
    });
    return;
  }
  const decision: RankingDecision = {
    item: item.id,
    verdict,
    ranks: [...model.draft.ranks],
    shown: item.answers.map(answer => answer.id),
    flags: [...model.draft.flags],
    note: model.draft.note.trim(),
    milliseconds: watch.elapsed(),
  };
  void ask(
    () => host.remote.judge(decision),
    state => l10n.t('Saved. {0}.', progressText(state)),
  );
}

function undo(): Promise<void> | undefined {
  if (!model.state?.canUndo) return undefined;
  return ask(
    () => host.remote.undo({}),
    state => l10n.t('Taken back. {0}.', progressText(state)),
  );
}

const narrow = (): boolean => !window.matchMedia('(min-width: 720px)').matches;

/** The note or the first flag of the layout that is shown. */
function openExtra(field: 'note' | 'flag'): void {
  if (narrow() && !model.extraOpen) set({ extraOpen: true });
  const all = root.querySelectorAll<HTMLElement>(field === 'note' ? '[data-note]' : '[data-flag]');
  [...all].find(element => element.offsetParent !== null)?.focus();
}

const actions: Actions = {
  focus: position => {
    if (position !== model.draft.focus) change({ ...model.draft, focus: position });
  },
  rank: (position, value) => {
    if (!model.saving) change(rank(model.draft, position, value));
  },
  save: () => decide('ranked'),
  allBad: () => decide('all-bad'),
  skip: () => decide('skipped'),
  undo: () => void undo(),
  flag: id => change(toggleFlag(model.draft, id)),
  note: text => change({ ...model.draft, note: text }),
  openExtra,
  togglePrompt: () => set({ promptOpen: !model.promptOpen }),
  chooseSet: name => void ask(() => host.remote.chooseSet({ set: name }), progressText),
  retry: () => lastFailed?.(),
  act: action => host.remote.act({ action }),
};

/** Keys of RULES: letters act on the item, never while a field has the focus. */
function onKey(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const target = event.target as HTMLElement;
  if (target.matches('[data-note]')) {
    if (event.key === 'Enter' || event.key === 'Escape') {
      event.preventDefault();
      focusAnswer();
    }
    return;
  }
  if (target.matches('select') || (target.matches('input') && event.key === ' ')) return;
  const onButton = target.matches('button:not([role="radio"]), pre');
  const count = model.draft.ranks.length;
  if (event.key === 'u') {
    event.preventDefault();
    void undo();
    return;
  }
  if (!model.state?.item || model.saving) return;
  const wide = !narrow();
  if (event.key === 'ArrowDown' || (wide && event.key === 'ArrowRight')) move(event, 1);
  else if (event.key === 'ArrowUp' || (wide && event.key === 'ArrowLeft')) move(event, -1);
  else if (/^[1-9]$/.test(event.key) && Number(event.key) <= count) {
    event.preventDefault();
    change(rank(model.draft, model.draft.focus, Number(event.key)));
    focusAnswer();
  } else if (event.key === 't') {
    change(tie(model.draft));
    focusAnswer();
  } else if (event.key === 'b') actions.allBad();
  else if (event.key === 's') actions.skip();
  else if (event.key === 'f' || event.key === 'n') {
    event.preventDefault();
    openExtra(event.key === 'f' ? 'flag' : 'note');
  } else if (event.key === 'Enter' && !onButton) {
    event.preventDefault();
    actions.save();
  } else if (event.key === 'Escape' && model.extraOpen) {
    set({ extraOpen: false });
    focusAnswer();
  }
}

function move(event: KeyboardEvent, by: number): void {
  event.preventDefault();
  change(moveFocus(model.draft, by));
  focusAnswer();
}

function inSight(visible: boolean): void {
  if (visible) watch.resume();
  else {
    watch.pause();
    persist();
  }
}

function onFocus(): void {
  document.body.classList.toggle('focused', document.hasFocus());
}

document.addEventListener('keydown', onKey);
window.addEventListener('focus', () => {
  onFocus();
  if (document.activeElement === document.body) focusAnswer();
});
window.addEventListener('blur', onFocus);
document.addEventListener('visibilitychange', () => inSight(document.visibilityState === 'visible'));

onFocus();
draw();
void ask(
  () => host.remote.open({ set: restored?.set ?? null }),
  () => '',
);
