/** A host of the data view without an editor: the same desk over a journal in memory, with people who judged a shop's answers. */
import { Rng } from '../../../src/base/rng.ts';
import { DataDesk } from '../../../src/core/preferences/browse/dataDesk.ts';
import { dataDetail, judgementsOf, promptsOf } from '../../../src/core/preferences/browse/dataRows.ts';
import { figures } from '../../../src/core/preferences/browse/figures.ts';
import { idsOf, olderOwn, type TakenBack, withItems } from '../../../src/core/preferences/browse/takeBack.ts';
import { leakOf } from '../../../src/core/preferences/findings.ts';
import { JournalState } from '../../../src/core/preferences/journalState.ts';
import type { JournalRecord } from '../../../src/core/preferences/judgement.ts';
import { parseSplits } from '../../../src/core/preferences/splits.ts';
import type { DataState, preferenceDataContract } from '../../../src/protocol/preferenceData.ts';
import type { ExportChoice, ShownExport, ShownPlan, ShownReport } from '../../../src/protocol/preferenceFigures.ts';
import type { Handlers } from '../../../src/protocol/rpc.ts';
import { checkPreferences, planExport } from '../../../src/storage/exchange/exportPreferences.ts';

const questions = [
  'My kettle leaks at the base every morning and I have emailed twice. What will you do about it?',
  'How long does the soup keep in the fridge once it was opened?',
  'Write a calm reply to a guest who waited forty minutes for a table.',
  'Is the blue jacket warm enough for a winter in Oslo?',
  'Explain to a child why the sky is red in the evening.',
  'The parcel says delivered, yet there is nothing here. Please help!',
];
const models = ['pebble-135m', 'granite-1b', 'slate-3b'];
const openings = ['I am sorry to hear that.', 'Thank you for asking.', 'Certainly!', 'Good question.'];

/** `count` items of two to four answers, most of them judged, by three people and a judge. */
export function shopRecords(count: number): JournalRecord[] {
  const rng = Rng.seeded(7);
  const records: JournalRecord[] = [];
  const start = Date.UTC(2026, 9, 1, 9);
  for (let i = 0; i < count; i++) {
    const answers = Array.from({ length: 2 + (i % 3) }, (_, a) => ({
      id: `a${i}-${a}`,
      text: `${openings[(i + a) % 4]} ${'We look into it and write to you today. '.repeat(1 + rng.int(4))}`.trim(),
      model: models[(i + a) % 3]!,
      source: 'run 12',
    }));
    const at = (minutes: number): string => new Date(start + (i * 97 + minutes) * 60_000).toISOString();
    const set = i % 5 === 0 ? 'stories' : 'support';
    const content = `${questions[i % questions.length]} (${i})`;
    const item = `item${i}`;
    records.push({
      format: 1,
      type: 'item',
      id: item,
      at: at(0),
      author: 'ada',
      set,
      messages: [{ role: 'user', content }],
      answers,
    });
    for (const [who, author] of ['ada', 'bob', 'cyd', 'ada'].entries()) {
      if (rng.next() < 0.25) continue;
      const order = answers
        .map((answer, a) => ({ id: answer.id, worth: answer.text.length / 60 + (a % 3) * 0.5 + rng.next() * 2.5 }))
        .sort((a, b) => b.worth - a.worth)
        .map(({ id }) => id);
      const dice = rng.next();
      const tie = dice < 0.15;
      records.push({
        format: 1,
        type: 'judgement',
        id: `j${i}-${who}`,
        at: at(5 + who * 20),
        author,
        ...(who === 3 && { judge: 'slate-judge' }),
        item,
        ranking:
          dice > 0.92 ? [] : tie ? [order.slice(0, 2), ...order.slice(2).map(id => [id])] : order.map(id => [id]),
        shown: rng.shuffled(answers.map(({ id }) => id)),
        verdict: dice > 0.96 ? 'skipped' : dice > 0.92 ? 'all-bad' : 'ranked',
        flags: i % 9 === 0 && who === 0 ? ['wrong'] : [],
        ...(i % 9 === 0 && who === 0 && { flagged: { [answers[1]!.id]: ['wrong'] } }),
        ...(i % 7 === 0 && who < 2 && { note: 'B promises a refund that nobody has agreed to.' }),
        ...(i % 7 === 0 &&
          who === 0 && { highlights: [{ answer: answers[0]!.id, start: 0, end: 12, comment: 'sounds copied' }] }),
        guidelines: i < count / 2 ? '4f2a9c1b7d30' : '88e1b02c5a9f',
        milliseconds: 2000 + rng.int(20_000),
      });
    }
  }
  return records;
}

