/** Writes a journal as several people would leave it: items with two answers each, and everybody's judgements of all of them. */
import { appendFileSync, closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import path from 'node:path';
import { Rng } from '../../../src/base/rng.ts';
import { encodeRecord } from '../../../src/storage/recordLog.ts';

const words =
  'the kettle leaks every morning and nobody at the shop answers when a person asks for help about it'.split(' ');

/** Returns what appends that many newer judgements to the first annotator's file. */
export function writeMillion(
  workspace: string,
  { items, annotators }: { readonly items: number; readonly annotators: number },
): (judgements: number) => void {
  const rng = Rng.seeded(1);
  const text = (length: number): string => Array.from({ length }, () => words[rng.int(words.length)]).join(' ');
  const start = Date.UTC(2026, 0, 1);
  let clock = 0;
  const stamp = (author: string) => ({ format: 1, at: new Date(start + 100 * clock++).toISOString(), author });
  const hex = (value: number): string => value.toString(16).padStart(16, '0');
  const shared = path.join(workspace, '.tunesmith', 'preferences');
  const open = (author: string) => {
    mkdirSync(path.join(shared, author), { recursive: true });
    const file = openSync(path.join(shared, author, `${author}.jsonl`), 'w');
    let pending = '';
    const flush = () => {
      writeSync(file, pending);
      pending = '';
    };
    const add = (record: unknown): void => {
      pending += encodeRecord(record);
      if (pending.length > 1 << 20) flush();
    };
    add({ type: 'header', log: 'preferences', format: 1, writer: author, author, at: '2026-01-01T00:00:00.000Z' });
    return {
      add,
      close: () => {
        flush();
        closeSync(file);
      },
    };
  };
  const people = Array.from({ length: annotators }, (_, i) => `annotator-${i}`);
  const files = people.map(open);
  let judgements = 0;
  const judge = (author: string, item: number) => {
    const shown = ['a', 'b'].map(side => `${side}${hex(item).slice(5)}`);
    return {
      ...stamp(author),
      id: hex(++judgements * 7919),
      type: 'judgement',
      item: `i${hex(item)}0000`,
      ranking: rng.next() < 0.1 ? [shown] : shown.map(id => [id]),
      shown,
      verdict: 'ranked',
      flags: [],
      milliseconds: 1500 + rng.int(4000),
    };
  };
  for (let item = 0; item < items; item++) {
    files[0]!.add({
      ...stamp(people[0]!),
      id: `i${hex(item)}0000`,
      type: 'item',
      set: `set ${item % 8}`,
      messages: [{ role: 'user', content: text(30) }],
      answers: ['a', 'b'].map(side => ({ id: `${side}${hex(item).slice(5)}`, text: text(50), model: `m-${side}` })),
    });
    for (const [i, author] of people.entries()) files[i]!.add(judge(author, item));
  }
  for (const { close } of files) close();
  return count => {
    let newer = '';
    for (let i = 0; i < count; i++) newer += encodeRecord(judge(people[0]!, rng.int(items)));
    appendFileSync(path.join(shared, people[0]!, `${people[0]}.jsonl`), newer);
  };
}
