/** What the data view shows of an item: a line in the table, and all of it when it is chosen. */
import { annotatorOf } from '../annotators.ts';
import { comparisonsOf } from '../comparisons.ts';
import { fits } from '../decision.ts';
import type { JournalState } from '../journalState.ts';
import type { ItemRecord, JudgementKind, JudgementRecord } from '../judgement.ts';
import { pairsOf } from '../pairs.ts';
import { comparedSet, hasNote, isPlain, verdictOf } from '../recordFacets.ts';
import { redact } from '../sensitive.ts';
import { type Split, splitAt, splitOf } from '../splits.ts';
import { disagree } from './disagreement.ts';

/** One or more judgements that say the same: answers by number, best group first. */
export interface Said {
  verdict: JudgementRecord['verdict'];
  kind: JudgementKind;
  groups: number[][];
  /** Of accept or reject. */
  accepted: number[] | null;
  count: number;
}

export interface DataRow {
  id: string;
  set: string;
  prompt: string;
  answers: number;
  /** The most frequent first, at most three. */
  said: Said[];
  judgements: number;
  agreed: boolean | null;
  annotators: string[];
  flags: string[];
  note: string | null;
  models: string[];
  split: string | null;
  guidelines: string[];
  /** Of the latest judgement, or of the item where there is none; milliseconds since 1970. */
  time: number;
}

const shownSaid = 3;
/** Judgements of an item that are read for its line. */
const mostRead = 12;
const longestPrompt = 240;
const longestNote = 120;

/** The line of an item; `rows` are the judgements of it that pass the filter. */
export function dataRow(
  state: JournalState,
  place: number,
  rows: readonly number[],
  splits: readonly Split[],
): DataRow | undefined {
  const { columns, names } = state.table;
  const { facets, says } = columns;
  const itemRow = state.judgedRows.items[place]!;
  const item = state.record(itemRow);
  if (item?.type !== 'item') return undefined;
  const groups = new Map<string, { readonly row: number; count: number }>();
  for (const row of rows) {
    const own = facets[row]!;
    const key = isPlain(own) ? `${verdictOf(own)} ${comparedSet(own)} ${says[row]}` : `${verdictOf(own)} ${row}`;
    const known = groups.get(key);
    if (known) known.count++;
    else groups.set(key, { row, count: 1 });
  }
  const frequent = [...groups.values()].sort((a, b) => b.count - a.count).slice(0, shownSaid);
  const noted = rows.filter(row => hasNote(facets[row]!)).slice(0, mostRead);
  const [note] = noted.flatMap(row => judgementAt(state, row)?.note ?? []);
  const some = rows.length > 1 && rows.filter(row => verdictOf(facets[row]!) !== 'skipped').length > 1;
  return {
    id: item.id,
    set: item.set,
    prompt: oneLine(promptOf(item), longestPrompt),
    answers: item.answers.length,
    said: frequent.flatMap(({ row, count }) => {
      const judgement = judgementAt(state, row);
      return judgement ? [{ ...saidBy(judgement, item), count }] : [];
    }),
    judgements: rows.length,
    agreed: some ? !disagree(state, place, rows) : null,
    annotators: distinct(rows.map(row => nameAt(state, row))),
    flags: distinct(rows.flatMap(row => names.flags[columns.marks[row]!]!)),
    note: note === undefined ? null : oneLine(note, longestNote),
    models: [...names.models[columns.marks[itemRow]!]!],
    split: splits.length > 0 ? splitAt(columns.says[itemRow]!, splits).name : null,
    guidelines: distinct(rows.map(row => names.guidelines[columns.guidelines[row]!]!)).filter(Boolean),
    time: rows.reduce((last, row) => Math.max(last, columns.time[row]!), 0) || columns.time[itemRow]!,
  };
}

