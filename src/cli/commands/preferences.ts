/** `tunesmith prefs`: what the judgements of a workspace say, and the care of their journal. */
import type { Command } from 'commander';
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import { agreement, annotatorFigures, annotatorOf } from '../../core/preferences/annotators.ts';
import { comparisonsOf } from '../../core/preferences/comparisons.ts';
import { Disagreements } from '../../core/preferences/disagreements.ts';
import type { JournalState } from '../../core/preferences/journalState.ts';
import { admits, type JudgeFilter } from '../../core/preferences/judgeChoice.ts';
import type { ItemRecord, JudgementRecord } from '../../core/preferences/judgement.ts';
import { judgeReports } from '../../core/preferences/judgeReport.ts';
import { judgeReportLines } from '../../core/preferences/judgeReportText.ts';
import { leaderboard } from '../../core/preferences/leaderboard.ts';
import type { Interval } from '../../core/statistics/intervals.ts';
import { compactJournal } from '../../storage/compactJournal.ts';
import { type Cli, numberOption, printable } from '../cli.ts';
import { checkJudges, filterOf, type JudgeFlags, withJudgeFlags } from '../judgeFlags.ts';
import { registerPreferenceFiles } from './preferenceFiles.ts';

interface FigureOptions extends JudgeFlags {
  readonly set?: string;
  readonly seed: number;
  readonly repeats: number;
  readonly styleControl?: boolean;
  readonly json?: boolean;
}

export function registerPreferences(program: Command, cli: Cli): void {
  const preferences = program
    .command('prefs')
    .alias('preferences')
    .description(l10n.t('judgements: import, export, check, what to judge next, leaderboard, agreement and biases'));
  registerPreferenceFiles(preferences, cli);
  const figures = (name: string, description: string): Command =>
    preferences
      .command(name)
      .description(description)
      .option('--set <name>', l10n.t('only this set of items'))
      .option('--seed <number>', l10n.t('of the bootstrap (default: 0)'), numberOption('--seed'), 0)
      .option('--repeats <number>', l10n.t('resamples of the bootstrap'), numberOption('--repeats', { min: 1 }), 1000)
      .option('--json', l10n.t('print one JSON object'));
  withJudgeFlags(figures('leaderboard', l10n.t('rate the models whose answers were judged')), { checked: true })
    .option('--style-control', l10n.t('take the length of answers out of the ratings'))
    .action((options: FigureOptions) => printLeaderboard(cli, options));
  withJudgeFlags(figures('stats', l10n.t('agreement between annotators, and the consistency and biases of each')), {
    checked: false,
  }).action((options: FigureOptions) => printStatistics(cli, options));
  figures(
    'judges',
    l10n.t('what model judges are worth: agreement with people, flips, biases of place and length'),
  ).action((options: FigureOptions) => printJudges(cli, options));
  preferences
    .command('disagreements')
    .description(l10n.t('items of which two people said opposite things, the most severe first'))
    .option('--set <name>', l10n.t('only this set of items'))
    .option('--all', l10n.t('also those that are settled'))
    .option('--json', l10n.t('print one JSON object for each'))
    .action((options: DisagreementOptions) => printDisagreements(cli, options));
  preferences
    .command('compact')
    .description(
      l10n.t('make one file of your own closed journal files, and one of each judge’s that you ran; no record is lost'),
    )
    .option('--author <name>', l10n.t('whose files (default: your user name)'))
    .option('--json', l10n.t('print one JSON object'))
    .action((options: { author?: string; json?: boolean }) => compact(cli, options));
}

async function openState(cli: Cli) {
  const journal = await cli.journal();
  for (const { file, line, message } of journal.problems) cli.note(`${file}:${line}: ${message}`);
  return journal.state;
}

/** `settled`: where an item was adjudicated, the adjudication alone. */
async function judged(
  cli: Cli,
  set: string | undefined,
  filterFor: (state: JournalState) => JudgeFilter,
  { settled = false } = {},
) {
  const state = await openState(cli);
  const filter = filterFor(state);
  const { itemById, repeats } = state;
  const judgements = settled ? [...state.eachDecisive()] : state.judgements;
  const inSet = (item: string): boolean => set === undefined || itemById.get(item)?.set === set;
  const kept = judgements.filter(judgement => admits(filter, judgement) && inSet(judgement.item));
  if (kept.length === 0)
    throw new HumanError(
      l10n.t('There are no judgements here. Rank some answers with “tunesmith rank”, or name another --set.'),
    );
  return {
    state,
    itemById,
    judgements: kept,
    repeats: repeats.filter(([before]) => admits(filter, before) && inSet(before.item)),
  };
}

async function printLeaderboard(cli: Cli, options: FigureOptions): Promise<void> {
  const { itemById, judgements } = await judged(
    cli,
    options.set,
    state => checkJudges(cli, state, options, options.set),
    { settled: true },
  );
  const board = leaderboard(comparisonsOf(judgements, itemById), {
    ...options,
    controlLength: options.styleControl ?? false,
  });
  if (board.games === 0)
    throw new HumanError(
      l10n.t('No judgement compares answers of two models. Put answers of several models up for ranking.'),
    );
  if (options.json) return cli.out(`${JSON.stringify(board)}\n`);
  const width = Math.max(...board.ratings.map(({ player }) => player.length));
  for (const [place, { player, rating, games, winRate }] of board.ratings.entries()) {
    const points = `${rating.estimate.toFixed(0)}  (${rating.low.toFixed(0)}–${rating.high.toFixed(0)})`;
    cli.out(
      `${place + 1}  ${printable(player).padEnd(width)}  ${points}  ${l10n.t('won {0} of {1}', percent(winRate), games)}\n`,
    );
  }
  if (board.lengthEffect)
    cli.note(l10n.t('One standard deviation of extra length is worth {0} points.', inWords(board.lengthEffect, 0)));
  if (!board.connected)
    cli.note(
      l10n.t(
        'Some models only won or only lost against the others: their ratings are held back and not to be trusted.',
      ),
    );
}

