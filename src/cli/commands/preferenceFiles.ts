/** `tunesmith prefs import | export | check | next`: preference data in and out, what is wrong with it, and what to judge next. */
import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import type { Loss } from '../../core/preferences/exchange/exchange.ts';
import { type ExchangeFormatName, exchangeFormatNames } from '../../core/preferences/exchange/formatNames.ts';
import { doomedItems, type FindingKind, fixableFindings, leakOf } from '../../core/preferences/findings.ts';
import type { HygieneReport } from '../../core/preferences/hygiene.ts';
import { learnable } from '../../core/preferences/judgeChoice.ts';
import { type NextMode, NextModes, type NextReason, nextItems } from '../../core/preferences/nextItems.ts';
import { apartText } from '../../core/preferences/nextWords.ts';
import { parseSplits, type Split } from '../../core/preferences/splits.ts';
import { checkPreferences, exportPreferences } from '../../storage/exchange/exportPreferences.ts';
import { importPreferences } from '../../storage/exchange/importPreferences.ts';
import type { PreferenceJournal } from '../../storage/preferenceJournal.ts';
import { readRankingProject } from '../../storage/rankingFiles.ts';
import { type Cli, numberOption, printable } from '../cli.ts';
import { checkJudges, type JudgeFlags, withJudgeFlags } from '../judgeFlags.ts';
import { rewardsOf } from '../rewards.ts';

export function registerPreferenceFiles(preferences: Command, cli: Cli): void {
  const formats = () => new Option('--format <name>', l10n.t('format of the file')).choices(exchangeFormatNames);
  const set = () => new Option('--set <name>', l10n.t('only this set of items'));
  const splits = () => new Option('--splits <shares>', l10n.t('split by prompt, e.g. train=0.9,test=0.1'));
  const json = () => new Option('--json', l10n.t('print one JSON object'));
  preferences
    .command('import <file>')
    .description(l10n.t('take in judgements from JSON Lines, CSV or Parquet'))
    .addOption(formats())
    .option('--set <name>', l10n.t('name of the set (default: the file’s name)'))
    .addOption(json())
    .action((file: string, options: ImportOptions) => importFile(cli, file, options));
  withJudgeFlags(preferences.command('export <file>'), { checked: true })
    .description(l10n.t('write standing judgements for training, with a datasheet'))
    .addOption(formats())
    .addOption(set())
    .addOption(splits())
    .option('--redact', l10n.t('write the kind of each key, token and personal datum in its place'))
    .option('--force', l10n.t('write also when the file exists'))
    .option('--allow-leaks', l10n.t('write also when prompts are shared between splits or secrets were found'))
    .addOption(json())
    .action((file: string, options: ExportCliOptions) => exportFile(cli, file, options));
  preferences
    .command('check')
    .description(l10n.t('duplicates, contradictions, leaks, personal data and lengths'))
    .addOption(set())
    .addOption(splits())
    .option(
      '--max-tokens <number>',
      l10n.t('of prompt and answer together, estimated'),
      numberOption('--max-tokens', { min: 1 }),
    )
    .option(
      '--threshold <number>',
      l10n.t('similarity of near duplicates, 0 to 1'),
      numberOption('--threshold', { min: 0, max: 1, whole: false }),
    )
    .addOption(new Option('--fix <kinds...>', l10n.t('take down what was found')).choices(fixableFindings))
    .addOption(json())
    .action((options: CheckOptions) => check(cli, options));
  preferences
    .command('next')
    .description(l10n.t('the items whose judgement would teach the most'))
    .addOption(set())
    .option('--author <name>', l10n.t('who judges (default: your user name)'))
    .addOption(
      new Option('--mode <mode>', l10n.t('how to choose (default: as the project says, else mixed)')).choices(
        NextModes,
      ),
    )
    .option('--reward-model <name>', l10n.t('of mode margin: which reward model (default: the newest)'))
    .option('--count <number>', l10n.t('how many'), numberOption('--count', { min: 1, max: 1000 }), 10)
    .addOption(json())
    .action((options: NextCliOptions) => next(cli, options));
}

interface ImportOptions {
  readonly format?: ExchangeFormatName;
  readonly set?: string;
  readonly json?: boolean;
}

async function importFile(cli: Cli, file: string, { json, ...options }: ImportOptions): Promise<void> {
  const path = resolve(cli.terminal.cwd, file);
  if (!(await exists(path))) throw new HumanError(l10n.t('There is no such file.'), { place: { file } });
  const journal = await open(cli);
  try {
    const report = await importPreferences(journal, path, {
      ...options,
      signal: cli.signal,
      onProgress: rows => cli.progress(l10n.t('{0} rows', rows)),
    });
    cli.progress('');
    for (const { line, message } of report.problems) cli.note(`${file}:${line}: ${message}`);
    if (report.wrong > report.problems.length)
      cli.note(l10n.t('… and {0} more', report.wrong - report.problems.length));
    if (json) cli.out(`${JSON.stringify(report)}\n`);
    else {
      cli.note(
        l10n.t(
          '{0} rows of format {1}: {2} judgements in the set “{3}”.',
          report.rows,
          report.format,
          report.judgements,
          report.set,
        ),
      );
      if (report.known > 0) cli.note(l10n.t('{0} rows say what was known already.', report.known));
      if (report.identical > 0)
        cli.note(l10n.t('{0} rows have answers with the same text: left out.', report.identical));
      if (report.wrong > 0) cli.note(l10n.t('{0} rows could not be read.', report.wrong));
      sayLost(cli, report.lost);
    }
    if (report.wrong > 0 && report.judgements + report.known + report.identical === 0) cli.exitCode = 1;
  } finally {
    await journal.close();
  }
}