export interface DetailJudgement extends Said {
  id: string;
  annotator: string;
  /** Made by whoever looks, who may take it back. */
  own: boolean;
  /** No person. */
  judge: boolean;
  at: string;
  /** Flags by the number of their answer; −1 where they are of the item. */
  flags: { answer: number; flag: string }[];
  note: string | null;
  ratings: { answer: number; rating: number }[];
  skipReason: string | null;
  guidelines: string | null;
  milliseconds: number;
  /** Answers in the order in which they were shown. */
  shown: number[];
  repeat: boolean;
  revises: boolean;
  unblinded: boolean;
}

export interface DetailAnswer {
  /** Its number in the item; letters are given by it. */
  number: number;
  text: string;
  model: string;
  source: string | null;
  /** Of the comparisons with other answers of the item. */
  better: number;
  tied: number;
  worse: number;
  highlights: { start: number; end: number; comment: string; annotator: string }[];
}

export interface DataDetail {
  id: string;
  set: string;
  author: string;
  at: string;
  split: string | null;
  messages: { role: 'system' | 'user' | 'assistant'; content: string }[];
  /** The best first: by the share of comparisons won, ties half. */
  answers: DetailAnswer[];
  judgements: DetailJudgement[];
  /** Derived pairs, by numbers of answers, with how many judgements give each. */
  pairs: { chosen: number; rejected: number; count: number }[];
  agreed: boolean | null;
}

/** All of an item and of its standing judgements, oldest first. Undefined where no such item stands. */
export function dataDetail(
  state: JournalState,
  id: string,
  { author, splits }: { readonly author: string; readonly splits: readonly Split[] },
): DataDetail | undefined {
  const place = state.placeOf(id);
  const item = place === undefined ? undefined : state.itemById.get(id);
  if (place === undefined || !item) return undefined;
  const { starts, judgements: all } = state.judgedRows;
  const rows = [...all.subarray(starts[place]!, starts[place + 1]!)];
  const judgements = rows.flatMap(row => judgementAt(state, row) ?? []);
  const numberOf = numbers(item);
  const answers = item.answers.map(
    (answer, number): DetailAnswer => ({
      number,
      text: answer.text,
      model: answer.model,
      source: answer.source ?? null,
      better: 0,
      tied: 0,
      worse: 0,
      highlights: judgements.flatMap(judgement => highlightsOf(judgement, answer)),
    }),
  );
  for (const { first, second, outcome } of comparisonsOf(judgements, { get: () => item })) {
    const [a, b] = [answers[numberOf.get(first.id)!]!, answers[numberOf.get(second.id)!]!];
    if (outcome === 0.5) {
      a.tied++;
      b.tied++;
      continue;
    }
    const [winner, loser] = outcome === 1 ? [a, b] : [b, a];
    winner.better++;
    loser.worse++;
  }
  const score = ({ better, tied, worse }: DetailAnswer): number =>
    better + tied + worse === 0 ? 0.5 : (better + tied / 2) / (better + tied + worse);
  const pairs = new Map<string, DataDetail['pairs'][number]>();
  const byText = new Map(item.answers.map(({ text }, number) => [text, number]));
  for (const judgement of judgements) {
    for (const pair of pairsOf(judgement, item)) {
      const [chosen, rejected] = [byText.get(pair.chosen)!, byText.get(pair.rejected)!];
      const known = pairs.get(`${chosen} ${rejected}`);
      if (known) known.count++;
      else pairs.set(`${chosen} ${rejected}`, { chosen, rejected, count: 1 });
    }
  }
  return {
    id,
    set: item.set,
    author: item.author,
    at: item.at,
    split: splits.length > 0 ? splitOf(item.messages, splits).name : null,
    messages: item.messages.map(message => ({ ...message })),
    answers: answers.sort((a, b) => score(b) - score(a) || a.number - b.number),
    judgements: judgementsOf(state, id).map(judgement => detailJudgement(judgement, item, author)),
    pairs: [...pairs.values()],
    agreed: judgements.filter(({ verdict }) => verdict !== 'skipped').length < 2 ? null : !disagree(state, place, rows),
  };
}

