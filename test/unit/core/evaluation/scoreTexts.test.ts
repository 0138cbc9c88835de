import assert from 'node:assert/strict';
import { type ScoreOptions, scoreOptionsOf, scoreTexts } from '../../../../src/core/evaluation/scoreTexts.ts';
import type { Prompt } from '../../../../src/core/generation.ts';
import { parseTemplate } from '../../../../src/core/prompts/promptyFile.ts';
import { renderInProcess } from '../../../fakes/renderInProcess.ts';

interface Case {
  readonly settings: string;
  readonly body: string;
  readonly row: Readonly<Record<string, unknown>>;
  readonly options?: Partial<ScoreOptions>;
  readonly candidates?: readonly string[];
  /** What is given ⟶ what is scored, for each candidate; the other method's after it. */
  readonly gives?: readonly (readonly string[])[];
  readonly expected?: number;
  /** The message of the HumanError, with its line. */
  readonly fails?: RegExp;
}

async function check({ settings, body, row, options, candidates, gives, expected, fails }: Case): Promise<void> {
  const inputs = [...Object.keys(row), 'candidate']
    .filter(name => body.includes(`{{ ${name} }}`) || name === 'candidate')
    .map(name => `  ${name}: {}`)
    .join('\n');
  const text = `---\ninputs:\n${inputs}\nmetadata:\n  tunesmith: ${settings}\n---\n${body}`;
  const template = parseTemplate(text, 't.prompty');
  const texts = scoreTexts(template, [{ line: 7, values: row }], {
    options: scoreOptionsOf(template, options),
    render: renderInProcess,
    candidates,
  });
  if (fails) {
    await assert.rejects(texts, error => fails.test((error as { describe(): string }).describe?.() ?? String(error)));
    return;
  }
  const [scored] = await texts;
  const shown = scored!.candidates.map(({ scored, other }) =>
    [scored, other].flatMap(one => (one ? [`${promptText(one.prompt)}⟶${one.continuation}`] : [])),
  );
  assert.deepEqual(shown, gives);
  assert.equal(scored!.expected, expected);
}

const promptText = (prompt: Prompt): string =>
  prompt.kind === 'text'
    ? prompt.text
    : prompt.messages
        .map(
          ({ role, content }, i) =>
            `${role}: ${content}${prompt.continueLast && i === prompt.messages.length - 1 ? '…' : ''}`,
        )
        .join(' / ');

const gap = 'user:\n{{ a }} {{ candidate }} {{ b }}';
const choice = '{score: {candidates: [yes, no]}}';

const cases: Record<string, Case> = {
  'candidates answer a conversation': {
    settings: '{expected: y, score: {candidates: [yes, no]}}',
    body: 'system:\nBe short.\nuser:\n{{ q }}',
    row: { q: 'Well?', y: 'no' },
    gives: [['system: Be short. / user: Well?⟶yes'], ['system: Be short. / user: Well?⟶no']],
    expected: 1,
  },
  'they go on from a begun answer with a blank': {
    settings: choice,
    body: 'user:\n{{ q }}\nassistant:\nI say',
    row: { q: 'Well?' },
    gives: [['user: Well? / assistant: I say…⟶ yes'], ['user: Well? / assistant: I say…⟶ no']],
  },
  'as a text they are its next word': {
    settings: choice,
    body: 'user:\n{{ q }}\n\nA:',
    row: { q: 'Well?' },
    options: { as: 'text' },
    gives: [['Well?\n\nA:⟶ yes'], ['Well?\n\nA:⟶ no']],
  },
  'a gap: what follows each candidate, and the whole text': {
    settings: '{expected: y, score: {candidates: c, input: candidate}}',
    body: gap,
    row: { a: 'We saw', b: 'run.', c: ['her', 'him'], y: 'her' },
    gives: [
      ['We saw her⟶ run.', '⟶We saw her run.'],
      ['We saw him⟶ run.', '⟶We saw him run.'],
    ],
    expected: 0,
  },
  'the other way round where the whole text decides': {
    settings: '{score: {candidates: c, input: candidate, method: full}}',
    body: `system:\nA rule.\n${gap}`,
    row: { a: 'We saw', b: 'run.', c: 'her | him' },
    gives: [
      ['⟶A rule.\n\nWe saw her run.', 'A rule.\n\nWe saw her⟶ run.'],
      ['⟶A rule.\n\nWe saw him run.', 'A rule.\n\nWe saw him⟶ run.'],
    ],
  },
  'a gap in an answer': {
    settings: '{score: {candidates: [x, y], input: candidate, as: chat}}',
    body: 'user:\n{{ q }}\nassistant:\nIt was {{ candidate }} indeed.',
    row: { q: 'Who?' },
    gives: ['x', 'y'].map(who => [
      `user: Who? / assistant: It was ${who}…⟶ indeed.`,
      `user: Who?⟶It was ${who} indeed.`,
    ]),
  },
  'the last word of a passage, without what closes it': {
    settings: '{score: {task: last-word}}',
    body: 'user:\n{{ p }}',
    row: { p: 'He said: “So it’s my mother-in-law.”' },
    gives: [['He said: “So it’s my⟶ mother-in-law']],
    expected: 0,
  },
  'the word that is expected after a prompt': {
    settings: '{expected: y, score: {task: last-word}}',
    body: 'user:\n{{ p }}',
    row: { p: 'One two', y: 'three' },
    gives: [['One two⟶ three']],
    expected: 0,
  },
  'candidates of the caller': {
    settings: '{}',
    body: 'user:\n{{ q }}',
    row: { q: 'Well?' },
    candidates: ['1', '2'],
    gives: [['user: Well?⟶1'], ['user: Well?⟶2']],
  },
  'no candidates at all': { settings: '{}', body: 'user:\n{{ q }}', row: { q: 'x' }, fails: /^t\.prompty: .*“score”/ },
  'a row without its candidates': {
    settings: '{rows: r.jsonl, score: {candidates: c}}',
    body: 'user:\n{{ q }}',
    row: { q: 'x', c: ['one'] },
    fails: /^r\.jsonl:7: .*“c” must hold/,
  },
  'an expected answer that is no candidate': {
    settings: '{rows: r.jsonl, expected: y, score: {candidates: [yes, no]}}',
    body: 'user:\n{{ q }}',
    row: { q: 'x', y: 'maybe' },
    fails: /^r\.jsonl:7: “maybe” is expected here.*yes, no/,
  },
  'a gap that is not there': {
    settings: '{score: {candidates: [x, y], input: candidate}}',
    body: 'user:\n{{ q }}',
    row: { q: 'x' },
    fails: /^t\.prompty:\d: .*“candidate”/,
  },
  'a gap at the end': {
    settings: '{score: {candidates: [x, y], input: candidate}}',
    body: 'user:\n{{ q }} {{ candidate }}',
    row: { q: 'x' },
    fails: /Nothing follows/,
  },
  'a gap in a question of a conversation': {
    settings: '{score: {candidates: [x, y], input: candidate, as: chat}}',
    body: gap,
    row: { a: 'x', b: 'y' },
    fails: /as: text/,
  },
  'a passage of one word': {
    settings: '{score: {task: last-word}}',
    body: 'user:\n{{ p }}',
    row: { p: 'Word.' },
    fails: /two words/,
  },
};

describe('scoreTexts', () => {
  for (const [name, one] of Object.entries(cases)) it(name, () => check(one));
});