interface ExportCliOptions extends JudgeFlags {
  readonly format?: ExchangeFormatName;
  readonly set?: string;
  readonly splits?: string;
  readonly redact?: boolean;
  readonly force?: boolean;
  readonly allowLeaks?: boolean;
  readonly json?: boolean;
}

async function exportFile(cli: Cli, file: string, options: ExportCliOptions): Promise<void> {
  const path = resolve(cli.terminal.cwd, file);
  const format = options.format ?? (/\.csv$/i.test(file) ? 'csv' : /\.parquet$/i.test(file) ? 'parquet' : 'trl');
  const splits = options.splits === undefined ? undefined : parseSplits(options.splits);
  if (!options.force && !splits && (await exists(path)))
    throw new HumanError(l10n.t('This file exists. Name another one, or write over it with --force.'), {
      place: { file },
    });
  const journal = await open(cli);
  try {
    const { state } = journal;
    if (state.judgementCount === 0)
      throw new HumanError(
        l10n.t('There are no judgements here. Rank some answers with “tunesmith rank”, or name another --set.'),
      );
    const filter = checkJudges(cli, state, options, options.set);
    if (learnable(state, filter).next().done)
      throw new HumanError(
        l10n.t(
          'There are no judgements of people here. Rank some answers, or take in those of judges with --judges include.',
        ),
      );
    if (!options.allowLeaks) {
      const found = checkPreferences(state, { set: options.set, splits, filter, redact: options.redact });
      refuseLeaks(found);
      sayNearSkipped(cli, found);
    }
    const report = await exportPreferences(state, path, {
      format,
      set: options.set,
      splits,
      filter,
      redact: options.redact,
      signal: cli.signal,
    });
    if (options.json) cli.out(`${JSON.stringify(report)}\n`);
    else {
      for (const { path: written, rows } of report.files) cli.note(l10n.t('{0}: {1} rows', basename(written), rows));
      cli.note(l10n.t('Datasheet: {0}', basename(report.datasheet)));
      sayLost(cli, report.lost);
    }
  } finally {
    await journal.close();
  }
}

function refuseLeaks(report: HygieneReport): void {
  const leak = leakOf(report);
  if (leak?.kind === 'split-leaks')
    throw new HumanError(
      l10n.t(
        '{0} prompts stand nearly alike in two splits, so that a test would measure memory. “tunesmith prefs check” lists them; take one of each down, or use --allow-leaks.',
        leak.count,
      ),
    );
  if (leak?.kind === 'secrets')
    throw new HumanError(
      l10n.t(
        '{0} items hold what looks like a key or a token. “tunesmith prefs check” lists them; take them down with --fix secrets, replace them with --redact, or use --allow-leaks.',
        leak.count,
      ),
    );
}

function sayNearSkipped(cli: Cli, { nearSkipped }: HygieneReport): void {
  if (nearSkipped) cli.note(l10n.t('There are too many prompts to look for near duplicates.'));
}

interface CheckOptions {
  readonly set?: string;
  readonly splits?: string;
  readonly maxTokens?: number;
  readonly threshold?: number;
  readonly fix?: readonly FindingKind[];
  readonly json?: boolean;
}

async function check(cli: Cli, options: CheckOptions): Promise<void> {
  const journal = await open(cli);
  try {
    const splits: Split[] | undefined = options.splits === undefined ? undefined : parseSplits(options.splits);
    const report = checkPreferences(journal.state, { ...options, splits, filter: { judges: 'include' } });
    const doomed = new Set<string>();
    for (const finding of report.findings)
      if (options.fix?.includes(finding.kind)) for (const item of doomedItems(finding)) doomed.add(item);
    await journal.delete(...doomed);
    if (options.json) cli.out(`${JSON.stringify({ ...report, takenDown: [...doomed] })}\n`);
    else printCheck(cli, report, doomed.size);
    // A long answer may well be right.
    const faults = report.findings.some(({ kind }) => kind !== 'length-outliers');
    if (faults && doomed.size === 0) cli.exitCode = 1;
  } finally {
    await journal.close();
  }
}

function printCheck(cli: Cli, report: HygieneReport, takenDown: number): void {
  for (const [kind, count] of Object.entries(report.counts)) {
    cli.out(`${l10n.t('{0}: {1}', findingWords()[kind as FindingKind], count)}\n`);
    for (const { items, detail } of report.findings.filter(finding => finding.kind === kind).slice(0, 5))
      cli.out(`  ${items.join(' ')}  ${printable(detail)}\n`);
  }
  const { prompts, answers } = report.lengths;
  cli.out(
    `${l10n.t('{0} items, {1} judgements; median length of prompts {2}, of answers {3} characters, longest {4}', report.items, report.judgements, prompts.median, answers.median, answers.longest)}\n`,
  );
  sayNearSkipped(cli, report);
  if (takenDown > 0) cli.note(l10n.t('{0} items were taken down.', takenDown));
}

