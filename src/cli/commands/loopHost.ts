/** What the experiments with a simulated annotator share: the sample reviews, the model that answers them, and jobs in a folder of their own. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import { readRows } from '../../core/datasets/rows.ts';
import type { Prompt, SamplingOptions } from '../../core/generation.ts';
import type { JobEvent, JobResult, ModelReference } from '../../core/jobs/job.ts';
import type { LoopHost, LoopPrompt } from '../../core/jobs/loop.ts';
import { firstError, parseTemplate } from '../../core/prompts/promptyFile.ts';
import { renderPrompt } from '../../core/prompts/render.ts';
import { promptOf } from '../../core/prompts/template.ts';
import { newRewardJob, newRlhfJob } from '../../jobs/newJobs.ts';
import { Supervisor } from '../../jobs/supervisor.ts';
import { workspaceLayout } from '../../storage/workspaceLayout.ts';
import type { Cli } from '../cli.ts';
import { runJob } from './trainJobs.ts';

/** Requests of one call to the model. */
const batchSize = 64;

export interface LoopRun extends Omit<LoopHost, 'trainPolicy'> {
  readonly parameters: number;
  readonly training: readonly LoopPrompt[];
  readonly heldOut: readonly LoopPrompt[];
  /** Tunes on a reward model; what came of it, and what was seen on the way. */
  tune(
    ...job: Parameters<LoopHost['trainPolicy']>
  ): Promise<{ readonly result: JobResult; readonly events: readonly JobEvent[] }>;
}

/** `keep`: folder for jobs and models; without one they are gone afterwards. */
export async function withLoop<T>(
  cli: Cli,
  { model, keep }: { readonly model: string; readonly keep?: string | undefined },
  work: (run: LoopRun) => Promise<T>,
): Promise<T> {
  const start = performance.now();
  const reference = await cli.models.reference(model);
  if (reference.adapter !== undefined) {
    throw new HumanError(l10n.t('The loop starts from a base model. Choose the one that “{0}” was tuned from.', model));
  }
  const { parameters } = await cli.inference.load({ base: reference.base });
  const [training, heldOut] = await Promise.all(['train', 'heldout'].map(set => reviews(cli, set)));
  const folder = keep ? resolve(cli.terminal.cwd, keep) : await mkdtemp(join(tmpdir(), 'tunesmith-loop-'));
  const layout = workspaceLayout(folder);
  const supervisor = new Supervisor({ ...cli.worker, layout, logger: cli.logger });
  const seconds = () => (performance.now() - start) / 1000;
  try {
    return await work({
      parameters,
      training: training!,
      heldOut: heldOut!,
      sample: (prompts, sampling, adapter) => sample(cli, { base: reference.base, adapter }, prompts, sampling),
      async trainReward(pairs, settings, seed) {
        // The model's memory is the job's now.
        await cli.inference.stop();
        const job = await newRewardJob({ layout, name: 'reward', model: reference, seed, pairs, settings });
        return runJob(cli, supervisor, job);
      },
      async tune(prompts, unseen, rewardModel, settings, seed) {
        const reward: ModelReference = { id: 'local:reward', base: reference.base, adapter: rewardModel };
        const job = await newRlhfJob({
          layout,
          name: 'tuned',
          model: reference,
          seed,
          prompts,
          heldOut: unseen,
          reward: { kind: 'model', model: reward },
          settings,
        });
        const result = await runJob(cli, supervisor, job);
        return { result, events: (await job.eventsSince({ offset: 0 })).events };
      },
      progress: message => cli.note(`${Math.round(seconds())} s  ${message}`),
      seconds,
    });
  } finally {
    supervisor.dispose();
    if (!keep) await rm(folder, { recursive: true, force: true });
  }
}

/** The sample reviews, rendered through the sample template. */
export async function reviews(cli: Cli, set: string): Promise<LoopPrompt[]> {
  const samples = join(cli.root, 'samples');
  const file = join(samples, 'templates', 'reply-to-review.prompty');
  const template = parseTemplate(await readFile(file, 'utf8'), file);
  const data = join(samples, 'data', `reviews-${set}.jsonl`);
  const prompts: LoopPrompt[] = [];
  for (const { values } of readRows(await readFile(data, 'utf8'), data)) {
    const { prompt, diagnostics } = await renderPrompt(template, { values }, cli.evaluator.render);
    if (!prompt) throw firstError(template, diagnostics) ?? new Error(`${file} was not rendered`);
    prompts.push({ prompt: promptOf(prompt), about: String(values.about) });
  }
  return prompts;
}

async function sample(
  cli: Cli,
  location: { readonly base: string; readonly adapter: string | undefined },
  prompts: readonly { readonly prompt: Prompt; readonly repeat: number }[],
  sampling: SamplingOptions,
): Promise<string[]> {
  const texts: string[] = [];
  for (let start = 0; start < prompts.length; start += batchSize) {
    cli.signal.throwIfAborted();
    const batch = prompts.slice(start, start + batchSize);
    const { items } = await cli.inference.ask(
      { base: location.base, ...(location.adapter === undefined ? {} : { adapter: location.adapter }) },
      'generate',
      {
        items: batch.map(({ prompt, repeat }) => ({
          prompt: prompt.kind === 'text' ? prompt : { ...prompt, messages: [...prompt.messages] },
          options: { ...sampling, stopSequences: [...sampling.stopSequences] },
          stream: repeat,
        })),
        alternatives: -1,
      },
      { signal: cli.signal },
    );
    // Interrupted answers are no answers of the model.
    cli.signal.throwIfAborted();
    texts.push(...items.map(({ text }) => text.trim()));
    cli.progress(l10n.t('{0} of {1} answers', texts.length, prompts.length));
  }
  cli.progress('');
  return texts;
}
