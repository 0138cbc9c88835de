/** A desk over real journal state: what it shows, what is written, undo, repeats, two windows, blindness. */
import assert from 'node:assert/strict';
import { isHumanError } from '../../../../src/base/errors.ts';
import { JournalState } from '../../../../src/core/preferences/journalState.ts';
import type { JournalRecord, JudgementRecord } from '../../../../src/core/preferences/judgement.ts';
import { type DeskJournal, RankingDesk } from '../../../../src/core/preferences/rankingDesk.ts';
import type { DeskDecision, Screen } from '../../../../src/core/preferences/rankingScreen.ts';
import {
  noProject,
  parseRankingProject,
  type RankingProject,
} from '../../../../src/core/preferences/rankingSettings.ts';

const at = (n: number) => new Date(Date.UTC(2026, 0, 1) + n).toISOString();

/** One journal that several desks (windows) share. */
class Shared {
  readonly records: JournalRecord[] = [];
  project: RankingProject = noProject;
  #count = 0;

  constructor(items: number, answers = ['a', 'b', 'c']) {
    for (let i = 0; i < items; i++)
      this.records.push({
        ...this.stamp(`i${i}`),
        type: 'item',
        set: 's',
        messages: [{ role: 'user', content: String(i) }],
        answers: answers.map(text => ({ id: text, text: `${text} text`, model: `local:${text}` })),
      });
  }

  stamp(id = '') {
    const n = this.#count++;
    return { format: 1 as const, id: id || `j${n}`, at: at(n), author: 'ada' };
  }

  journal(): DeskJournal {
    return { author: 'ada', state: JournalState.of(this.records) };
  }

  get standing(): JudgementRecord[] {
    return [...this.journal().state.ownJudgements('ada', 's')];
  }

  window() {
    const desk = new RankingDesk();
    const shared = this;
    return {
      desk,
      show: (): Screen => desk.show(shared.journal(), shared.project, true),
      judge(screen: Screen, more: Partial<DeskDecision> = {}): JudgementRecord {
        const { id, answers } = screen.item!;
        const decision: DeskDecision = {
          item: id,
          verdict: 'ranked',
          shown: answers.map(answer => answer.id),
          values: answers.map((_, i) => i + 1),
          flags: answers.map(() => []),
          note: '',
          highlights: [],
          skipReason: null,
          guidelines: null,
          milliseconds: 1000,
          ...more,
        };
        const judgement = desk.judgement(shared.journal(), shared.project, decision);
        const record: JudgementRecord = { ...shared.stamp(), type: 'judgement', ...judgement };
        shared.records.push(record);
        desk.judged(record);
        return record;
      },
      undo(): void {
        const last = desk.lastOwn(shared.journal(), shared.project);
        if (!last) return;
        shared.records.push({ ...shared.stamp(), type: 'deletion', deletes: last.id });
        desk.undone(last);
      },
    };
  }
}