const findingWords = (): Readonly<Record<FindingKind, string>> => ({
  'identical-answers': l10n.t('Answers with the same text'),
  'duplicate-items': l10n.t('The same prompt and answers twice'),
  'near-duplicate-prompts': l10n.t('Prompts that are nearly the same'),
  contradictions: l10n.t('One annotator said both ways'),
  cycles: l10n.t('Preferences that go round'),
  'split-leaks': l10n.t('Prompts shared between splits'),
  secrets: l10n.t('Keys and tokens'),
  'personal-data': l10n.t('Personal data'),
  'too-long': l10n.t('Longer than the limit of tokens'),
  'length-outliers': l10n.t('Answers far longer than the others'),
});

interface NextCliOptions {
  readonly set?: string;
  readonly author?: string;
  readonly mode?: NextMode;
  readonly rewardModel?: string;
  readonly count: number;
  readonly json?: boolean;
}

async function next(cli: Cli, options: NextCliOptions): Promise<void> {
  const journal = await open(cli, options.author);
  const { state, author } = journal;
  try {
    const { project, problem } = await readRankingProject(cli.layout);
    if (problem) cli.note(problem.describe());
    const { set, rewardModel: model } = options;
    const mode = options.mode ?? project.of(set ?? '').next;
    if (model !== undefined && mode !== 'margin')
      throw new HumanError(l10n.t('--reward-model chooses nothing but in --mode margin.'));
    const found = nextItems(state, {
      set,
      count: options.count,
      mode,
      rewards: mode === 'margin' ? await rewardsOf(cli, journal, project, { set, model }) : undefined,
      author,
      kindOf: set => project.of(set).kind,
      sharingOf: set => project.of(set).sharing,
    });
    if (found.length === 0) cli.note(l10n.t('Everything is judged.'));
    for (const { item: id, score, reason } of found) {
      const item = state.itemById.get(id);
      if (!item) continue;
      if (options.json) cli.out(`${JSON.stringify({ item: id, set: item.set, score, reason })}\n`);
      else {
        const prompt = item.messages.at(-1)?.content.replace(/\s+/g, ' ').slice(0, 60) ?? '';
        cli.out(`${item.id}  ${printable(prompt)}  – ${printable(reasonWords(reason))}\n`);
      }
    }
  } finally {
    await journal.close();
  }
}

function reasonWords(reason: NextReason): string {
  switch (reason.kind) {
    case 'open':
      return l10n.t('{0} and {1} are about equal so far', ...reason.models);
    case 'unsure':
      return l10n.t('little is known of answers like these of {0} and {1}', ...reason.models);
    case 'new-prompt':
      return l10n.t('nobody has judged this prompt');
    case 'few-judgements':
      return l10n.t('judged {0} times so far', reason.judgements);
    case 'margin':
      return reason.margin < 1
        ? l10n.t('the reward model is unsure: {0} apart', apartText(reason.margin))
        : l10n.t('the reward model puts two answers {0} apart', apartText(reason.margin));
    case 'unscored':
      return l10n.t('the reward model has not read it');
    case 'random':
      return l10n.t('in random order');
    case 'order':
      return l10n.t('in order');
  }
}

async function open(cli: Cli, author?: string): Promise<PreferenceJournal> {
  const journal = await cli.journal(author);
  for (const { file, line, message } of journal.problems) cli.note(`${file}:${line}: ${message}`);
  return journal;
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

function sayLost(cli: Cli, lost: Readonly<Partial<Record<Loss, number>>>): void {
  const words = lossWords();
  const parts = Object.entries(lost).map(([loss, count]) => `${words[loss as Loss]} (${count})`);
  if (parts.length > 0) cli.note(l10n.t('Not kept: {0}.', parts.join(', ')));
}

const lossWords = (): Readonly<Record<Loss, string>> => ({
  ties: l10n.t('ties'),
  'all-bad': l10n.t('“all bad”'),
  skipped: l10n.t('skipped items'),
  annotators: l10n.t('names of annotators'),
  models: l10n.t('names of models'),
  flags: l10n.t('flags'),
  notes: l10n.t('notes'),
  highlights: l10n.t('highlights'),
  times: l10n.t('times taken'),
  'order shown': l10n.t('the order shown'),
  rankings: l10n.t('rankings as a whole (their pairs are)'),
  'middle answers': l10n.t('answers in the middle'),
  ratings: l10n.t('ratings'),
  'both orders': l10n.t('verdicts of both orders'),
  roles: l10n.t('prompts whose messages do not fit'),
  margins: l10n.t('margins'),
  'other fields': l10n.t('other fields'),
  'lone answers': l10n.t('answers with nothing to compare'),
  'multi-turn answers': l10n.t('all but the last message of an answer'),
  uncompared: l10n.t('answers that were not compared'),
});
