/** `tunesmith judge`: a model with a rubric prompt judges answers, each two in both orders, in a journal of its own. */
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import { judgeByConstitution } from '../../core/constitution/rubrics.ts';
import { type Judge, makeJudge } from '../../core/preferences/judge.ts';
import { type JudgeScope, type JudgeWork, judgeWork } from '../../core/preferences/judgeItems.ts';
import { judgeReports } from '../../core/preferences/judgeReport.ts';
import { judgeReportLines } from '../../core/preferences/judgeReportText.ts';
import { countsText, type JudgeCounts, questionsOf, runJudge } from '../../core/preferences/judgeRun.ts';
import { takesGuidelines } from '../../core/preferences/judgeTemplate.ts';
import { builtInJudge, judgeFolder, rubrics } from '../../storage/judgeFiles.ts';
import type { PreferenceJournal } from '../../storage/preferenceJournal.ts';
import { hashOf } from '../../storage/runInputs.ts';
import { type Cli, numberOption } from '../cli.ts';
import { askOptions, collectWords } from '../experiments.ts';
import { type ForecastFlags, forecastOptions, sayForecast } from '../forecasts.ts';
import { bankOf, loadTemplate, modelOf, withReferences } from '../templates.ts';
import { readConstitution } from './constitution.ts';

interface JudgeCommand extends ForecastFlags {
  readonly model?: string;
  readonly set?: string;
  readonly items?: readonly string[];
  readonly all?: boolean;
  readonly overlap?: number;
  readonly likelihood?: boolean;
  readonly budget?: number;
  readonly author?: string;
  readonly constitution?: string;
  readonly seed: number;
  readonly allowEndpoint: readonly string[];
  readonly concurrency?: number;
  readonly retries?: number;
}

/** Items that people judged, where nothing else is said: first it must be known what the judge is worth. */
const usualOverlap = 50;

export function registerJudge(program: Command, cli: Cli): void {
  const command = program
    .command('judge')
    .argument(
      '[template]',
      l10n.t('a template that compares “answer_a” with “answer_b” (default: the one that comes with Tunesmith)'),
    )
    .description(l10n.t('let a model judge answers, each two in both orders, beside people'))
    .option('-m, --model <id>', l10n.t('who judges'))
    .option('--set <name>', l10n.t('only this set of items'))
    .option('--items <ids...>', l10n.t('these items'))
    .option('--all', l10n.t('all items'))
    .option(
      '--overlap <number>',
      l10n.t('so many items that people judged, to see how far it agrees (default: {0})', usualOverlap),
      numberOption('--overlap', { min: 1 }),
    )
    .option('--likelihood', l10n.t('compare the probabilities of “A” and “B” where the model tells them'))
    .option(
      '--budget <number>',
      l10n.t('questions at most; the rest is left for another time'),
      numberOption('--budget', { min: 2 }),
    )
    .option('--author <name>', l10n.t('in whose name it runs (default: your user name)'))
    .option(
      '--constitution <file>',
      l10n.t('judge each item by one drawn principle of a constitution instead of the guidelines'),
    )
    .option('--seed <number>', l10n.t('of drawing principles'), numberOption('--seed'), 0)
    .addOption(
      new Option('--allow-endpoint <origin>', l10n.t('a server that the template may send prompts to'))
        .argParser(collectWords)
        .default([]),
    );
  for (const option of [...askOptions(), ...forecastOptions()]) command.addOption(option);
  command
    .option('--json', l10n.t('print each judgement as JSON, and the report at the end'))
    .action((template: string | undefined, options: JudgeCommand) => judge(cli, template, options));
}

