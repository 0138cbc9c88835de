/** Prompt search on the ten tasks of instruction induction (Honovich et al. 2022, Zhou et al. 2022), SmolLM2-135M-Instruct proposing and answering. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { fetchTestModel } from '../../scripts/fetchTestModel.ts';
import { Rng } from '../../src/base/rng.ts';
import type { DataRow } from '../../src/core/datasets/rows.ts';
import { parseTemplate } from '../../src/core/prompts/promptyFile.ts';
import type { Template } from '../../src/core/prompts/template.ts';
import { searchModels } from '../../src/core/search/evaluate.ts';
import type { SearchReport } from '../../src/core/search/report.ts';
import { runSearch } from '../../src/core/search/search.ts';
import { withoutLeaks } from '../../src/core/search/splits.ts';
import { targetOf } from '../../src/core/search/target.ts';
import { Evaluator } from '../../src/jobs/evaluatorProcess.ts';
import { InferenceProcess } from '../../src/jobs/inferenceProcess.ts';
import { LocalModel } from '../../src/providers/local.ts';
import { SearchStore } from '../../src/storage/searchStore.ts';
import { workspaceLayout } from '../../src/storage/workspaceLayout.ts';
import { quick, recordFigures } from './figures.ts';

const root = path.join(import.meta.dirname, '..', '..');
const data = path.join(process.env.TUNESMITH_DATA ?? path.join(root, '..', 'shared', 'data'), 'instruction-induction');
/** Evaluations are kept here; with TUNESMITH_RESUME=1 a run that was stopped goes on. */
const layout = workspaceLayout(path.join(root, '.cache', 'prompt-search'));

const seed = 1;
const sizes = quick ? { demonstrations: 10, dev: 8, heldOut: 10 } : { demonstrations: 40, dev: 24, heldOut: 48 };
const budget = quick ? 120 : 240;

/** Our own plain instruction, the grade, and the longest answer in tokens. */
const tasks: readonly (readonly [name: string, instruction: string, grade: string, tokens: number])[] = [
  ['antonyms', 'Write a word that means the opposite.', 'equal', 8],
  ['first_word_letter', 'Write the first letter of the word.', 'equal', 4],
  ['larger_animal', 'Write which of the two animals is larger.', 'equal', 12],
  ['negation', 'Write the negation of the sentence.', 'equal', 40],
  ['num_to_verbal', 'Write the number in English words.', 'equal', 24],
  ['orthography_starts_with', 'Write the words of the sentence that start with the letter in brackets.', 'equal', 16],
  ['sentiment', 'Say whether this movie review is positive or negative.', 'equal', 4],
  ['singular_to_plural', 'Write the plural of the word.', 'equal', 8],
  ['sum', 'Add the two numbers.', 'numbers-equal', 8],
  ['translation_en-fr', 'Translate the word into French.', 'one-of', 8],
];

const templateOf = (name: string, instruction: string, grade: string, tokens: number): Template =>
  parseTemplate(
    `---
name: ${name}
model: {options: {temperature: 0, maxOutputTokens: ${tokens}, stopSequences: ["\\n"]}}
inputs: {input: {kind: string}}
metadata: {tunesmith: {expected: output, grade: ${grade}}}
---
user:
${instruction}

Input: {{ input }}

assistant:
Output:`,
    `${name}.prompty`,
  );

/** Rows drawn by the seed: those to propose from and to score on from `induce`, those to report on from `execute`. */
function rowsOf(name: string, set: 'induce' | 'execute', count: number): DataRow[] {
  const file = path.join(data, set, `${name}.json`);
  const text = existsSync(file) ? readFileSync(file) : gunzipSync(readFileSync(`${file}.gz`));
  const { examples } = JSON.parse(text.toString('utf8')) as {
    examples: Record<string, { input: string; output: string; possible_translations?: string[] }>;
  };
  const rows = Object.values(examples).map(({ input, output, possible_translations }, i) => ({
    line: i + 1,
    values: { input, output: possible_translations ? [output, ...possible_translations] : output },
  }));
  return Rng.seeded(seed).stream(set).shuffled(rows).slice(0, count);
}

