import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { fetchTestModel } from '../../scripts/fetchTestModel.ts';
import type { LoopResult } from '../../src/core/jobs/loop.ts';
import { quick, recordFigures } from './figures.ts';

const program = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const start = promisify(execFile);

async function loop(...args: string[]): Promise<LoopResult> {
  const { stdout } = await start(process.execPath, [program, 'loop', '--json', ...args], { maxBuffer: 1 << 24 });
  const lines = stdout.trim().split('\n');
  assert.equal(lines.length, 1, 'one object and nothing else');
  return JSON.parse(lines[0]!) as LoopResult;
}

const percent = (value: number) => `${(100 * value).toFixed(1)} %`;
const withoutSeconds = ({ seconds: _, ...rest }: LoopResult) => rest;

describe('tunesmith loop on the bundled model', function () {
  this.timeout(20 * 60_000);
  const results: { name: string; result: LoopResult }[] = [];
  const seeds = quick ? [0] : [0, 1, 2];

  after(() => {
    const rows = results.map(({ name, result: { heldOut, rewardModel, length, distinct2, reward, kl, seconds } }) =>
      [
        name,
        `${percent(heldOut.winRate)} (${percent(heldOut.low)} … ${percent(heldOut.high)})`,
        percent(rewardModel.accuracy),
        `${reward.before.toFixed(2)} → ${reward.after.toFixed(2)}`,
        `${length.before.toFixed(1)} → ${length.after.toFixed(1)}`,
        `${distinct2.before.toFixed(3)} → ${distinct2.after.toFixed(3)}`,
        kl.toFixed(2),
        seconds.toFixed(0),
      ].join(' | '),
    );
    recordFigures(
      'loop',
      [
        'run | win rate on unseen prompts (95 %) | reward model | reward | words | distinct-2 | KL | seconds',
        '---|---|---|---|---|---|---|---',
        ...rows,
      ].join('\n'),
    );
  });

  for (const seed of seeds) {
    it(`seed ${seed}: wins on unseen prompts, with the same length and variety`, async () => {
      const result = await loop('--seed', String(seed));
      results.push({ name: `seed ${seed}`, result });
      console.log(`      ${JSON.stringify(result)}`);
      assert.ok(result.heldOut.n >= 200);
      assert.ok(result.heldOut.low > 0.5, 'the interval of the win rate lies above one half');
      for (const { before, after } of [result.length, result.distinct2]) {
        assert.ok(Math.abs(after / before - 1) <= 0.2, `${before} → ${after}`);
      }
      assert.ok(result.rewardModel.low > 0.5 && result.reward.after > result.reward.before);
      assert.ok(result.kl > 0 && result.kl < 20);
      assert.ok(result.seconds < 600, `${result.seconds} s`);
    });
  }

  if (!quick) {
    it('gives the same table for the same seed', async () => {
      const again = await loop('--seed', '0');
      assert.deepEqual(withoutSeconds(again), withoutSeconds(results[0]!.result));
    });

    for (const seed of seeds) {
      it(`does not win with shuffled preferences, seed ${seed}`, async () => {
        const result = await loop('--seed', String(seed), '--shuffle-preferences');
        results.push({ name: `control, seed ${seed}`, result });
        console.log(`      ${JSON.stringify(result)}`);
        assert.ok(result.heldOut.low <= 0.5, `${percent(result.heldOut.winRate)}`);
      });
    }

    it('completes with SmolLM2-135M-Instruct; its reward rises and its KL stays bounded', async function () {
      let model: string;
      try {
        model = fetchTestModel();
      } catch (error) {
        console.log(`      skipped: ${(error as Error).message}`);
        return this.skip();
      }
      const result = await loop('--model', model);
      results.push({ name: 'SmolLM2-135M-Instruct, seed 0', result });
      console.log(`      ${JSON.stringify(result)}`);
      assert.ok(result.reward.after > result.reward.before, `${result.reward.before} → ${result.reward.after}`);
      assert.ok(result.kl > -0.5 && result.kl < 20, `${result.kl}`);
    });
  }
});
