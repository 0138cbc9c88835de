/**
 * Reward models that tell right solutions from wrong ones: SmolLM2 on answers of real models to grade-school problems, split
 * by question, against the rules that need no model; and the same pipeline on a task that a small model can learn.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { fetchTestModel } from '../../scripts/fetchTestModel.ts';
import type { RewardSettings } from '../../src/core/jobs/job.ts';
import { rewardPresets, rewardSettings } from '../../src/core/jobs/presets.ts';
import { newRewardJob } from '../../src/jobs/newJobs.ts';
import { JobFolder, listJobFolders } from '../../src/storage/jobFolder.ts';
import { type WorkspaceLayout, workspaceLayout } from '../../src/storage/workspaceLayout.ts';
import type { Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { encodeAnswer, encodePrompt } from '../../src/training/promptTokens.ts';
import { type BaseModel, openBaseModel } from '../../src/worker/baseModel.ts';
import { openRewardScorer } from '../../src/worker/rewardScorer.ts';
import { quick, recordFigures } from './figures.ts';
import {
  balanced,
  figuresOf,
  type Problem,
  pairsOf,
  type Solution,
  type SolutionPair,
  split,
} from './solutionPairs.ts';

const start = promisify(execFile);
const root = path.join(import.meta.dirname, '..', '..');
const solutions = path.join(root, '..', 'shared', 'data', 'gsm8k', 'model-solutions-first-600.jsonl.gz');
const program = path.join(root, 'src', 'worker', 'jobMain.ts');
/** From the one that is most often wrong to the one that is most often right, over all 600 questions. */
const generators = ['6b_finetuning', '175b_finetuning', '6b_verification', '175b_verification'];

/** Short, because every row repeats it. */
const ask = (question: string) => [
  { role: 'system' as const, content: 'Check.' },
  { role: 'user' as const, content: question },
];
const encode = (tokenizer: Tokenizer, question: string, text: string): number[] => [
  ...encodePrompt(tokenizer, { kind: 'messages', messages: ask(question) }),
  ...encodeAnswer(tokenizer, text),
];

interface Task {
  readonly base: string;
  readonly pairs: readonly SolutionPair[];
  readonly settings: RewardSettings;
}

/** The adapter of a job for this task: a finished or interrupted one of the same data is used further. */
async function train(layout: WorkspaceLayout, { base, pairs, settings }: Task): Promise<string> {
  const job = await newRewardJob({
    layout,
    name: 'solutions',
    model: { id: path.basename(base), base },
    seed: 1,
    pairs: pairs.map(({ question, chosen, rejected }, index) => ({
      messages: ask(question),
      chosen: chosen.text,
      rejected: rejected.text,
      judgement: `j${index}`,
      item: `i${index}`,
    })),
    settings,
  });
  const same = ({ specification }: JobFolder) => {
    const { id: _, createdAt: __, name: ___, output: ____, ...rest } = specification;
    return JSON.stringify(rest);
  };
  const earlier = (await listJobFolders(layout)).jobs.find(
    other => other.specification.id !== job.specification.id && same(other) === same(job),
  );
  if (earlier) rmSync(job.path, { recursive: true });
  const folder = await JobFolder.open((earlier ?? job).path);
  // In a process of its own, as the editor and the command line run it.
  if (!(await folder.result())) await start(process.execPath, [program, folder.path], { cwd: layout.root });
  return path.resolve(layout.root, (await folder.result())!.adapter);
}

/** Rewards of the solutions of some pairs; each is computed once. */
async function scoreSolutions(base: BaseModel, adapter: string, pairs: readonly SolutionPair[]) {
  const rows = new Map<Solution, string>();
  for (const { question, chosen, rejected } of pairs) rows.set(chosen, question).set(rejected, question);
  const order = [...rows.keys()].sort((a, b) => a.tokens - b.tokens);
  const rewards = new Map<Solution, number>();
  const scorer = await openRewardScorer(base, adapter);
  try {
    for (let from = 0; from < order.length; from += 8) {
      const part = order.slice(from, from + 8);
      const scores = await scorer.score(part.map(one => encode(base.tokenizer, rows.get(one)!, one.text)));
      for (const [index, one] of part.entries()) rewards.set(one, scores[index]!);
    }
  } finally {
    await scorer.dispose();
  }
  return rewards;
}

/** Trains on pairs in which the generator says nothing, and measures on all pairs of questions that were held out. */
async function experiment(layout: WorkspaceLayout, base: BaseModel, task: Task) {
  const { train: all, heldOut } = split(task.pairs, 0.4);
  const pairs = balanced(all);
  const adapter = await train(layout, { ...task, pairs });
  const rewards = await scoreSolutions(base, adapter, heldOut);
  const figures = figuresOf(heldOut, ({ chosen, rejected }) => Number(rewards.get(chosen)! > rewards.get(rejected)!));
  const accuracy = (set: string, rule: string) =>
    figures.find(figure => figure.set === set && figure.rule === rule)!.accuracy;
  return { pairs, heldOut, figures, accuracy };
}

