/** `tunesmith self-improve`: a model learns from its own reasoning that agrees, round by round, until that no longer helps. */
import { basename, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import { Rng } from '../../base/rng.ts';
import type { DataRow } from '../../core/datasets/rows.ts';
import type { ModelReference, SftSettings } from '../../core/jobs/job.ts';
import { fit, type PresetName, PresetNames, sftPresets } from '../../core/jobs/presets.ts';
import {
  checkSelfImprovement,
  improve,
  type Question,
  type SelfImprovementMode,
  SelfImprovementModes,
  type SelfImprovementResult,
  type SelfImprovementRound,
} from '../../core/jobs/selfImprovement.ts';
import type { Template } from '../../core/prompts/template.ts';
import { withoutDuplicates } from '../../core/search/splits.ts';
import type { Interval } from '../../core/statistics/intervals.ts';
import { newSftJob } from '../../jobs/newJobs.ts';
import { earlierSame } from '../../jobs/repeatedJob.ts';
import { readDataFile } from '../../storage/templateFiles.ts';
import { type Cli, numberOption } from '../cli.ts';
import { guardedBank, percent, range, renderColumn } from '../experiments.ts';
import { loadTemplate, modelOf, rowsOf, withReferences } from '../templates.ts';
import { runJob } from './trainJobs.ts';

interface Flags {
  readonly model?: string;
  readonly data?: string;
  readonly mode: SelfImprovementMode;
  readonly rounds: number;
  readonly samples: number;
  readonly agreement: number;
  readonly perQuestion: number;
  readonly temperature: number;
  readonly practice: number;
  readonly forgetExamples?: boolean;
  readonly preset: PresetName;
  readonly name?: string;
  readonly seed: number;
  readonly json?: boolean;
}

/** Fewer questions than this of a kind say nothing. */
const fewest = 10;

export function registerSelfImprove(program: Command, cli: Cli): void {
  const share = (name: string, min: number) => numberOption(name, { min, max: 1, whole: false });
  program
    .command('self-improve <template>')
    .description(l10n.t('a model learns from its own reasoning that agrees, as long as that helps'))
    .option('-m, --model <model>', l10n.t('a local base model (default: the template’s, else pebble)'))
    .option('--data <file>', l10n.t('questions of this JSONL or CSV file in place of the template’s rows'))
    .addOption(
      new Option(
        '--mode <mode>',
        l10n.t('what is kept: reasoning that comes to the majority’s, or to the known answer'),
      )
        .choices(SelfImprovementModes)
        .default('majority'),
    )
    .option('--rounds <n>', l10n.t('at most'), numberOption('--rounds', { min: 1, max: 100 }), 3)
    .option(
      '--samples <n>',
      l10n.t('reasoning about each question'),
      numberOption('--samples', { min: 2, max: 100 }),
      8,
    )
    .option('--agreement <share>', l10n.t('of the samples that the majority needs'), share('--agreement', 0), 0.5)
    .option(
      '--per-question <n>',
      l10n.t('different reasoning learned of one question at most'),
      numberOption('--per-question', { min: 1 }),
      2,
    )
    .option(
      '--temperature <number>',
      l10n.t('of sampling reasoning'),
      numberOption('--temperature', { min: 0.01, whole: false }),
      0.7,
    )
    .option(
      '--practice <share>',
      l10n.t('of the questions to practise on; the others measure'),
      share('--practice', 0),
      0.5,
    )
    .option('--forget-examples', l10n.t('learn to do without the template’s examples'))
    .addOption(
      new Option('--preset <preset>', l10n.t('settings of the tuning')).choices([...PresetNames]).default('quick'),
    )
    .option('--name <name>', l10n.t('name of the models that come out'))
    .option('--seed <number>', l10n.t('the same seed and data give the same models'), numberOption('--seed'), 0)
    .option('--json', l10n.t('the result as one JSON object'))
    .action((path: string, flags: Flags) => selfImprove(cli, path, flags));
}

async function selfImprove(cli: Cli, path: string, flags: Flags): Promise<void> {
  const start = performance.now();
  const written = await loadTemplate(cli, path);
  const template = await withReferences(cli, written, { local: true, allowEndpoint: [] });
  checkSelfImprovement(template);
  const sets = await questions(cli, template, flags);
  const model = await cli.models.reference(modelOf(template, flags.model).id);
  if (model.adapter !== undefined)
    throw new HumanError(l10n.t('Self-improvement starts from a base model. Choose the one that this was tuned from.'));
  const { parameters } = await cli.inference.load({ base: model.base });
  const settings = fit(sftPresets[flags.preset], parameters);
  const { seed, mode, rounds, samples, agreement, perQuestion, temperature } = flags;
  const shown = (round: SelfImprovementRound): void => cli.note(roundText(round, mode));
  const result = await improve(
    { template, mode, ...sets, rounds, samples, agreement, perQuestion, temperature, seed },
    {
      ask: async adapter =>
        cli.dispatcher.ask(await cli.models.get(adapter === undefined ? model.id : `local:${basename(adapter)}`)),
      train: (examples, round) => tune(cli, { ...flags, model, settings, round }, examples),
      match: (...call) => cli.evaluator.match(...call),
      signal: cli.signal,
      progress: message => cli.note(`${Math.round((performance.now() - start) / 1000)} s  ${message}`),
      onRound: shown,
    },
  );
  cli.out(flags.json ? `${JSON.stringify(result)}\n` : resultText(result));
}

interface Tuning extends Omit<Flags, 'model'> {
  readonly model: ModelReference;
  readonly settings: SftSettings;
  readonly round: number;
}

async function tune(
  cli: Cli,
  { model, settings, round, name, seed }: Tuning,
  examples: Parameters<typeof newSftJob>[0]['examples'],
): Promise<string> {
  // The model's memory is the job's now.
  await cli.inference.stop();
  const wanted = `${name ?? `${model.id.replace(/^.*[:/\\]/, '')}-self`}-${round}`;
  const made = await newSftJob({ layout: cli.layout, name: wanted, model, seed, examples, settings });
  const job = await earlierSame(cli.layout, cli.supervisor, made);
  const { status } = await job.status();
  const result = status === 'succeeded' ? await job.result() : undefined;
  return (result ?? (await runJob(cli, cli.supervisor, job))).adapter;
}

type Sets = Record<'practice' | 'deciding' | 'reporting', Question[]>;

/** The rows, each input once, divided by the seed: to practise on, and the rest in halves that decide and report. */
async function questions(cli: Cli, template: Template, flags: Flags): Promise<Sets> {
  const { expected: column } = template.tunesmith;
  if (column === undefined)
    throw new HumanError(
      l10n.t(
        'To see whether it helps it must be known which answers are right. Add “expected” under metadata.tunesmith.',
      ),
      { place: { file: template.file } },
    );
  const file = flags.data === undefined ? undefined : resolve(cli.terminal.cwd, flags.data);
  const rows = file === undefined ? await rowsOf(cli, template) : await readDataFile(file);
  const { kept } = withoutDuplicates(template, rows, new Set());
  const bad = kept.find(({ values }) => values[column] === undefined);
  if (bad)
    throw new HumanError(l10n.t('This row has no “{0}”, which says what is right.', column), {
      place: { file: file ?? template.tunesmith.rows, line: bad.line },
    });
  const order = Rng.seeded(flags.seed).stream('self-improvement').shuffled(kept);
  const practice = Math.round(order.length * flags.practice);
  const deciding = Math.ceil((order.length - practice) / 2);
  const reporting = order.length - practice - deciding;
  if (Math.min(practice, deciding, reporting) < fewest)
    throw new HumanError(
      l10n.t(
        'Of {0} different questions {1} are to practise on, {2} to decide and {3} to report; each needs {4}. Give more with --data.',
        order.length,
        practice,
        deciding,
        reporting,
        fewest,
      ),
    );
  const bank = await guardedBank(cli, template, kept);
  const said = new Set<string>();
  const render = async (part: readonly DataRow[]): Promise<Question[]> => {
    const prompts = await renderColumn(cli, template, part, bank ? { bank } : {}, said);
    const bare = flags.forgetExamples
      ? await renderColumn(cli, withoutShots(template), part, bank ? { bank } : {}, said)
      : prompts;
    return part.map(({ values }, i) => ({ prompt: prompts[i]!, bare: bare[i]!, expected: values[column] }));
  };
  return {
    practice: await render(order.slice(0, practice)),
    deciding: await render(order.slice(practice, practice + deciding)),
    reporting: await render(order.slice(practice + deciding)),
  };
}

const withoutShots = (template: Template): Template => {
  const { examples } = template.tunesmith;
  return examples
    ? { ...template, tunesmith: { ...template.tunesmith, examples: { ...examples, shots: 0 } } }
    : template;
};

const figures = (interval: Interval): string =>
  `${percent(interval.estimate)} (95 % ${range(interval)}, n = ${interval.n})`;

function roundText(
  { round, questions, examples, labelAccuracy, accuracy, versusBest, ...made }: SelfImprovementRound,
  mode: SelfImprovementMode,
): string {
  const { gained, lost, midP } = versusBest;
  return [
    l10n.t('Round {0}: {1} examples of {2} questions', round, examples, questions),
    ...(mode === 'majority' ? [l10n.t('the majority was right in {0}', figures(labelAccuracy))] : []),
    l10n.t('right on held-out questions: {0}', figures(accuracy)),
    l10n.t(
      '{0} gained, {1} lost, p = {2}: {3}',
      gained,
      lost,
      midP.toFixed(3),
      made.helped ? l10n.t('it helped') : l10n.t('it did not help'),
    ),
  ].join('; ');
}

function resultText({ start, rounds, stopped, best, adapter, report }: SelfImprovementResult): string {
  const why = {
    'no-gain': l10n.t('Stopped: the last round did not help.'),
    rounds: l10n.t('Stopped after {0} rounds.', rounds.length),
    'nothing-to-learn': l10n.t('Stopped: no reasoning agreed, so that there was nothing to learn.'),
  }[stopped];
  const lines = [l10n.t('Base, on the deciding questions: {0}', figures(start)), why];
  if (!report) lines.push(l10n.t('The base stays the best model.'));
  else {
    const { difference, midP } = report.versus;
    lines.push(
      l10n.t('On questions that decided nothing: {0} before, {1} after', figures(report.before), figures(report.after)),
      l10n.t(
        'Difference: {0} points (95 % {1}), p = {2}',
        (100 * difference.estimate).toFixed(1),
        range(difference),
        midP.toFixed(3),
      ),
      l10n.t('Best: round {0}, model {1}', best, adapter ?? ''),
    );
  }
  return `${lines.join('\n')}\n`;
}
