/**
 * Whether an actor beside the learner could be faster than taking turns on this machine: rollouts and updates alone on all threads
 * against both at the same time on half the threads each. Also the child that does one of the two.
 */
import path from 'node:path';
import { createGenerator } from '../../../src/language-model/generate.ts';
import { createTrainingProgram } from '../../../src/language-model/trainable.ts';
import { idleInputs, policyMethod } from '../../../src/training/policyMethods.ts';
import { type Answer, answerBatch, inParts, rowLength, sampleAnswers } from '../../../src/training/rollout.ts';
import { Child } from '../engine/child.ts';
import { serve } from '../engine/serve.ts';
import { median } from '../engine/statistics.ts';
import { answersOf, type Case } from './cases.ts';
import { loadModel, modelFolder, promptsFor } from './models.ts';
import type { Request } from './ours.ts';

/** Seconds of a step's rollout and of its update (without PPO's critic). */
export interface Overlap {
  /** One after the other, each on all threads. */
  readonly inTurn: { readonly rollout: number; readonly update: number };
  /** At the same time, each on half of the threads: a step takes as long as the slower of the two. */
  readonly beside: { readonly rollout: number; readonly update: number };
}

type Part = 'rollout' | 'update';

export async function measureOverlap(running: Case, threads: number, rounds: number): Promise<Overlap> {
  const folder = await modelFolder(running.model);
  const prompts = await promptsFor(running, folder);
  const children: Child[] = [];
  const open = async (part: Part, count: number): Promise<Child> => {
    const child = new Child(process.execPath, [path.join(import.meta.dirname, 'overlap.ts'), 'child']);
    children.push(child);
    await child.ask('prepare', { case: running, folder, prompts, threads: count, part });
    return child;
  };
  try {
    const half = Math.max(1, Math.floor(threads / 2));
    const alone = { rollout: await open('rollout', threads), update: await open('update', threads) };
    const together = { rollout: await open('rollout', half), update: await open('update', half) };
    const taken = { alone: { rollout: [], update: [] }, together: { rollout: [], update: [] } } as Record<
      'alone' | 'together',
      Record<Part, number[]>
    >;
    for (let round = 0; round < rounds; round++) {
      const turn = { rollout: await seconds(alone.rollout, 1), update: await seconds(alone.update, 1) };
      // The faster one goes on working, so that the slower one is never alone.
      const more = Math.max(2, Math.ceil(Math.max(turn.rollout, turn.update) / Math.min(turn.rollout, turn.update)));
      const times = turn.rollout < turn.update ? { rollout: more, update: 1 } : { rollout: 1, update: more };
      const [rollout, update] = await Promise.all([
        seconds(together.rollout, times.rollout),
        seconds(together.update, times.update),
      ]);
      for (const part of ['rollout', 'update'] as const) {
        taken.alone[part].push(turn[part]);
        taken.together[part].push((part === 'rollout' ? rollout : update) / times[part]);
      }
    }
    const medians = (of: Record<Part, number[]>) => ({ rollout: median(of.rollout), update: median(of.update) });
    return { inTurn: medians(taken.alone), beside: medians(taken.together) };
  } finally {
    for (const child of children) await child.close();
  }
}

const seconds = (child: Child, times: number): Promise<number> => child.ask<number>('work', { times });

/** A rollout of a step, again and again. */
async function openRollout({ case: { settings }, folder, prompts, threads }: Request) {
  const { config, weights, tokenizer } = await loadModel(folder);
  const generator = await createGenerator({ config, weights, threads });
  const { promptsPerStep, samplesPerPrompt, temperature, maxNewTokens } = settings;
  const repeated = prompts
    .slice(0, promptsPerStep)
    .flatMap(prompt => Array.from({ length: samplesPerPrompt }, () => prompt));
  const decode = (ids: readonly number[]) => tokenizer.decode(ids);
  const options = { generator, endIds: [], decode, temperature, maxNewTokens, seed: 1 };
  return () => sampleAnswers(repeated, index => index, options);
}

/** The policy's part of an update: log-probabilities under policy and base, gradients, the optimizer. */
async function openUpdate({ case: running, folder, prompts, threads }: Request) {
  const { settings } = running;
  const { config, weights } = await loadModel(folder);
  const method = policyMethod(settings);
  const program = await createTrainingProgram({
    config,
    weights,
    trainable: { kind: 'lora', lora: settings.lora, seed: 1 },
    head: 'lm',
    inputs: method.inputs,
    loss: method.loss,
    optimizer: {},
    threads,
  });
  const answers = Array.from({ length: answersOf(running) }, (_, row): Answer => {
    const prompt = prompts[row % prompts.length]!;
    const ids = Array.from({ length: settings.maxNewTokens }, (_, t) => prompt.ids[t % prompt.ids.length]!);
    return { prompt, ids, text: '', ended: true };
  });
  const host = { breathe: async () => false } as Parameters<typeof inParts>[3];
  const pass = (run: (batch: Parameters<typeof program.gradients>[0]) => Promise<unknown>) =>
    inParts(answers, rowLength, settings.microBatchSize, host, async part => {
      const batch = answerBatch(part.map(index => answers[index]!));
      await run({
        ...batch,
        inputs: idleInputs(method.inputs, { B: part.length, N: batch.predictions.targets.length }),
      });
    });
  return async () => {
    await pass(batch => program.forward(batch));
    await pass(batch => program.forward(batch, { adapter: false }));
    for (let update = 0; update < ('updatesPerRollout' in settings ? settings.updatesPerRollout : 1); update++) {
      await pass(batch => program.gradients(batch));
      program.apply(0);
    }
  };
}

if (process.argv[2] === 'child') {
  let work: () => Promise<unknown>;
  await serve({
    async prepare(request: Request & { readonly part: Part }) {
      work = await (request.part === 'rollout' ? openRollout : openUpdate)(request);
      await work();
      return {};
    },
    async work({ times }: { readonly times: number }) {
      const start = performance.now();
      for (let i = 0; i < times; i++) await work();
      return (performance.now() - start) / 1000;
    },
  });
}