describe('the ranking desk', () => {
  it('keeps everything that was said of an item', () => {
    const shared = new Shared(2);
    const one = shared.window();
    const screen = one.show();
    const [first, second] = screen.item!.answers;
    const made = one.judge(screen, {
      flags: [['unsafe', 'no-such-flag'], [], ['wrong', 'wrong']],
      note: ' clear ',
      highlights: [
        { answer: 1, start: 0, end: 1, comment: 'why?' },
        { answer: 1, start: 3, end: 99, comment: 'of another text' },
      ],
      guidelines: '0123456789ab',
    });
    assert.deepEqual(
      made.shown,
      screen.item!.answers.map(({ id }) => id),
    );
    assert.deepEqual(made.flagged, { [first!.id]: ['unsafe'], [made.shown[2]!]: ['wrong'] });
    assert.deepEqual([made.flags, made.note, made.guidelines], [['unsafe', 'wrong'], 'clear', '0123456789ab']);
    assert.deepEqual(made.highlights, [{ answer: second!.id, start: 0, end: 1, comment: 'why?' }]);
    assert.notEqual(one.show().item!.id, screen.item!.id);
    assert.equal(one.show().lastGuidelines, '0123456789ab');
  });

  it('never shows a model before it is asked for after the decision', () => {
    const one = new Shared(2).window();
    const screen = one.show();
    assert.ok(!JSON.stringify(screen).includes('local:'));
    assert.equal(screen.canReveal, false);
    one.desk.reveal();
    assert.equal(one.show().revealed, null);
    one.judge(screen);
    assert.deepEqual([one.show().canReveal, one.show().revealed], [true, null]);
    one.desk.reveal();
    assert.deepEqual(
      one.show().revealed,
      screen.item!.answers.map(({ id }) => `local:${id}`),
    );
  });

  it('says of a judgement made again whether its models had been seen', () => {
    const shared = new Shared(3);
    const one = shared.window();
    const made = one.judge(one.show());
    one.undo();
    const again = one.judge(one.show());
    assert.deepEqual([again.replaces, again.unblinded], [made.id, undefined]);
    one.desk.reveal();
    one.undo();
    assert.equal(one.judge(one.show()).unblinded, true);
  });

  it('undoes to any depth, each as it was, in the order in which it stood', () => {
    const shared = new Shared(4);
    const one = shared.window();
    const seen: Screen[] = [];
    for (const values of [
      [2, 1, 2],
      [1, 2, 3],
      [1, 1, 1],
    ]) {
      const screen = one.show();
      seen.push(screen);
      one.judge(screen, { values, note: String(values) });
    }
    for (const [i, values] of [
      [1, 1, 1],
      [1, 2, 3],
      [2, 1, 2],
    ].entries()) {
      one.undo();
      const { item } = one.show();
      assert.deepEqual(item!.answers, seen[2 - i]!.item!.answers);
      assert.deepEqual([item!.draft?.values, item!.draft?.note], [values, String(values)]);
    }
    one.undo();
    assert.equal(one.show().canUndo, false);
    assert.equal(shared.standing.length, 0);
    // Judged again, they come in the order in which they came before.
    for (const screen of seen) {
      const now = one.show();
      assert.deepEqual([now.item!.id, now.item!.answers], [screen.item!.id, screen.item!.answers]);
      const before = now.item!.draft!.note;
      assert.equal(one.judge(now, { values: now.item!.draft!.values }).replaces !== undefined, true, before);
    }
    assert.equal(one.show().item!.draft, null);
  });

  it('follows the plan, says why, and keeps what is on the screen while plans change', () => {
    const shared = new Shared(6);
    const one = shared.window();
    const plan = (...items: string[]) =>
      one.desk.planned({
        set: 's',
        mode: 'mixed',
        items: items.map(item => ({ item, score: 1, reason: { kind: 'new-prompt' as const }, beyond: item === 'i5' })),
      });
    const first = one.show();
    assert.deepEqual([first.item!.id, first.mode, first.reason], ['i0', 'mixed', null]);
    plan('i4', 'i2', 'i5');
    assert.equal(one.show().item!.id, 'i0', 'on the screen');
    one.judge(one.show());
    assert.deepEqual([one.show().item!.id, one.show().reason], ['i4', 'No judgement of this prompt yet']);
    plan('i2', 'i4', 'i5');
    assert.equal(one.show().item!.id, 'i4', 'on the screen');
    one.judge(one.show());
    one.undo();
    assert.deepEqual([one.show().item!.id, one.show().reason], ['i4', null], 'taken back, whatever the plan');
    one.judge(one.show());
    one.judge(one.show());
    assert.match(one.show().reason!, /^Your share is done/);
    assert.equal(one.show().item!.id, 'i5');
    one.judge(one.show());
    assert.equal(one.show().item!.id, 'i1', 'without a plan as they were put up');
    one.desk.choose('order', true);
    assert.deepEqual([one.show().item!.id, one.show().mode], ['i1', 'order']);
    one.desk.planned({
      set: 's',
      mode: 'order',
      items: [{ item: 'i3', score: 0, reason: { kind: 'order' }, beyond: false }],
    });
    one.desk.choose('order', false);
    assert.equal(one.show().item!.id, 'i3');
  });

  it('takes up the item of before a reload, unless it was judged since', () => {
    const shared = new Shared(3);
    const again = (item: string): string => {
      const one = shared.window();
      one.desk.resume(shared.journal(), shared.project, item);
      return one.show().item!.id;
    };
    assert.equal(again('i2'), 'i2');
    assert.equal(again('gone'), 'i0');
    const other = shared.window();
    other.desk.resume(shared.journal(), shared.project, 'i2');
    other.judge(other.show());
    assert.equal(again('i2'), 'i0');
  });

  it('names answers by letter in its reasons, and no model', () => {
    const shared = new Shared(1, ['a', 'b']);
    const one = shared.window();
    const { item } = one.show();
    const [left, right] = item!.answers.map(({ id }) => id);
    const said = (chance: number, answers: readonly [string, string]): string => {
      const reason = { kind: 'open' as const, chance, answers, models: ['local:a', 'local:b'] as const };
      one.desk.planned({ set: 's', mode: 'mixed', items: [{ item: 'i0', score: 1, reason, beyond: false }] });
      return one.show().reason!;
    };
    assert.equal(said(0.52, [left!, right!]), 'Uncertain: 52 % for A');
    assert.equal(said(0.48, [left!, right!]), 'Uncertain: 52 % for B');
    assert.equal(said(0.52, [right!, left!]), 'Uncertain: 52 % for B');
  });

  it('reviews disagreements by name, blind to models, settles them, leaves some for later, and undoes', () => {
    const shared = new Shared(4);
    const say = (item: string, author: string, order: string, more: Partial<JudgementRecord> = {}) => {
      const ranking = [...order].map(id => [id]);
      const shown = ['a', 'b', 'c'];
      const base = { item, ranking, shown, verdict: 'ranked' as const, flags: [], milliseconds: 1 };
      shared.records.push({ ...shared.stamp(), author, type: 'judgement', ...base, ...more });
    };
    say('i0', 'ada', 'abc');
    say('i0', 'ben', 'bac', { note: 'b is shorter', flags: ['wrong'] });
    say('i1', 'ben', 'abc');
    say('i1', 'cem', 'cba');
    say('i2', 'ben', 'abc');
    say('i2', 'cem', 'abc');
    const one = shared.window();
    for (const _ of one.desk.look(shared.journal()));
    assert.equal(one.show().disputes, 2);
    assert.equal(one.show().review, null);
    const ranked = one.show();
    one.desk.review(true);
    const screen = one.show();
    assert.deepEqual(screen.sets, [{ name: 's', judged: 0, total: 2, beyond: 0 }]);
    assert.deepEqual([screen.item!.id, screen.reason, screen.canUndo], ['i1', '2 people disagree by 100 %', false]);
    assert.ok(!JSON.stringify(screen).includes('local:'));
    const ids = screen.item!.answers.map(({ id }) => id);
    assert.deepEqual(
      screen.review!.said.map(({ name, values }) => [name, values]),
      [
        ['ben', ids.map(id => 'abc'.indexOf(id) + 1)],
        ['cem', ids.map(id => 'cba'.indexOf(id) + 1)],
      ],
    );
    one.desk.setAside('i1');
    const second = one.show();
    assert.equal(second.item!.id, 'i0', 'left for later');
    assert.deepEqual(
      second.review!.said.map(({ name, note, flags }) => [name, note, flags]),
      [
        ['ada', '', []],
        ['ben', 'b is shorter', ['Wrong']],
      ],
    );
    const made = one.judge(second, { note: 'settled' });
    assert.deepEqual(made.adjudicates, ['j4', 'j5']);
    assert.equal(made.replaces, undefined, 'one’s own judgement stands beside');
    assert.equal(shared.journal().state.judgement({ item: 'i0', author: 'ada' })?.id, 'j4');
    const third = one.show();
    assert.deepEqual([third.item!.id, third.sets[0]!.judged, third.canUndo], ['i1', 1, true]);
    one.judge(third);
    assert.deepEqual([one.show().item, one.show().disputes], [null, 0]);
    one.undo();
    one.undo();
    const again = one.show();
    assert.deepEqual([again.item!.id, again.item!.draft?.note, again.sets[0]!.judged], ['i0', 'settled', 0]);
    assert.equal(one.judge(again).replaces, made.id);
    one.desk.review(false);
    assert.deepEqual([one.show().item!.id, one.show().sets], [ranked.item!.id, ranked.sets]);
    one.undo();
    assert.equal(one.show().item!.id, 'i0', 'out of the review undo takes back one’s own judgement');
    assert.equal(shared.journal().state.adjudication('i0')?.adjudicates?.length, 2);
  });

  it('leaves one judgement when two windows rank the same item', () => {
    const shared = new Shared(1);
    const [one, two] = [shared.window(), shared.window()];
    const screens = [one.show(), two.show()] as const;
    assert.deepEqual(screens[0].item, screens[1].item);
    const first = one.judge(screens[0]);
    const second = two.judge(screens[1], { values: [3, 2, 1] });
    assert.equal(second.replaces, first.id);
    assert.deepEqual(
      shared.standing.map(({ id }) => id),
      [second.id],
    );
    assert.deepEqual([...shared.journal().state.repeats], []);
  });

  it('drops what was undone here when another window judged it since', () => {
    const shared = new Shared(2);
    const [one, two] = [shared.window(), shared.window()];
    one.judge(one.show());
    one.undo();
    const undone = one.show().item!.id;
    two.judge(two.show());
    assert.notEqual(one.show().item!.id, undone);
  });

  it('refuses what was not shown, what is not whole, and an item that is gone', () => {
    const shared = new Shared(1);
    const one = shared.window();
    const screen = one.show();
    assert.throws(() => one.judge(screen, { shown: ['c', 'b', 'x'] }), /not those of the item/);
    assert.throws(
      () => one.judge(screen, { values: [1, null, 2] }),
      (error: unknown) => isHumanError(error),
    );
    shared.records.push({ ...shared.stamp(), type: 'deletion', deletes: 'i0' });
    assert.throws(() => one.judge(screen), /removed in the meantime/);
  });

  it('shows two of several answers for a pair, and judges these alone', () => {
    const shared = new Shared(3);
    shared.project = parseRankingProject('kind: pairwise', 'x');
    const one = shared.window();
    const made = one.judge(one.show());
    assert.deepEqual([made.kind, made.shown.length, made.ranking.flat().length], ['pairwise', 2, 2]);
  });

  it('brings items again, unsaid, and measures how alike they are judged', () => {
    const shared = new Shared(60);
    shared.project = parseRankingProject('repeats: 0.1\nnext: order', 'x');
    const one = shared.window();
    const repeats: JudgementRecord[] = [];
    for (let screen = one.show(); screen.item; screen = one.show()) {
      assert.deepEqual(one.show().item, screen.item);
      assert.deepEqual(Object.keys(screen.item).sort(), ['answers', 'draft', 'id', 'kind', 'messages']);
      assert.equal(screen.reason, 'In the order in which they were put up', 'repeats say nothing else');
      // By letter, so that the same answers are judged alike however they are shuffled.
      const order = screen.item.answers.map(({ id }) => 'abc'.indexOf(id) + 1);
      const made = one.judge(screen, { values: order });
      if (made.repeatOf) repeats.push(made);
    }
    assert.ok(repeats.length >= 4 && repeats.length <= 6, `${repeats.length} of 60`);
    assert.equal(new Set(repeats.map(({ item }) => item)).size, repeats.length);
    assert.ok(repeats.every(({ replaces }) => replaces === undefined));
    assert.deepEqual(one.show().consistency, { same: 3 * repeats.length, of: 3 * repeats.length });
    assert.deepEqual(shared.journal().state.progress('ada'), [{ name: 's', judged: 60, total: 60, beyond: 0 }]);
  });

  it('tells how judges agree in steps, and neither a judgement nor its undo moves the figure within one', () => {
    const shared = new Shared(12, ['a', 'b']);
    for (const item of shared.records.filter(({ type }) => type === 'item'))
      shared.records.push({
        ...shared.stamp(),
        type: 'judgement',
        item: item.id,
        ranking: [['a'], ['b']],
        shown: ['a', 'b'],
        verdict: 'ranked',
        flags: [],
        milliseconds: 1,
        judge: 'j on m #00000000',
      });
    const window = shared.window();
    const figures: unknown[] = [];
    for (let i = 0; i < 9; i++) {
      const screen = window.show();
      figures.push(screen.judges.map(({ items }) => items));
      window.judge(screen);
    }
    assert.deepEqual(figures, [[], [], [], [], [], [5], [5], [5], [5]]);
    const before = window.show().judges;
    window.undo();
    assert.deepEqual(window.show().judges, before);
  });

  it('shows an item that was asked for: to be revised as it was judged, or judged for the first time', () => {
    const shared = new Shared(4);
    const one = shared.window();
    const first = one.judge(one.show());
    one.judge(one.show());
    const item = (id: string) => shared.journal().state.itemById.get(id)!;
    one.desk.ask(shared.journal(), item(first.item));
    const again = one.show();
    assert.equal(again.item?.id, first.item);
    assert.deepEqual(again.item?.draft?.values, [1, 2, 3]);
    assert.deepEqual(
      again.item?.answers.map(({ id }) => id),
      first.shown,
    );
    const revised = one.judge(again, { values: [2, 1, 3] });
    assert.equal(revised.replaces, first.id);
    assert.equal(revised.unblinded, true);
    assert.equal(shared.standing.length, 2);

    const open = ['i0', 'i1', 'i2', 'i3'].filter(id => !shared.standing.some(judgement => judgement.item === id));
    one.desk.ask(shared.journal(), item(open[1]!));
    const asked = one.show();
    assert.deepEqual([asked.item?.id, asked.item?.draft], [open[1], null]);
    const made = one.judge(asked);
    assert.deepEqual([made.unblinded, made.replaces], [true, undefined]);
    const next = one.show();
    assert.equal(next.item?.id, open[0]);
    assert.equal(one.judge(next).unblinded, undefined);
  });
});
