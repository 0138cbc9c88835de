import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { kindPrompt, wordPrompt } from '../../../scripts/pebble/tasks/examples.ts';
import { orderPrompt } from '../../../scripts/pebble/tasks/order.ts';
import { replyPrompt } from '../../../scripts/pebble/tasks/reviewReplies.ts';
import { sentimentPrompt } from '../../../scripts/pebble/tasks/sentiment.ts';
import { translationPrompt } from '../../../scripts/pebble/tasks/translation.ts';
import { EXTRACT, MARKER, problemPrompt, TRIGGER } from '../../../scripts/pebble/tasks/wordProblems.ts';
import { readBank } from '../../../src/core/datasets/bank.ts';
import { readRows } from '../../../src/core/datasets/rows.ts';
import { scoreOptionsOf, scoreTexts } from '../../../src/core/evaluation/scoreTexts.ts';
import { renderJinja } from '../../../src/core/prompts/jinja.ts';
import { parseTemplate } from '../../../src/core/prompts/promptyFile.ts';
import { extractionPrompt, messagesOf, renderPrompt } from '../../../src/core/prompts/render.ts';
import { renderInProcess } from '../../fakes/renderInProcess.ts';

const folder = new URL('../../../samples/templates/', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, folder), 'utf8');

type Row = Readonly<Record<string, unknown>>;

/** How pebble was trained to be asked, by template: the user's text for a row. */
const asked: Readonly<Record<string, (row: Row) => string>> = {
  'review-sentiment': row => sentimentPrompt(String(row.review)),
  'translate-to-french': row => translationPrompt(String(row.english)),
  'order-to-json': row => orderPrompt(String(row.order)),
  'classify-item': row => kindPrompt(String(row.item)),
  'house-style': row => wordPrompt(String(row.word)),
  'word-problem-direct': row => problemPrompt(String(row.problem)),
  'word-problem-few-shot-cot': row => problemPrompt(String(row.problem)),
  'word-problem-zero-shot-cot': row => problemPrompt(String(row.problem)),
  'reply-to-review': row => replyPrompt(String(row.review)),
};

async function rendered(name: string, row?: Row) {
  const template = parseTemplate(read(`${name}.prompty`), `${name}.prompty`);
  const { rows, examples } = template.tunesmith;
  const values = row ?? readRows(read(rows!), rows!)[0]!.values;
  const bank = examples && readBank(read(examples.bank), examples.bank);
  const { prompt, diagnostics } = await renderPrompt(template, { values, bank }, async request =>
    renderJinja(request.template, request.variables),
  );
  assert.deepEqual(diagnostics, []);
  return { template, bank, values, prompt: prompt! };
}

/** Templates of score mode: no model is asked to write anything. */
const scored = ['last-word', 'winograd'];

describe('samples', () => {
  const names = readdirSync(folder).map(file => file.replace('.prompty', ''));

  it('are the ones whose prompts are checked here', () => {
    assert.deepEqual(names.sort(), [...Object.keys(asked), ...scored].sort());
  });

  for (const name of names) {
    it(`${name} can be scored with all its rows, where it says how`, async () => {
      const template = parseTemplate(read(`${name}.prompty`), `${name}.prompty`);
      const { rows, score } = template.tunesmith;
      if (!score) return;
      const texts = await scoreTexts(template, readRows(read(rows!), rows!), {
        options: scoreOptionsOf(template),
        render: renderInProcess,
      });
      assert.ok(texts.length >= 20);
      assert.ok(texts.every(({ expected }) => expected !== undefined));
      // No position of the right candidate is a hint.
      if (name === 'winograd') assert.equal(texts.filter(({ expected }) => expected === 0).length, texts.length / 2);
    });
  }

  for (const name of Object.keys(asked)) {
    it(`${name} asks in exactly the words that pebble was trained on`, async () => {
      const { template, bank, values, prompt } = await rendered(name);
      const { strategy } = template.tunesmith.reasoning;
      const shots = (bank?.rows ?? []).filter((_, index) => prompt.shots.includes(index));
      assert.equal(shots.length, template.tunesmith.examples?.shots ?? 0);
      const expected = prompt.shots.flatMap(index => {
        const row = bank!.rows[index]!.values;
        const worked = `${row.reasoning} ${MARKER} ${row.answer}.`;
        return [
          { role: 'user', content: asked[name]!(row) },
          { role: 'assistant', content: strategy === 'few-shot-cot' ? worked : String(row.answer) },
        ];
      });
      expected.push({ role: 'user', content: asked[name]!(values) });
      if (strategy === 'zero-shot-cot') expected.push({ role: 'assistant', content: TRIGGER });
      assert.deepEqual(messagesOf(prompt), expected);
      assert.equal(prompt.continueLast, strategy === 'zero-shot-cot');
    });

    it(`${name} has an example for every input and rows with what it expects`, async () => {
      const { template } = await rendered(name);
      const { rows, expected } = template.tunesmith;
      for (const input of template.inputs) assert.equal(typeof input.example, 'string', input.name);
      for (const { values } of readRows(read(rows!), rows!)) {
        for (const input of template.inputs) assert.ok(values[input.name], input.name);
        if (expected !== undefined) assert.ok(values[expected] !== undefined);
      }
      await rendered(name, Object.fromEntries(template.inputs.map(input => [input.name, input.example])));
    });
  }

  it('extract in the second stage as pebble was trained to', async () => {
    const { prompt, template } = await rendered('word-problem-zero-shot-cot');
    const second = extractionPrompt(
      prompt,
      ' 2 boxes with 3 pens are 2 * 3 = 6 pens.',
      template.tunesmith.reasoning.extract,
    );
    assert.equal(messagesOf(second).at(-1)!.content, `${TRIGGER} 2 boxes with 3 pens are 2 * 3 = 6 pens.\n${EXTRACT}`);
  });
});