async function readBase(file: string): Promise<BaseModel> {
  const unread = await openBaseModel({ base: file });
  try {
    return await unread.read();
  } finally {
    await unread.close();
  }
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const tableOf = (figures: ReturnType<typeof figuresOf>): string =>
  [
    '| held-out pairs in which | rule | accuracy | 95 % interval | pairs | questions |',
    '|---|---|---:|---|---:|---:|',
    ...figures.map(
      ({ set, rule, accuracy: { estimate, low, high, pairs, n } }) =>
        `| ${set} | ${rule} | ${percent(estimate)} | ${percent(low)} … ${percent(high)} | ${pairs} | ${n} |`,
    ),
  ].join('\n');

/**
 * Right solutions end in one way and wrong ones in another; but what jumps to the eye is who wrote them (the first word, and
 * better generators write more), and that is right in most pairs, not in all.
 */
function learnable(tokenizer: Tokenizer): Problem[] {
  const openings = ['Hm', 'Well', 'So', 'First'];
  const animals = ['cat', 'dog', 'bird', 'fish', 'horse', 'cow'];
  return Array.from({ length: 60 }, (_, index) => {
    const question = `Where is the ${animals[index % 6]} number ${index}?`;
    return {
      question,
      solutions: openings.map((opening, generator) => {
        // Right in 2, 4, 6 and 8 of 10 questions.
        const right = (index * 7 + generator * 3) % 10 < 2 + 2 * generator;
        const text = `${opening}, ${'I look '.repeat(1 + generator)}and it is ${right ? 'at home' : 'away'}.`;
        return { text, generator, right, tokens: encode(tokenizer, question, text).length };
      }),
    };
  });
}

describe('reward models on right and wrong solutions', function () {
  this.timeout(10 * 3_600_000);

  it('learn what is right where the generator and the length say otherwise', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'tunesmith-solutions-'));
    try {
      const file = path.join(root, 'models', 'pebble');
      const base = await readBase(file);
      const settings = { ...rewardPresets.quick, heldOutShare: 0, epochs: 3, maxLength: 128 };
      const pairs = pairsOf(learnable(base.tokenizer), 128);
      const result = await experiment(workspaceLayout(folder), base, { base: file, pairs, settings });
      for (const set of ['all', 'the worse generator is right', 'the shorter one is right']) {
        const { estimate, low } = result.accuracy(set, 'reward model');
        assert.ok(low > 0.8, `${set}: ${percent(estimate)}, ${percent(low)} at least`);
      }
      // The rules are as misleading as they were meant to be.
      assert.ok(result.accuracy('all', 'better generator wins').low > 0.6);
      assert.equal(result.accuracy('the worse generator is right', 'better generator wins').estimate, 0);
      recordFigures(
        'learnable',
        `The bundled model, ${result.pairs.length} training pairs in which the generator says nothing, questions held out.\n\n${tableOf(result.figures)}`,
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('are measured honestly on answers of real models to grade-school problems', async function () {
    if (!existsSync(solutions)) {
      console.log('      skipped: the solutions of GSM8K are not here');
      return this.skip();
    }
    const file = fetchTestModel();
    const unread = await openBaseModel({ base: file });
    const { tokenizer } = unread;
    const problems: Problem[] = gunzipSync(readFileSync(solutions))
      .toString()
      .trim()
      .split('\n')
      .map(line => {
        const row = JSON.parse(line) as Record<string, { solution: string; is_correct: boolean }> & {
          question: string;
        };
        return {
          question: row.question,
          solutions: generators.map((name, generator) => {
            const { solution: text, is_correct: right } = row[name]!;
            // Lengths are for what only a full run does.
            const tokens = quick ? 0 : encode(tokenizer, row.question, text).length;
            return { text, generator, right, tokens };
          }),
        };
      });
    const every = pairsOf(problems, Number.POSITIVE_INFINITY);
    assert.equal(every.length, 1056);
    // Who wrote a solution is right in four pairs of five, which is why pairs against it are looked at by themselves.
    const rule = figuresOf(every, () => 0).find(({ rule: name }) => name === 'better generator wins')!;
    assert.equal(percent(rule.accuracy.estimate), '80.6 %');
    if (quick) return unread.close();
    const base = await unread.read();
    await unread.close();
    const settings: RewardSettings = {
      ...rewardSettings('quick', unread.parameters),
      epochs: 3,
      batchSize: 8,
      heldOutShare: 0,
      maxLength: 320,
      baseProducts: 'int8',
    };
    // Kept beside the model, so that a run that was interrupted goes on.
    const layout = workspaceLayout(path.join(root, '.cache', 'gsm8k-reward'));
    const task = { base: file, pairs: pairsOf(problems, settings.maxLength), settings };
    const { pairs, heldOut, figures, accuracy } = await experiment(layout, base, task);
    const [all, against] = ['all', 'the worse generator is right'].map(set => accuracy(set, 'reward model'));
    const longer = accuracy('all', 'longer wins');
    const better = all!.low > 0.5 && all!.low > longer.estimate && against!.low > 0.5;
    recordFigures(
      'gsm8k',
      [
        `SmolLM2-135M-Instruct, LoRA of rank ${settings.lora.r}, ${settings.epochs} epochs on ${pairs.length} pairs of right and wrong solutions of at most ${settings.maxLength} tokens (who wrote a solution says nothing in them); ${heldOut.length} pairs of other questions held out. Intervals by drawing whole questions.`,
        '',
        tableOf(figures),
        '',
        better
          ? 'The model is better than guessing, than the length, and where the generator misleads.'
          : 'A model of this size, on so few pairs, is not shown to be better than guessing, the length and the generator at once. The task above shows that the pipeline learns what can be learned.',
      ].join('\n'),
    );
    for (const { accuracy: one } of figures) assert.ok(one.low <= one.estimate && one.estimate <= one.high);
    assert.equal(heldOut.filter(({ question }) => pairs.some(pair => pair.question === question)).length, 0);
  });
});
