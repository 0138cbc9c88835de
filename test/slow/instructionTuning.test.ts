/** Instruction tuning of SmolLM2 135M on real tasks, three of which are held out whole: what is learned, and what carries over. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { fetchTestModel } from '../../scripts/fetchTestModel.ts';
import { parseInstructions } from '../../src/core/datasets/instructions.ts';
import type { JobResult } from '../../src/core/jobs/job.ts';
import type { SftGroup } from '../../src/core/jobs/sftReport.ts';
import { quick, recordFigures } from './figures.ts';
import { inductionDataThere, inductionRows } from './instructionTasks.ts';

const program = path.join(import.meta.dirname, '../../src/cli/main.ts');

describe('instruction tuning on real tasks', function () {
  this.timeout(40 * 60_000);
  before(function () {
    if (inductionDataThere()) return;
    console.log('      skipped: the tasks of Honovich et al. 2022 are not there (TUNESMITH_DATA)');
    this.skip();
  });

  it('reads ten tasks', () => {
    const rows = inductionRows(100);
    const parsed = parseInstructions(rows.map(row => JSON.stringify(row)).join('\n'), 'tasks.jsonl');
    assert.equal(new Set(parsed.map(({ task }) => task)).size, 10);
    assert.ok(parsed.every(({ messages }) => messages[0]!.content.includes('\n\n')));
  });

  if (quick) return;

  it('learns seven tasks; three that were held out are measured apart', async function () {
    let model: string;
    try {
      model = fetchTestModel();
    } catch (error) {
      console.log(`      skipped: ${(error as Error).message}`);
      return this.skip();
    }
    const folder = mkdtempSync(path.join(tmpdir(), 'tunesmith-instructions-'));
    try {
      mkdirSync(path.join(folder, '.git'));
      writeFileSync(
        path.join(folder, 'tasks.jsonl'),
        inductionRows(100)
          .map(row => `${JSON.stringify(row)}\n`)
          .join(''),
      );
      const flags = '--hold-out-tasks 3 --task-cap 64 --epochs 1 --evaluation-rows 60 --max-new-tokens 24 --json';
      const { stdout } = await promisify(execFile)(
        process.execPath,
        [program, 'train', 'sft', '--model', model, '--data', 'tasks.jsonl', ...flags.split(' ')],
        { cwd: folder, maxBuffer: 1 << 24 },
      );
      const { sft, metrics, seconds } = JSON.parse(stdout) as JobResult;
      const { seen, unseen } = sft!;
      const percent = (value: number) => `${(100 * value).toFixed(0)} %`;
      const row = (name: string, { exactMatch, rougeL, p }: SftGroup, key: string) =>
        [
          name,
          ...[exactMatch, rougeL].flatMap(({ before, after }) =>
            [before, after].map(
              ({ estimate, low, high }) => `${percent(estimate)} (${percent(low)} … ${percent(high)})`,
            ),
          ),
          p < 0.001 ? '< 0.001' : p.toFixed(3),
          `${metrics[`${key}_perplexity_before`]!.toFixed(2)} → ${metrics[`${key}_perplexity`]!.toFixed(2)}`,
        ].join(' | ');
      recordFigures(
        'instructionTuning',
        [
          `SmolLM2 135M, ${metrics.steps} steps of 16 rows, ${seconds.toFixed(0)} s.`,
          '',
          'rows | exact match before | after | ROUGE-L before | after | p | perplexity',
          '---|---|---|---|---|---|---',
          row(`held-out prompts of ${seen!.tasks.length} learned tasks`, seen!, 'eval'),
          row(`tasks held out: ${unseen!.tasks.join(', ')}`, unseen!, 'eval_unseen'),
        ].join('\n'),
      );
      assert.equal(unseen!.tasks.length, 3);
      assert.ok(seen!.p < 0.05 && seen!.exactMatch.after.estimate > seen!.exactMatch.before.estimate);
      assert.ok(metrics.eval_perplexity! < metrics.eval_perplexity_before!);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