async function judge(cli: Cli, path: string | undefined, options: JudgeCommand): Promise<void> {
  const scope = scopeOf(options);
  const constitution =
    options.constitution === undefined ? undefined : await readConstitution(cli, options.constitution);
  const opened = await openJudge(cli, path ?? join(cli.root, builtInJudge), options);
  const byPrinciple = constitution && judgeByConstitution(opened, constitution, options.seed);
  const made = byPrinciple?.judge ?? opened;
  const journal = await cli.journal(options.author);
  try {
    for (const { file, line, message } of journal.problems) cli.note(`${file}:${line}: ${message}`);
    const rubricOf =
      byPrinciple?.rubricOf ?? (await rubrics(cli.layout, journal.state, takesGuidelines(made.prompts.template)));
    const { set, budget } = options;
    const work = judgeWork(journal.state, { scope, set, budget, id: made.id, author: journal.author, rubricOf });
    if (options.likelihood && made.reading === 'words')
      cli.note(
        l10n.t(
          'Verdicts are read from words: {0} tells no probabilities, or the template asks in several steps.',
          made.generator.model.label,
        ),
      );
    if (work.known > 0) cli.note(l10n.t('{0} items were judged by it before.', work.known));
    if (work.left > 0) cli.note(l10n.t('{0} items are left for another time: the budget ends.', work.left));
    if (await sayWork(cli, made, work, options)) return;
    const counts = work.tasks.length === 0 ? undefined : await run(cli, journal, made, work, options);
    report(cli, journal, made, options, counts);
    if (counts?.failure !== undefined && !cli.signal.aborted) throw counts.failure;
  } finally {
    await journal.close();
  }
}

function scopeOf({ items, all, overlap }: JudgeCommand): JudgeScope {
  if ([items, all, overlap].filter(one => one !== undefined).length > 1)
    throw new HumanError(l10n.t('Give one of --items, --all and --overlap.'));
  if (items) return { kind: 'items', ids: items };
  return all ? { kind: 'all' } : { kind: 'overlap', count: overlap ?? usualOverlap };
}

async function openJudge(cli: Cli, path: string, options: JudgeCommand): Promise<Judge> {
  const written = await loadTemplate(cli, path);
  const { id, byTemplate } = modelOf(written, options.model);
  const { allowEndpoint } = options;
  cli.allowOrigins(byTemplate ? allowEndpoint : [...allowEndpoint, id.split('|')[0]!]);
  const template = await withReferences(cli, written, { local: !/^https?:/i.test(id), allowEndpoint });
  return makeJudge({
    template,
    generator: await cli.models.get(id),
    render: cli.evaluator.render,
    bank: await bankOf(cli, template),
    likelihood: options.likelihood ?? false,
    hash: hashOf,
  });
}

/** Says what it will take; true where that alone was wanted. */
async function sayWork(cli: Cli, made: Judge, { tasks }: JudgeWork, options: JudgeCommand): Promise<boolean> {
  const questions = questionsOf(made, tasks);
  const { prompts, generator } = made;
  const plan = { template: prompts.template, generator, render: (row: number) => questions[row]!() };
  return sayForecast(cli, [plan], { rows: questions.length }, options);
}

async function run(
  cli: Cli,
  journal: PreferenceJournal,
  made: Judge,
  { tasks }: JudgeWork,
  options: JudgeCommand,
): Promise<JudgeCounts & { readonly failure?: unknown }> {
  const folder = judgeFolder(made);
  const counts = await runJudge(made, tasks, {
    ask: cli.dispatcher.ask(made.generator, options),
    match: (...call) => cli.evaluator.match(...call),
    signal: cli.signal,
    save: async judgement => {
      const [record] = await journal.addJudgements([judgement], { folder });
      if (options.json) cli.out(`${JSON.stringify(record)}\n`);
    },
    onProgress: ({ judged, total, flips }) => cli.progress(l10n.t('{0} of {1} items, {2} flips', judged, total, flips)),
  });
  cli.progress('');
  cli.note(countsText(counts));
  if (counts.judged < counts.total) cli.note(l10n.t('What was judged is kept. The same command goes on from here.'));
  return counts;
}

function report(
  cli: Cli,
  { state }: PreferenceJournal,
  { id }: Judge,
  { json, set }: JudgeCommand,
  counts?: JudgeCounts,
): void {
  const [found] = judgeReports(state, { set, only: name => name === id });
  if (!found) return;
  if (json) {
    const { failure: _, ...told } = { failure: undefined, ...counts };
    cli.out(`${JSON.stringify({ type: 'report', ...(counts && { run: told }), ...found })}\n`);
  } else cli.out(judgeReportLines(found));
}
