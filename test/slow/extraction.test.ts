/** Answers of real models to grade-school problems: what is read and graded agrees with every label that came with them. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { extractAnswers, gradeAnswer } from '../../src/core/evaluation/answers.ts';
import type { AnswerRule } from '../../src/core/prompts/template.ts';
import { recordFigures } from './figures.ts';

const file = path.join(import.meta.dirname, '../../../shared/data/gsm8k/model-solutions-first-600.jsonl.gz');
const rules: readonly AnswerRule[] = [{ rule: 'last-number' }, { rule: 'after-marker', marker: '\nA:' }];
const noPattern = async (): Promise<never> => {
  throw new Error('no pattern here');
};

describe('extraction', () => {
  before(function () {
    if (existsSync(file)) return;
    console.log('skipped: the solutions of GSM8K are not here');
    this.skip();
  });

  for (const rule of rules) {
    it(`agrees with every label of GSM8K's model solutions (${rule.rule})`, async () => {
      const wrong: string[] = [];
      let count = 0;
      for (const line of gunzipSync(readFileSync(file)).toString().trim().split('\n')) {
        const { question: _, ground_truth: truth, ...models } = JSON.parse(line) as Record<string, unknown>;
        const expected = String(truth).split('\nA: ')[1];
        for (const [model, value] of Object.entries(models)) {
          const { solution, is_correct: label } = value as { solution: string; is_correct: boolean };
          const [answer] = await extractAnswers([solution], rule, noPattern);
          const right = await gradeAnswer(answer, expected, { rule: 'numbers-equal', threshold: 0 }, noPattern);
          count++;
          if (right !== label) wrong.push(`${model}: ${answer} for ${expected}, labelled ${label}`);
        }
      }
      assert.equal(count, 2400);
      assert.deepEqual(wrong, []);
      recordFigures(
        `extraction-${rule.rule}`,
        `Rule \`${rule.rule}\` with \`numbers-equal\`: agrees with ${count - wrong.length} of ${count} labels of GSM8K's model solutions.`,
      );
    });
  }
});
