import assert from 'node:assert/strict';
import { Rng } from '../../../src/base/rng.ts';
import { loraParameters } from '../../../src/language-model/lora.ts';
import { randomWeights } from '../../../src/language-model/model.ts';
import { predictFrom } from '../../../src/language-model/trainable.ts';
import { bradleyTerryLoss, plackettLuceLoss, tieLoss } from '../../../src/training/math/rewardLosses.ts';
import type { EncodedPair, EncodedRanking } from '../../../src/training/pairData.ts';
import { type LessonSettings, type RewardExample, rewardLesson } from '../../../src/training/rewardLessons.ts';
import { oneLayerConfig } from '../../fakes/tinyLlama.ts';
import { openTrainingGraph, relativeDistance } from '../../fakes/trainingGraphs.ts';

const config = oneLayerConfig();
const rng = Rng.seeded(4);
const lora = { r: 2, alpha: 4, targetModules: ['q_proj', 'down_proj'] };
const drawn = (size: number) => Float32Array.from({ length: size }, () => rng.normal() * 0.5);
const adapter = [...loraParameters(config, lora)].map(
  ([name, shape]) => [name, drawn(shape.reduce((a, b) => a * b, 1))] as const,
);
const weights: ReadonlyMap<string, ArrayLike<number>> = new Map<string, ArrayLike<number>>([
  ...randomWeights(config, Rng.seeded(1)),
  ...adapter,
  ['score.weight', drawn(16)],
]);
const ids = (length: number): number[] => [1, 2, ...Array.from({ length }, () => 3 + rng.int(28)), 2];

const pairs: EncodedPair[] = [
  { promptLength: 2, chosen: ids(3), rejected: ids(5) },
  { promptLength: 2, chosen: ids(4), rejected: ids(2), tie: true },
  { promptLength: 2, chosen: ids(1), rejected: ids(4) },
];
const rankings: EncodedRanking[] = [
  { promptLength: 2, groups: [[ids(3)], [ids(2)], [ids(5)]] },
  { promptLength: 2, groups: [[ids(4), ids(1)], [ids(3)], [ids(2), ids(6)]] },
  { promptLength: 2, groups: [[ids(2)], [ids(3)]] },
];

/** Loss and gradients in double precision, with other weights where `changed` says so. */
async function run(
  examples: readonly RewardExample[],
  settings: LessonSettings,
  changed: ReadonlyMap<string, ArrayLike<number>> = new Map(),
) {
  const lesson = rewardLesson(examples, settings);
  const opened = await openTrainingGraph(
    {
      config,
      head: 'score',
      trainable: { kind: 'lora', lora },
      weights: new Map([...weights, ...changed]),
      loss: lesson.loss,
      inputs: lesson.inputs,
    },
    'float64',
    { threads: 1 },
  );
  try {
    const rows = examples.flatMap(example => lesson.rows(example));
    const results = await opened.run({
      ids: rows,
      predictions: predictFrom(
        rows,
        rows.map(() => 2),
      ),
      inputs: lesson.feed(examples, 1 / examples.length),
    });
    return { lesson, results, loss: Number(results.get('loss')![0]) };
  } finally {
    await opened.dispose();
  }
}

const close = (actual: number, expected: number, tolerance = 1e-9) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);

describe('lessons of reward models', () => {
  const tied: LessonSettings = { loss: 'bradley-terry', tieThreshold: 2.5, centerRewardsCoefficient: 0.02 };
  const ranked: LessonSettings = { loss: 'plackett-luce', tieThreshold: 1, centerRewardsCoefficient: 0.02 };

  it('pairs and ties cost what they cost in double precision', async () => {
    const { lesson, results, loss } = await run(pairs, tied);
    const r = results.get('scores')!;
    const terms = pairs.map((pair, index) => {
      const [a, b] = [r[2 * index]!, r[2 * index + 1]!];
      const own = pair.tie ? tieLoss(a - b, 2.5).loss : bradleyTerryLoss(a - b, Math.log(2.5)).loss;
      close(lesson.judge(pair, [a, b]).loss, own);
      return own + 0.02 * (a + b) ** 2;
    });
    close(loss, terms.reduce((sum, term) => sum + term, 0) / 3);
    const { accuracy } = lesson.metrics(pairs, [
      { right: results.get('metric:right')![0]!, margin: 0, total: 0, highest: 0, lowest: 0 },
    ]);
    const right = [0, 2].filter(index => r[2 * index]! > r[2 * index + 1]!).length;
    assert.equal(accuracy, right / 2, 'ties do not count');
  });

  it('rankings cost what they cost in double precision; two answers are a pair', async () => {
    const { lesson, results, loss } = await run(rankings, ranked);
    let row = 0;
    let right = 0;
    const terms = rankings.map(ranking => {
      const rewards = ranking.groups.map(group => group.map(() => results.get('scores')![row++]!));
      const { loss: own, pairs: implied } = lesson.judge(ranking, rewards.flat());
      close(own, plackettLuceLoss(rewards).loss);
      right += implied.filter(({ margin }) => margin > 0).length;
      const all = rewards.flat();
      return own + 0.02 * ((2 / all.length) * all.reduce((a, b) => a + b, 0)) ** 2;
    });
    close(loss, terms.reduce((sum, term) => sum + term, 0) / 3);
    assert.equal(results.get('metric:right')![0], right);
    const [chosen, rejected] = rankings[2]!.groups.flat();
    const pair = await run([{ promptLength: 2, chosen: chosen!, rejected: rejected! }], { ...tied, tieThreshold: 1 });
    const two = await run([rankings[2]!], ranked);
    close(two.loss, pair.loss);
    for (const [name, gradient] of pair.results) {
      if (name.startsWith('grad:')) assert.ok(relativeDistance(two.results.get(name)!, gradient) < 1e-9, name);
    }
  });

  for (const [name, examples, settings] of [
    ['ties', pairs, tied],
    ['rankings', rankings, ranked],
  ] as const) {
    it(`gradients of ${name} are those of finite differences, through model and head`, async () => {
      const { results } = await run(examples, settings);
      const h = 1e-5;
      for (const weight of ['score.weight', adapter[0]![0]]) {
        const values = Float64Array.from(weights.get(weight)!);
        for (const index of [0, 7]) {
          const moved = async (by: number) =>
            (await run(examples, settings, new Map([[weight, values.map((v, i) => (i === index ? v + by : v))]]))).loss;
          const slope = ((await moved(h)) - (await moved(-h))) / (2 * h);
          close(results.get(`grad:${weight}`)![index]!, slope, 1e-6);
        }
      }
    });
  }

  it('examples of a step may be cut into passes anywhere', async () => {
    const whole = await run(rankings, ranked);
    const lesson = rewardLesson(rankings, ranked);
    const alone = await Promise.all(rankings.map(ranking => run([ranking], ranked)));
    close(whole.loss, alone.reduce((sum, { loss }) => sum + loss, 0) / 3);
    const counts = rankings.map(
      ranking =>
        lesson.judge(
          ranking,
          lesson.rows(ranking).map(() => 0),
        ).pairs.length,
    );
    assert.deepEqual(counts, [3, 8, 1]);
  });
});