const exportOptions = ({ format, set, judges, splits, redact }: ExportChoice) => ({
  format,
  set: set ?? undefined,
  filter: { judges },
  splits: splits === '' ? undefined : parseSplits(splits),
  redact,
});

export function dataHost(records: JournalRecord[]) {
  let state = JournalState.of(records);
  const desk = new DataDesk();
  desk.setSplits('train=0.9,test=0.1');
  const copied: string[] = [];
  const acted: string[] = [];
  const taken: JournalRecord[] = [];
  const fixed: TakenBack[] = [];
  const opened: string[] = [];
  const judged: string[] = [];
  const find = async (): Promise<DataState> => {
    await desk.find(
      () => state,
      () => undefined,
      () => {},
    );
    return { ...desk.state(), author: 'ada', undo: taken.length > 0 ? 'Delete Judgement' : null, problems: [] };
  };
  const add = (...more: JournalRecord[]): Promise<DataState> => {
    records.push(...more);
    state = JournalState.of(records);
    return find();
  };
  const handlers: Handlers<typeof preferenceDataContract.toHost> = {
    open: ({ filter, sort }) => {
      desk.show(filter ?? desk.filter, sort ?? desk.sort);
      return find();
    },
    show: ({ filter, sort }) => {
      desk.show(filter, sort);
      return find();
    },
    rows: ({ from, count }) => desk.rows(state, from, count),
    detail: ({ item }) => dataDetail(state, item, { author: 'ada', splits: desk.splits }) ?? null,
    setSplits: ({ splits }) => {
      desk.setSplits(splits);
      return find();
    },
    deleteJudgement: ({ item, judgement }) => {
      const record = judgementsOf(state, item).find(({ id }) => id === judgement)!;
      taken.push(record);
      const at = new Date().toISOString();
      return add({ format: 1, type: 'deletion', id: `d${records.length}`, at, author: 'ada', deletes: judgement });
    },
    undo: () => {
      const record = taken.pop();
      return record?.type === 'judgement' ? add({ ...record, id: `${record.id}+` }) : find();
    },
    copy: ({ item }) => {
      copied.push(item);
      return null;
    },
    // As they come over the wire: what is no number is null.
    figures: () =>
      JSON.parse(JSON.stringify(figures(state, { filter: desk.filter, splits: desk.splits, repeats: 100 }))),
    check: ({ maxTokens }) =>
      checkPreferences(state, {
        splits: desk.splits.length > 0 ? desk.splits : undefined,
        maxTokens: maxTokens ?? undefined,
        filter: { judges: 'include' },
      }) as ShownReport,
    prompts: ({ items }) => promptsOf(state, items),
    fix: ({ findings, how }) => {
      const gone = how === 'take-down' ? withItems(state, findings) : olderOwn({ state, author: 'ada' }, findings);
      const ids = how === 'take-down' ? gone.items.map(({ id }) => id) : idsOf(gone);
      const at = new Date().toISOString();
      fixed.push(gone);
      return add(
        ...ids.map(
          (deletes, i): JournalRecord => ({
            format: 1,
            type: 'deletion',
            id: `f${records.length}-${i}`,
            at,
            author: 'ada',
            deletes,
          }),
        ),
      );
    },
    plan: choice => planExport(state, exportOptions(choice)) as ShownPlan,
    export: ({ choice, allowLeaks }) => {
      const leak = allowLeaks ? undefined : leakOf(checkPreferences(state, exportOptions(choice)));
      if (leak) return { leak: leak.kind, count: leak.count };
      const { judgements, rows, lost } = planExport(state, exportOptions(choice));
      const files = Object.entries(rows).map(([split, count]) => ({
        path: `/home/ada/preferences${split && `-${split}`}.jsonl`,
        ...(split && { split }),
        rows: count,
        sha256: '',
      }));
      return { files, datasheet: '/home/ada/preferences-datasheet.md', judgements, lost } as ShownExport;
    },
    openExported: ({ path }) => {
      opened.push(path);
      return null;
    },
    judge: ({ item }) => {
      judged.push(item);
      return null;
    },
    act: ({ action }) => void acted.push(action),
  };
  return { handlers, copied, acted, fixed, opened, judged, add, judgements: () => state.judgementCount };
}
