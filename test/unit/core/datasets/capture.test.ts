import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exampleLine, reasoningBefore } from '../../../../src/core/datasets/capture.ts';
import { parseTemplate } from '../../../../src/core/prompts/promptyFile.ts';
import { appendExample } from '../../../../src/storage/exampleBank.ts';

const template = parseTemplate('---\nname: n\ninputs: {q: {}, unused: {}}\n---\n{{ q }}', 'n.prompty');
const values = { q: 'How many?', other: 1 };

describe('exampleLine', () => {
  it('holds the inputs, the reasoning and the answer', () => {
    const line = exampleLine({ template, values, answer: ' 3\n', reasoning: 'One and\ntwo. ' });
    assert.equal(line, '{"q":"How many?","reasoning":"One and\\ntwo.","answer":"3"}');
  });

  it('refuses what is known, what gives a test row away, and nothing', () => {
    const rows = [{ line: 4, values: { q: 'how many' } }];
    assert.throws(
      () => exampleLine({ template, values, answer: '3' }, { bank: { file: 'b', rows } }),
      /already, in line 4/,
    );
    assert.throws(() => exampleLine({ template, values, answer: '3' }, { rows }), /Row 4 of the test rows/);
    assert.throws(() => exampleLine({ template, values, answer: ' ' }), /without text/);
  });
});

describe('reasoningBefore', () => {
  for (const [text, answer, reasoning] of [
    ['3 and 4 make 7. The answer is 7.', '7', '3 and 4 make 7.'],
    ['3 and 4 make 7. So, the final answer is: 7', '7', '3 and 4 make 7.'],
    ['First 2, then 5.\nAnswer: 5', '5', 'First 2, then 5.'],
    ['Seven is 3 + 4, so 7', '7', 'Seven is 3 + 4, so'],
    ['7', '7', undefined],
    ['The answer is 7', '7', undefined],
    ['seven', '7', undefined],
  ] as const)
    it(JSON.stringify(text), () => assert.equal(reasoningBefore(text, answer), reasoning));
});

describe('appendExample', () => {
  it('keeps what stands there and ends the line before', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tunesmith-bank-'));
    try {
      for (const [before, after] of [
        ['{"a":1}', '{"a":1}\n{"b":2}\n'],
        ['{"a":1}\r\n', '{"a":1}\r\n{"b":2}\r\n'],
        ['', '{"b":2}\n'],
      ] as const) {
        writeFileSync(join(folder, 'b.jsonl'), before);
        await appendExample(join(folder, 'b.jsonl'), '{"b":2}');
        assert.equal(readFileSync(join(folder, 'b.jsonl'), 'utf8'), after);
      }
      await assert.rejects(appendExample(join(folder, 'b.csv'), '{}'), /JSON Lines banks only/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
