/** `tunesmith preferences`: what the judgements of a workspace say, and the care of their journal. */
import type { Command } from 'commander';
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import { agreement, annotatorFigures } from '../../core/preferences/annotators.ts';
import { comparisonsOf } from '../../core/preferences/comparisons.ts';
import { leaderboard } from '../../core/preferences/leaderboard.ts';
import type { Interval } from '../../core/statistics/intervals.ts';
import { compactJournal } from '../../storage/compactJournal.ts';
import { type Cli, numberOption, printable } from '../cli.ts';

interface FigureOptions {
  readonly set?: string;
  readonly seed: number;
  readonly repeats: number;
  readonly styleControl?: boolean;
  readonly json?: boolean;
}

export function registerPreferences(program: Command, cli: Cli): void {
  const preferences = program
    .command('preferences')
    .alias('prefs')
    .description(l10n.t('leaderboard, agreement and biases from judgements; compaction of the journal'));
  const figures = (name: string, description: string): Command =>
    preferences
      .command(name)
      .description(description)
      .option('--set <name>', l10n.t('only this set of items'))
      .option('--seed <number>', l10n.t('of the bootstrap (default: 0)'), numberOption('--seed'), 0)
      .option('--repeats <number>', l10n.t('resamples of the bootstrap'), numberOption('--repeats', { min: 1 }), 1000)
      .option('--json', l10n.t('print one JSON object'));
  figures('leaderboard', l10n.t('rate the models whose answers were judged'))
    .option('--style-control', l10n.t('take the length of answers out of the ratings'))
    .action((options: FigureOptions) => printLeaderboard(cli, options));
  figures('stats', l10n.t('agreement between annotators, and the consistency and biases of each')).action(
    (options: FigureOptions) => printStatistics(cli, options),
  );
  preferences
    .command('compact')
    .description(l10n.t('make one file of your own closed journal files; no record is lost'))
    .option('--author <name>', l10n.t('whose files (default: your user name)'))
    .option('--json', l10n.t('print one JSON object'))
    .action((options: { author?: string; json?: boolean }) => compact(cli, options));
}

async function judged(cli: Cli, set: string | undefined) {
  const journal = await cli.journal();
  for (const { file, line, message } of journal.problems) cli.note(`${file}:${line}: ${message}`);
  const { itemById, judgements, repeats } = journal.state;
  const inSet = (item: string): boolean => set === undefined || itemById.get(item)?.set === set;
  const kept = judgements.filter(({ item }) => inSet(item));
  if (kept.length === 0)
    throw new HumanError(
      l10n.t('There are no judgements here. Rank some answers with “tunesmith rank”, or name another --set.'),
    );
  return { itemById, judgements: kept, repeats: repeats.filter(([{ item }]) => inSet(item)) };
}

async function printLeaderboard(cli: Cli, options: FigureOptions): Promise<void> {
  const { itemById, judgements } = await judged(cli, options.set);
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
  const { itemById, judgements, repeats } = await judged(cli, options.set);
  const between = agreement(comparisonsOf(judgements, itemById), options);
  const annotators = annotatorFigures(judgements, repeats, itemById, options);
  if (options.json) return cli.out(`${JSON.stringify({ agreement: between, annotators })}\n`);
  if (between.units === 0) cli.out(`${l10n.t('No two annotators judged the same answers.')}\n`);
  else
    cli.out(
      `${l10n.t('Agreement on {0} pairs of answers: {1}, Krippendorff’s alpha {2}', between.units, percent(between.raw), inWords(between.alpha))}\n`,
    );
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

async function compact(cli: Cli, options: { readonly author?: string; readonly json?: boolean }): Promise<void> {
  const { author } = await cli.journal(options.author);
  const done = await compactJournal(cli.layout, author);
  if (options.json) cli.out(`${JSON.stringify(done)}\n`);
  else if (done.files === 0)
    cli.note(l10n.t('There is nothing to compact: fewer than two closed files of {0}.', author));
  else
    cli.note(
      l10n.t(
        '{0} files became one with {1} records ({2} → {3} bytes).',
        done.files,
        done.records,
        done.bytesBefore,
        done.bytesAfter,
      ),
    );
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const inWords = ({ estimate, low, high }: Interval, digits = 3): string =>
  `${estimate.toFixed(digits)} (${low.toFixed(digits)}–${high.toFixed(digits)})`;