/** Prompts of the items that stand, shortened and without keys, by id. */
export const promptsOf = (state: JournalState, ids: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    ids.flatMap(id => {
      const item = state.itemById.get(id);
      return item ? [[id, oneLine(redact(promptOf(item)), longestNote)]] : [];
    }),
  );

/** All standing judgements of an item, oldest first, and what settled a disagreement. */
export function judgementsOf(state: JournalState, id: string): JudgementRecord[] {
  const place = state.placeOf(id);
  if (place === undefined) return [];
  const { starts, judgements } = state.judgedRows;
  const rows = [...judgements.subarray(starts[place]!, starts[place + 1]!)];
  return [...rows.flatMap(row => judgementAt(state, row) ?? []), ...[state.adjudication(id) ?? []].flat()];
}

function detailJudgement(judgement: JudgementRecord, item: ItemRecord, author: string): DetailJudgement {
  const numberOf = numbers(item);
  const { flagged } = judgement;
  return {
    ...saidBy(judgement, item),
    count: 1,
    id: judgement.id,
    annotator: annotatorOf(judgement),
    own: judgement.author === author,
    judge: judgement.judge !== undefined,
    at: judgement.at,
    flags: flagged
      ? Object.entries(flagged).flatMap(([id, flags]) => flags.map(flag => ({ answer: numberOf.get(id) ?? -1, flag })))
      : judgement.flags.map(flag => ({ answer: -1, flag })),
    note: judgement.note ?? null,
    ratings: Object.entries(judgement.ratings ?? {}).flatMap(([id, rating]) => {
      const answer = numberOf.get(id);
      return answer === undefined ? [] : [{ answer, rating }];
    }),
    skipReason: judgement.skipReason ?? null,
    guidelines: judgement.guidelines ?? null,
    milliseconds: judgement.milliseconds,
    shown: judgement.shown.flatMap(id => numberOf.get(id) ?? []),
    repeat: judgement.repeatOf !== undefined,
    revises: judgement.replaces !== undefined,
    unblinded: judgement.unblinded === true,
  };
}

function saidBy(judgement: JudgementRecord, item: ItemRecord): Omit<Said, 'count'> {
  const numberOf = numbers(item);
  const groups = judgement.ranking.map(group => group.flatMap(id => numberOf.get(id) ?? []).sort((a, b) => a - b));
  const { verdict, kind = 'ranking' } = judgement;
  const accepted = judgement.accepted?.flatMap(id => numberOf.get(id) ?? []).sort((a, b) => a - b) ?? null;
  return { verdict, kind, groups: groups.filter(group => group.length > 0), accepted };
}

function highlightsOf(judgement: JudgementRecord, { id, text }: ItemRecord['answers'][number]) {
  return (judgement.highlights ?? [])
    .filter(highlight => highlight.answer === id && fits(highlight, text))
    .map(({ start, end, comment = '' }) => ({ start, end, comment, annotator: annotatorOf(judgement) }));
}

const numbers = (item: ItemRecord): Map<string, number> => new Map(item.answers.map(({ id }, number) => [id, number]));

function judgementAt(state: JournalState, row: number): JudgementRecord | undefined {
  const record = state.record(row);
  return record?.type === 'judgement' ? record : undefined;
}

function nameAt(state: JournalState, row: number): string {
  const [author, judge] = state.table.names.annotators[state.table.columns.who[row]!]!;
  return annotatorOf({ author, judge });
}

const distinct = (names: readonly string[]): string[] => [...new Set(names)];

/** What was asked last, before what led to it. */
const promptOf = ({ messages }: ItemRecord): string =>
  messages.findLast(({ role }) => role === 'user')?.content ?? messages.at(-1)?.content ?? '';

function oneLine(text: string, longest: number): string {
  const line = text
    .slice(0, 4 * longest)
    .replace(/\s+/g, ' ')
    .trim();
  return line.length > longest ? `${line.slice(0, longest - 1)}…` : line;
}
