/** `tunesmith self-improve`: a model learns from its own reasoning that agrees, round by round, until that no longer helps. */
import { basename, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import { fit, type PresetName, PresetNames, sftPresets } from '../../core/jobs/presets.ts';
import {
  checkSelfImprovement,
  improve,
  type SelfImprovementMode,
  SelfImprovementModes,
  type SelfImprovementRound,
} from '../../core/jobs/selfImprovement.ts';
import { type QuestionSets, questionSets } from '../../core/jobs/selfImprovementQuestions.ts';
import { resultLines, roundText } from '../../core/jobs/selfImprovementText.ts';
import type { Template } from '../../core/prompts/template.ts';
import { tuneRound } from '../../jobs/selfImprovementJob.ts';
import type { JobFolder } from '../../storage/jobFolder.ts';
import { readDataFile } from '../../storage/templateFiles.ts';
import { type Cli, numberOption } from '../cli.ts';
import { guardedBank, renderColumn } from '../experiments.ts';
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
      train: async (examples, round) => {
        // The model's memory is the job's now.
        await cli.inference.stop();
        const { layout, supervisor } = cli;
        const run = (job: JobFolder) => runJob(cli, supervisor, job);
        return tuneRound({
          layout,
          backend: supervisor,
          name: flags.name,
          model,
          seed,
          settings,
          examples,
          round,
          run,
        });
      },
      match: (...call) => cli.evaluator.match(...call),
      signal: cli.signal,
      progress: message => cli.note(`${Math.round((performance.now() - start) / 1000)} s  ${message}`),
      onRound: shown,
    },
  );
  cli.out(flags.json ? `${JSON.stringify(result)}\n` : `${resultLines(result).join('\n')}\n`);
}

/** The rows of the template or of `--data`, rendered. */
async function questions(cli: Cli, template: Template, flags: Flags): Promise<QuestionSets> {
  const file = flags.data === undefined ? undefined : resolve(cli.terminal.cwd, flags.data);
  const rows = file === undefined ? await rowsOf(cli, template) : await readDataFile(file);
  const said = new Set<string>();
  let bank: ReturnType<typeof guardedBank> | undefined;
  return questionSets(template, rows, {
    ...flags,
    file,
    render: async (form, part, kept) => {
      bank ??= guardedBank(cli, template, kept);
      const guarded = await bank;
      return renderColumn(cli, form, part, guarded ? { bank: guarded } : {}, said);
    },
  });
}
