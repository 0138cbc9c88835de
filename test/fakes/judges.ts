/** Items to judge, and judges that answer by a rule on the two answers that they are shown. */
import { createHash } from 'node:crypto';
import { JournalState } from '../../src/core/preferences/journalState.ts';
import type { ItemRecord, JournalRecord, JudgementRecord } from '../../src/core/preferences/judgement.ts';
import type { JudgeJudgement } from '../../src/core/preferences/judgeRun.ts';
import { parseTemplate } from '../../src/core/prompts/promptyFile.ts';
import { serverModel, textOf } from './generators.ts';

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A template as plain as one can be: the answers stand between tags. */
export const plainJudge = (more = ''): string => `---
name: plain-judge
model:
  options: {temperature: 0, maxOutputTokens: 8}
inputs:
  prompt: {kind: string, default: ''}
  answer_a: {kind: string, required: true}
  answer_b: {kind: string, required: true}
metadata:
  tunesmith:
    reasoning:
      answer: {rule: after-marker, marker: 'Verdict:'}
${more}---
user:
<prompt>{{ prompt }}</prompt>
<a>
{{ answer_a }}
</a>
<b>
{{ answer_b }}
</b>
`;
export const plainTemplate = () => parseTemplate(plainJudge(), 'plain-judge.prompty');

/** A model that says which of the two answers in `<a>` and `<b>` is better: `A`, `B`, `tie`, or any other words. */
export const judgeModel = (rule: (a: string, b: string) => string | Promise<string>) =>
  serverModel(async request => {
    const text = textOf(request);
    const of = (tag: string): string => new RegExp(`<${tag}>\\n([\\s\\S]*?)\\n</${tag}>`).exec(text)?.[1] ?? '';
    return `I thought about it.\nVerdict: ${await rule(of('a'), of('b'))}`;
  });

let clock = 0;
const stamp = (author: string) => ({ format: 1 as const, at: new Date(++clock).toISOString(), author });

export const itemOf = (id: string, texts: readonly string[], set = 's'): ItemRecord => ({
  ...stamp('ada'),
  id,
  type: 'item',
  set,
  messages: [{ role: 'user', content: `Question of ${id}` }],
  answers: texts.map((text, i) => ({ id: sha256(text).slice(0, 12), text, model: `m${i}` })),
});

/** A person's ranking by a score of texts: equal scores are a tie. */
export function personSays(author: string, item: ItemRecord, score: (text: string) => number): JudgementRecord {
  const groups = Map.groupBy(item.answers, ({ text }) => score(text));
  return {
    ...stamp(author),
    id: `${author} ${item.id}`,
    type: 'judgement',
    item: item.id,
    ranking: [...groups].sort(([a], [b]) => b - a).map(([, group]) => group.map(({ id }) => id)),
    shown: item.answers.map(({ id }) => id),
    verdict: 'ranked',
    flags: [],
    milliseconds: 1000,
  };
}

export const asRecord = (judgement: JudgeJudgement, author = 'ada'): JudgementRecord => ({
  ...stamp(author),
  id: `judge ${author} ${judgement.item} ${judgement.judge}`,
  type: 'judgement',
  ...judgement,
});

export const stateOf = (...records: (JournalRecord | readonly JournalRecord[])[]): JournalState =>
  JournalState.of(records.flat() as JournalRecord[]);