describe('prompt search on instruction induction', () => {
  const inference = new InferenceProcess({ root, precision: () => 'int8' });
  const evaluator = new Evaluator({ root });
  const reports: SearchReport[] = [];
  let model: LocalModel;

  before(function () {
    if (!existsSync(data)) {
      console.log(`      skipped: there is no ${data}`);
      return this.skip();
    }
    try {
      const base = fetchTestModel();
      model = new LocalModel(
        {
          id: 'local:SmolLM2-135M-Instruct',
          label: 'SmolLM2-135M-Instruct',
          detail: '',
          kind: 'local',
          chat: true,
          logProbs: true,
          controlledSampling: true,
        },
        { base },
        inference,
      );
    } catch (error) {
      console.log(`      skipped: ${(error as Error).message}`);
      this.skip();
    }
  });
  after(async () => {
    evaluator.dispose();
    await inference.stop();
    inference.dispose();
    if (reports.length > 0) recordFigures('prompt-search', table(reports));
  });

  for (const [name, instruction, grade, tokens] of quick ? tasks.slice(1, 2) : tasks) {
    it(name, async () => {
      const template = templateOf(name, instruction, grade, tokens);
      const { demonstrations, dev, heldOut } = sizes;
      const induce = rowsOf(name, 'induce', demonstrations + dev);
      const splits = withoutLeaks(template, {
        demonstrations: induce.slice(0, demonstrations),
        dev: induce.slice(demonstrations),
        heldOut: rowsOf(name, 'execute', heldOut),
      });
      const store = await SearchStore.open(
        layout,
        { name, specification: { text: template.text, splits, budget, seed } },
        { fresh: process.env.TUNESMITH_RESUME !== '1' },
      );
      try {
        const report = await runSearch(
          {
            template,
            target: targetOf(template),
            splits,
            model: model.model.label,
            proposer: model.model.label,
            budget,
            seed,
            metric: 'accuracy',
            callsPerAnswer: 1,
            prefill: true,
            given: [],
          },
          {
            ...searchModels({
              model,
              proposer: model,
              render: job => evaluator.render(job),
              match: (...call) => evaluator.match(...call),
              seed,
            }),
            memory: store,
            progress: ({ phase, spent }) => process.env.TUNESMITH_RESUME && console.log(`      ${phase} ${spent}`),
          },
        );
        await store.report(report);
        reports.push(report);
        console.log(table([report]).replaceAll(/^/gm, '      '));
        assert.ok(report.budget.spent <= budget, `${report.budget.spent} calls`);
        assert.ok(report.candidates.length > 3, `${report.candidates.length} candidates`);
        assert.equal(report.heldOut.comparison.n, sizes.heldOut);
      } finally {
        await store.close();
      }
    });
  }
});

function table(reports: readonly SearchReport[]): string {
  const percent = (share: number): string => (100 * share).toFixed(0);
  const share = ({ estimate, low, high }: { estimate: number; low: number; high: number }): string =>
    `${percent(estimate)} % (${percent(low)}–${percent(high)})`;
  const rows = reports.map(({ template, candidates, winner, heldOut, verdict }) => {
    const { gained, lost, exactP } = heldOut.comparison;
    const best = candidates[winner]!;
    return `| ${template} | ${share(heldOut.baseline)} | ${share(heldOut.winner)} | ${percent(best.dev.mean)} % | +${gained} −${lost}, p = ${exactP.toFixed(3)} | ${verdict} | ${best.text} |`;
  });
  const { spent } = reports[0]!.budget;
  return [
    `SmolLM2-135M-Instruct (int8) proposes and answers; ${sizes.dev} dev rows, ${reports[0]!.rows.heldOut} held out, at most ${budget} calls a task (${spent} on the first), seed ${seed}. The winner is the best on the dev rows, whose score is therefore optimistic; the verdict is McNemar’s exact test on the held-out rows at 5 %.`,
    '',
    '| task | baseline, held out (Wilson 95 %) | winner, held out (Wilson 95 %) | winner, dev | mended, broken | verdict | winner |',
    '|---|---:|---:|---:|---|---|---|',
    ...rows,
  ].join('\n');
}
