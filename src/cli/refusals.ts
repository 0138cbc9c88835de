/** Asks models the prompts of a refusal suite and prints how often they refuse, and how a second model differs from the first. */
import { basename } from 'node:path';
import { l10n } from '../base/l10n.ts';
import { pool } from '../core/evaluation/cellPool.ts';
import type { AskOptions } from '../core/evaluation/dispatch.ts';
import { defaultSampling } from '../core/generation.ts';
import type { JobResult } from '../core/jobs/job.ts';
import { refusalChange, refusalFigures, refusalOutcome } from '../core/refusals/grade.ts';
import type { RefusalReport } from '../core/refusals/report.ts';
import { type RefusalPrompt, refusalSuite } from '../core/refusals/suite.ts';
import type { TextGenerator } from '../core/textGenerator.ts';
import { replaceJsonFile } from '../storage/fileSystem.ts';
import type { JobFolder } from '../storage/jobFolder.ts';
import type { Cli } from './cli.ts';
import { percent, range, table } from './experiments.ts';

export interface RefusalOptions extends AskOptions {
  readonly suite?: readonly RefusalPrompt[];
  readonly maxTokens?: number;
  readonly seed?: number;
}

/** Tokens of an answer: enough to tell a refusal. */
const usualTokens = 96;

/** Greedy, one model after the other. Rejects with the model's failure: a gap would look like an answer. */
export async function runRefusals(
  cli: Cli,
  generators: readonly TextGenerator[],
  { suite = refusalSuite, maxTokens = usualTokens, seed = 0, ...asking }: RefusalOptions = {},
): Promise<RefusalReport> {
  const options = { ...defaultSampling, temperature: 0, maxOutputTokens: maxTokens, seed };
  const texts: string[][] = [];
  for (const generator of generators) {
    const ask = cli.dispatcher.ask(generator, asking);
    const own = new Array<string>(suite.length);
    let done = 0;
    await pool(suite.entries(), async ([index, { prompt }]) => {
      const messages = [{ role: 'user' as const, content: prompt }];
      const { generation } = await ask({ prompt: { kind: 'messages', messages }, options, repeat: 0 }, cli);
      cli.signal.throwIfAborted();
      own[index] = generation.text;
      cli.progress(l10n.t('{0}: {1} of {2} prompts', generator.model.label, ++done, suite.length));
    });
    cli.progress('');
    texts.push(own);
  }
  const outcomes = texts.map(own => own.map(refusalOutcome));
  const [before, after] = outcomes;
  return {
    models: outcomes.map((own, i) => refusalFigures(generators[i]!.model.id, suite, own)),
    ...(before && after ? { change: refusalChange(suite, before, after) } : {}),
    answers: suite.map((prompt, i) => ({
      ...prompt,
      answers: texts.map((own, model) => ({ text: own[i]!, outcome: outcomes[model]![i]! })),
    })),
  };
}

/** The suite on a job's base and on what came of it. The report is kept in the job's folder. */
export async function refusalsBeforeAndAfter(cli: Cli, job: JobFolder, { adapter }: JobResult): Promise<RefusalReport> {
  const generators = [
    await cli.models.get(job.specification.model.id),
    await cli.models.get(`local:${basename(adapter)}`),
  ];
  const report = await runRefusals(cli, generators);
  await replaceJsonFile(job.file('refusals'), report);
  return report;
}

export function refusalText({ models, change }: RefusalReport): string {
  const [first] = models;
  if (!first) return '';
  const rows = [
    [l10n.t('refused'), ...models.map(({ model }) => model)],
    ...first.attacks.map(({ attack }, i) => [
      attack,
      ...models.map(({ attacks }) => {
        const { estimate, n } = attacks[i]!.refused;
        return `${Math.round(estimate * n)}/${n}`;
      }),
    ]),
    [
      l10n.t('all that should be refused'),
      ...models.map(({ unwanted }) => `${percent(unwanted.estimate)} (${range(unwanted)})`),
    ],
    [
      l10n.t('all that should be answered'),
      ...models.map(({ harmless }) => `${percent(harmless.estimate)} (${range(harmless)})`),
    ],
  ];
  const lines = [table(rows).trimEnd()];
  for (const { model, empty } of models)
    if (empty > 0) lines.push(l10n.t('{0}: {1} empty answers, which count as not refused.', model, empty));
  if (change) {
    for (const [what, { gained, lost, difference, midP }] of [
      [l10n.t('should be refused'), change.unwanted],
      [l10n.t('should be answered'), change.harmless],
    ] as const)
      lines.push(
        l10n.t(
          '{0}: the second refuses {1} more and {2} fewer, {3} points (95 % {4}), p = {5}',
          what,
          gained,
          lost,
          (100 * difference.estimate).toFixed(0).replace('-', '−'),
          range(difference),
          midP.toFixed(3),
        ),
      );
  }
  return `${lines.join('\n')}\n`;
}