async function printStatistics(cli: Cli, options: FigureOptions): Promise<void> {
  const { state, itemById, judgements, repeats } = await judged(cli, options.set, () => filterOf(options));
  const between = agreement(comparisonsOf(judgements, itemById), options);
  const annotators = annotatorFigures(judgements, repeats, itemById, options);
  const disputed = new Disagreements().list(state, options.set);
  const disagreements = { open: disputed.filter(one => !one.settledBy).length, settled: 0 };
  disagreements.settled = disputed.length - disagreements.open;
  if (options.json) return cli.out(`${JSON.stringify({ agreement: between, disagreements, annotators })}\n`);
  if (between.units === 0) cli.out(`${l10n.t('No two annotators judged the same answers.')}\n`);
  else
    cli.out(
      `${l10n.t('Agreement on {0} pairs of answers: {1}, Krippendorff’s alpha {2}', between.units, percent(between.raw), inWords(between.alpha))}\n`,
    );
  if (disputed.length > 0)
    cli.out(`${l10n.t('Disagreements: {0} open, {1} settled', disagreements.open, disagreements.settled)}\n`);
  for (const one of annotators) {
    cli.out(`${printable(one.annotator)}: ${l10n.t('{0} judgements, {1} skipped', one.judgements, one.skipped)}\n`);
    const line = (name: string, figure: Interval): void => {
      if (figure.n > 0) cli.out(`  ${name}: ${inWords(figure)} (n = ${figure.n})\n`);
    };
    line(l10n.t('first shown wins'), one.firstShownWins);
    line(l10n.t('longer wins'), one.longerWins);
    line(l10n.t('same on repeats'), one.consistency);
  }
}

async function printJudges(cli: Cli, options: FigureOptions): Promise<void> {
  const reports = judgeReports(await openState(cli), options);
  if (options.json) return cli.out(`${JSON.stringify({ judges: reports })}\n`);
  if (reports.length === 0)
    throw new HumanError(l10n.t('No judge has judged anything here yet. “tunesmith judge --model …” asks one.'));
  cli.out(reports.map(report => printable(judgeReportLines(report))).join('\n'));
}

interface DisagreementOptions {
  readonly set?: string;
  readonly all?: boolean;
  readonly json?: boolean;
}

async function printDisagreements(cli: Cli, { set, all, json }: DisagreementOptions): Promise<void> {
  const state = await openState(cli);
  const found = new Disagreements().list(state, set);
  const shown = found.filter(({ settledBy }) => all || !settledBy);
  for (const { item: id, set: name, severity, judgements, settledBy } of shown) {
    const item = state.itemById.get(id);
    if (!item) continue;
    const said = judgements.map(one => ({ annotator: annotatorOf(one), ...verdictWords(one, item) }));
    const settled = settledBy && { by: settledBy.author, ...verdictWords(settledBy, item) };
    if (json) cli.out(`${JSON.stringify({ item: id, set: name, severity, said, ...(settled && { settled }) })}\n`);
    else {
      const prompt = item.messages.at(-1)?.content.replace(/\s+/g, ' ').slice(0, 60) ?? '';
      cli.out(`${id}  ${percent(severity)}  ${printable(prompt)}\n`);
      for (const { annotator, words } of said) cli.out(`  ${printable(annotator)}: ${words}\n`);
      if (settled) cli.out(`  ${l10n.t('settled by {0}: {1}', printable(settled.by), settled.words)}\n`);
    }
  }
  if (shown.length === 0) cli.note(l10n.t('There are no open disagreements.'));
  else if (!json)
    cli.note(
      l10n.t('Answers are numbered as they were put up. Settle them in the Ranking view: Review Disagreements.'),
    );
}

/** Groups of answers by their number from 1, the best first: `2 > 1 = 3`. */
function verdictWords({ verdict, ranking, kind, accepted }: JudgementRecord, item: ItemRecord) {
  const number = (id: string): number => 1 + item.answers.findIndex(answer => answer.id === id);
  const groups = ranking.map(group => group.map(number));
  if (verdict === 'all-bad') return { ranking: groups, words: l10n.t('all bad') };
  if (kind === 'accept-reject') {
    const names = (accepted ?? []).map(number);
    return { ranking: groups, words: l10n.t('accepted: {0}', names.join(', ') || '–') };
  }
  return { ranking: groups, words: groups.map(group => group.join(' = ')).join(' > ') };
}

async function compact(cli: Cli, options: { readonly author?: string; readonly json?: boolean }): Promise<void> {
  const { author } = await cli.journal(options.author);
  const done = await compactJournal(cli.layout, author);
  if (options.json) cli.out(`${JSON.stringify(done)}\n`);
  else if (done.files === 0)
    cli.note(l10n.t('There is nothing to compact: fewer than two closed files of {0}.', author));
  else
    cli.note(
      l10n.t(
        '{0} files became {1} with {2} records ({3} → {4} bytes).',
        done.files,
        done.becameFiles,
        done.records,
        done.bytesBefore,
        done.bytesAfter,
      ),
    );
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const inWords = ({ estimate, low, high }: Interval, digits = 3): string =>
  `${estimate.toFixed(digits)} (${low.toFixed(digits)}–${high.toFixed(digits)})`;
