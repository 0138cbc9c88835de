/** `tunesmith learning-curve`: reward models on more and more comparisons and of several sizes, beside what people reach. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import { curveSizes, type LearningCurveResult, runLearningCurve } from '../../core/jobs/learningCurve.ts';
import { learningCurvePlot } from '../../core/jobs/learningCurvePlot.ts';
import { type PresetName, PresetNames, rewardPresets, rewardSettings } from '../../core/jobs/presets.ts';
import { checkRewardSettings, withSettings } from '../../core/jobs/settings.ts';
import { type HumanAgreement, humanAgreement } from '../../core/preferences/humanAgreement.ts';
import type { Interval } from '../../core/statistics/intervals.ts';
import { newRewardJob } from '../../jobs/newJobs.ts';
import { Supervisor } from '../../jobs/supervisor.ts';
import { workspaceLayout } from '../../storage/workspaceLayout.ts';
import { type Cli, numberOption } from '../cli.ts';
import { collectWords } from '../experiments.ts';
import { type JudgeFlags, withJudgeFlags } from '../judgeFlags.ts';
import { changesOf, comparisons, sizeOf, withEverySetting } from './train.ts';
import { runJob } from './trainJobs.ts';

interface CurveFlags extends JudgeFlags {
  readonly data?: string;
  readonly model?: readonly string[];
  readonly seed: number;
  readonly threads?: number;
  readonly json?: boolean;
  readonly preset: PresetName;
  readonly sizes?: string;
  readonly seeds: number;
  readonly out: string;
  readonly keep?: string;
  /** Flags of the settings, by commander's names. */
  readonly [setting: string]: unknown;
}

export function registerLearningCurve(program: Command, cli: Cli): void {
  const command = program
    .command('learning-curve')
    .description(l10n.t('accuracy of reward models against the number of comparisons and the size of the model'))
    .option('--data <file>', l10n.t('preferences as TRL JSON Lines, or rankings (default: those of the workspace)'))
    .addOption(
      new Option(
        '--model <model>',
        l10n.t('a local model by name or path (default: pebble); repeat it to compare sizes'),
      ).argParser(collectWords),
    )
    .option('--sizes <list>', l10n.t('comparisons to learn from, such as 50,100,200 (default: halves of all)'))
    .option('--seeds <n>', l10n.t('reward models of each size'), numberOption('--seeds', { min: 1, max: 100 }), 1)
    .option('--seed <n>', l10n.t('the first of them'), numberOption('--seed'), 0)
    .addOption(
      new Option('--preset <preset>', l10n.t('ready-made settings')).choices([...PresetNames]).default('quick'),
    )
    .option('--threads <n>', l10n.t('threads of the engine'), numberOption('--threads', { min: 1, max: 1024 }))
    .option('--out <folder>', l10n.t('where the plot and the figures go'), 'learning-curve')
    .option('--keep <folder>', l10n.t('keep jobs and models in this folder'))
    .option('--json', l10n.t('the result as one JSON object'));
  withJudgeFlags(withEverySetting(command, 'reward'), { checked: true }).action((flags: CurveFlags) =>
    learningCurve(cli, flags),
  );
}

async function learningCurve(cli: Cli, flags: CurveFlags): Promise<void> {
  const models = flags.model ?? ['pebble'];
  const changes = changesOf('reward', flags);
  const wanted = withSettings('reward', rewardPresets[flags.preset], changes);
  checkRewardSettings(wanted);
  if (wanted.heldOutShare === 0)
    throw new HumanError(l10n.t('A learning curve needs held-out prompts: give --held-out-share a number above 0.'));
  const given = flags.sizes === undefined ? undefined : sizesOf(flags.sizes);
  const pairs = await comparisons(cli, flags, wanted);
  const sizes = given ?? curveSizes(Math.max(1, Math.floor(pairs.length * (1 - wanted.heldOutShare))));
  const references = new Map(
    await Promise.all(models.map(async name => [name, await cli.models.reference(name)] as const)),
  );
  // A file does not say who judged what.
  const people: HumanAgreement =
    flags.data === undefined ? humanAgreement((await cli.journal()).state) : { one: undefined, group: undefined };
  if (flags.data === undefined && !people.one)
    cli.note(l10n.t('No two people judged the same answers, so there are no lines for what people reach.'));

  const folder = flags.keep ? resolve(cli.terminal.cwd, flags.keep) : await mkdtemp(join(tmpdir(), 'tunesmith-curve-'));
  const layout = workspaceLayout(folder);
  const supervisor = new Supervisor({ ...cli.worker, layout, logger: cli.logger });
  const parameters = new Map<string, number>();
  try {
    const result = await runLearningCurve(
      {
        models,
        sizes,
        seeds: Array.from({ length: flags.seeds }, (_, index) => flags.seed + index),
        people,
      },
      {
        async parametersOf(model) {
          const count = await sizeOf(cli, references.get(model)!);
          parameters.set(model, count);
          return count;
        },
        async train(model, maxPairs, seed) {
          const preset = rewardSettings(flags.preset, parameters.get(model)!);
          const settings = { ...withSettings('reward', preset, changes), maxPairs };
          const job = await newRewardJob({
            layout,
            name: `curve-${maxPairs}-${seed}`,
            model: references.get(model)!,
            seed,
            pairs,
            settings,
            ...(flags.threads === undefined ? {} : { threads: flags.threads }),
          });
          return runJob(cli, supervisor, job);
        },
        progress: message => cli.note(message),
      },
    );
    const out = resolve(cli.terminal.cwd, flags.out);
    await mkdir(out, { recursive: true });
    await writeFile(join(out, 'learning-curve.svg'), learningCurvePlot(result));
    await writeFile(join(out, 'learning-curve.json'), `${JSON.stringify(result, null, 2)}\n`);
    cli.out(flags.json ? `${JSON.stringify(result)}\n` : table(result));
    cli.note(l10n.t('The plot and its figures are in {0}.', out));
  } finally {
    supervisor.dispose();
    if (!flags.keep) await rm(folder, { recursive: true, force: true });
  }
}

function sizesOf(text: string): number[] {
  const sizes = text.split(',').map(Number);
  if (sizes.length > 0 && sizes.every(size => Number.isInteger(size) && size > 0))
    return [...new Set(sizes)].sort((a, b) => a - b);
  throw new HumanError(l10n.t('--sizes needs whole numbers above 0 with commas, such as 50,100,200, not “{0}”.', text));
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const withEnds = ({ estimate, low, high }: Interval): string =>
  `${percent(estimate)} (${percent(low)} … ${percent(high)})`;

function table({ models, person, group, lengthRule }: LearningCurveResult): string {
  const lines: string[] = [];
  for (const { model, parameters, points } of models) {
    lines.push(l10n.t('{0}, {1} parameters; held-out accuracy with its 95 % interval', model, parameters));
    for (const { comparisons: count, accuracy } of points)
      lines.push(l10n.t('{0} comparisons: {1}, {2} pairs', Math.round(count), withEnds(accuracy), accuracy.n));
    lines.push('');
  }
  if (person) lines.push(l10n.t('One person agrees with another on {0}', withEnds(person)));
  if (group) lines.push(l10n.t('One person agrees with most of the others on {0}', withEnds(group)));
  if (lengthRule) lines.push(l10n.t('A rule about length alone is right on {0}', withEnds(lengthRule)));
  return `${lines.join('\n')}\n`;
}
