import assert from 'node:assert/strict';
import { parseTemplate } from '../../../../src/core/prompts/promptyFile.ts';
import { candidateText, merged, paraphrasePrompt, proposalPrompt } from '../../../../src/core/search/proposals.ts';

const template = parseTemplate(
  '---\ninputs: {q: {kind: string}}\nmetadata: {tunesmith: {expected: a}}\n---\nuser:\n{{ q }}',
  'a.prompty',
);
const demonstrations = Array.from({ length: 9 }, (_, i) => ({ line: i, values: { q: `in${i}`, a: `out${i}` } }));

describe('candidates', () => {
  const words: readonly [written: string, text: string | undefined][] = [
    ['Write the opposite.', 'Write the opposite.'],
    ['Write the opposite."', 'Write the opposite.'],
    ['The instruction was: "Write the opposite."\nIt is simple.', 'Write the opposite.'],
    ['“Write the opposite.” is what it was.', 'Write the opposite.'],
    ['**Instruction:** Write the opposite.', 'Write the opposite.'],
    ['- Write   the\topposite.', 'Write the opposite.'],
    ['Same sentence in other words: Say the contrary.', 'Say the contrary.'],
    ["Let's think.", "Let's think."],
    ['Write "yes" or "no".', 'Write "yes" or "no".'],
    ['', undefined],
    ['"…"', undefined],
    ['Fill in {{ q }}.', undefined],
    ['user:', undefined],
    ['a'.repeat(401), undefined],
  ];
  for (const [written, text] of words) {
    it(JSON.stringify(written.slice(0, 40)), () => assert.equal(candidateText(written), text));
  }

  it('that differ only in case, space and punctuation are one, the first', () => {
    const first = [{ text: 'Say it.', origin: 'template' as const }];
    const more = ['say  IT', 'Sing it.', 'Sing it!'].map(text => ({ text, origin: 'proposed' as const }));
    assert.deepEqual(
      merged(first, more).map(({ text }) => text),
      ['Say it.', 'Sing it.'],
    );
  });

  it('are asked for with five pairs that the seed draws, begun for local models and in words for others', () => {
    const ask = (index: number, prefill: boolean) =>
      proposalPrompt(template, 'instruction', demonstrations, { seed: 3, index }, prefill).prompt;
    const [one, same, other, served] = [ask(0, true), ask(0, true), ask(1, true), ask(0, false)];
    assert.deepEqual(one, same);
    assert.notDeepEqual(one, other);
    assert.ok(one.kind === 'messages' && served.kind === 'messages');
    assert.equal(one.messages[0]!.content.match(/^Input: in\d\nOutput: out\d$/gm)?.length, 5);
    assert.equal(one.continueLast, true);
    assert.equal(one.messages.at(-1)!.role, 'assistant');
    assert.equal(served.messages.length, 1);
    assert.match(served.messages[0]!.content, /nothing else\.$/);
    const reworded = paraphrasePrompt('trigger', "Let's think.", false).prompt;
    assert.ok(reworded.kind === 'messages');
    assert.match(reworded.messages[0]!.content, /"Let's think\."/);
  });
});
