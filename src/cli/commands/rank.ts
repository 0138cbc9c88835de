/** `tunesmith rank`: ranks answers in the terminal, blind and shuffled, with the keys of the Ranking view. */
import type { Command } from 'commander';
import { HumanError, isHumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import type { JudgementKind } from '../../core/preferences/judgement.ts';
import { NextPlanner } from '../../core/preferences/nextItems.ts';
import { RankingDesk } from '../../core/preferences/rankingDesk.ts';
import type { Screen } from '../../core/preferences/rankingScreen.ts';
import { chooseSet } from '../../core/preferences/rankingSession.ts';
import type { RankingProject, RankingSettings } from '../../core/preferences/rankingSettings.ts';
import type { Rewards } from '../../core/preferences/rewardMargins.ts';
import type { PreferenceJournal } from '../../storage/preferenceJournal.ts';
import { type Guidelines, readGuidelines, readRankingProject } from '../../storage/rankingFiles.ts';
import { type Cli, numberOption, printable } from '../cli.ts';
import { type Key, readKeys } from '../keys.ts';
import { rewardsOf } from '../rewards.ts';

interface RankOptions {
  readonly set?: string;
  readonly author?: string;
  readonly limit?: number;
  readonly sets?: boolean;
  readonly json?: boolean;
}

export function registerRank(program: Command, cli: Cli): void {
  program
    .command('rank')
    .description(l10n.t('rank answers that were put up for ranking (tunesmith run … --rank, or in the editor)'))
    .option('--set <name>', l10n.t('which set (default: the newest with work left)'))
    .option('--author <name>', l10n.t('who judges (default: your user name)'))
    .option('--limit <number>', l10n.t('stop after that many judgements'), numberOption('--limit', { min: 1 }))
    .option('--sets', l10n.t('list the sets and stop'))
    .option('--json', l10n.t('print each judgement as JSON'))
    .action((options: RankOptions) => rank(cli, options));
}

async function rank(cli: Cli, options: RankOptions): Promise<void> {
  const journal = await cli.journal(options.author);
  for (const { file, line, message } of journal.problems) cli.note(`${file}:${line}: ${message}`);
  const { project, problem } = await readRankingProject(cli.layout);
  if (problem) cli.note(problem.describe());
  const sets = journal.state.progress(journal.author, name => project.of(name).sharing);
  if (options.sets) {
    for (const { name, judged, total } of sets)
      cli.out(
        options.json ? `${JSON.stringify({ set: name, judged, total })}\n` : `${printable(name)}  ${judged}/${total}\n`,
      );
    return;
  }
  if (options.set !== undefined && !sets.some(({ name }) => name === options.set)) {
    const names = sets.map(({ name }) => name).join(', ') || '–';
    throw new HumanError(l10n.t('There is no set “{0}”. There are: {1}.', options.set, names));
  }
  const set = chooseSet(sets, options.set);
  if (set === undefined)
    throw new HumanError(
      l10n.t(
        'There is nothing to rank in {0}. Put answers up with “tunesmith run <template> --samples 4 --rank”.',
        cli.layout.root,
      ),
    );
  const session = new Session(cli, journal, project, set, options.json ?? false);
  try {
    await session.run(options.limit);
  } finally {
    await journal.close();
  }
}

/** Judgements after which the next items are chosen anew. */
const planned = 8;

type Shown = NonNullable<Screen['item']>;

/** One sitting at one set. The screen is stderr; stdout has the judgements. */
class Session {
  readonly #cli: Cli;
  readonly #journal: PreferenceJournal;
  readonly #project: RankingProject;
  readonly #json: boolean;
  readonly #desk = new RankingDesk();
  readonly #planner = new NextPlanner();
  #sincePlan = planned;
  /** Of mode `margin`. */
  #rewards: Rewards | undefined;
  /** The status stands on the last line, without a line break. */
  #lineOpen = false;

  constructor(cli: Cli, journal: PreferenceJournal, project: RankingProject, set: string, json: boolean) {
    this.#cli = cli;
    this.#journal = journal;
    this.#project = project;
    this.#json = json;
    this.#desk.set = set;
  }

  async run(limit = Number.POSITIVE_INFINITY): Promise<void> {
    const keys = readKeys(this.#cli.terminal.stdin, this.#cli.signal);
    const { set } = this.#desk;
    try {
      for (let judged = 0; judged < limit; ) {
        await this.#plan();
        const screen = this.#desk.show(this.#journal, this.#project, false);
        if (!screen.item) break;
        const outcome = await this.#judge(screen, screen.item, keys);
        if (outcome === 'stop') break;
        judged += outcome === 'judged' ? 1 : -1;
        judged = Math.max(0, judged);
      }
    } finally {
      await keys.return(undefined);
    }
    const progress = this.#journal.state.progress(this.#journal.author, name => this.#project.of(name).sharing);
    const { judged, total } = progress.find(({ name }) => name === set) ?? { judged: 0, total: 0 };
    this.#say(l10n.t('{0} of {1} judged. Every judgement is saved.', judged, total));
  }

  async #plan(): Promise<void> {
    const wish = this.#desk.wish(this.#journal, this.#project);
    if (!wish || (this.#sincePlan < planned && this.#desk.hasPlan(wish))) return;
    const { author, state } = this.#journal;
    if (wish.mode === 'margin') this.#rewards ??= await rewardsOf(this.#cli, this.#journal, this.#project, wish);
    const work = this.#planner.planning(state, {
      ...wish,
      author,
      rewards: this.#rewards,
      count: 3 * planned,
      kindOf: name => this.#project.of(name).kind,
      sharingOf: name => this.#project.of(name).sharing,
    });
    let step = work.next();
    while (!step.done) step = work.next();
    this.#desk.planned({ set: wish.set, mode: wish.mode, items: step.value });
    this.#sincePlan = 0;
  }

  /** Shows one item until it is judged, skipped, or the sitting ends. */
  async #judge(screen: Screen, item: Shown, keys: AsyncGenerator<Key>): Promise<'judged' | 'undone' | 'stop'> {
    const { settings } = screen;
    const guidelines = await readGuidelines(this.#cli.layout, settings.guidelines);
    let draft: Draft = { ranks: item.draft?.values ?? item.answers.map(() => null), focus: 0, last: null };
    let note = item.draft?.note ?? '';
    const started = performance.now();
    this.#show(screen, item, guidelines);
    for (;;) {
      this.#status(draft, item, settings, guidelines !== undefined);
      const next = await keys.next();
      if (next.done) return 'stop';
      const key = next.value;
      if (key === 'q' || key === 'interrupt') return 'stop';
      if (key === 'u') {
        if (await this.#undo()) return 'undone';
      } else if (key === 'n') note = await this.#readNote(keys, note);
      else if (key === 'g' && guidelines) this.#say(`\n${printable(guidelines.text)}`);
      else if (key === 's' || key === 'b' || key === 'enter') {
        const verdict = key === 's' ? 'skipped' : key === 'b' ? 'all-bad' : 'ranked';
        try {
          const judgement = this.#desk.judgement(this.#journal, this.#project, {
            item: item.id,
            verdict,
            shown: item.answers.map(({ id }) => id),
            values: draft.ranks,
            flags: item.draft?.flags ?? [],
            note,
            highlights: item.draft?.highlights ?? [],
            skipReason: null,
            guidelines: guidelines?.version ?? null,
            milliseconds: Math.round(performance.now() - started),
          });
          const record = await this.#journal.addJudgement(judgement);
          this.#desk.judged(record);
          this.#sincePlan++;
          if (this.#json) this.#cli.out(`${JSON.stringify(record)}\n`);
          return 'judged';
        } catch (error) {
          if (!isHumanError(error)) throw error;
          this.#say(error.message);
        }
      } else draft = press(draft, key, item.kind, settings.scale);
    }
  }

  async #undo(): Promise<boolean> {
    const last = this.#desk.lastOwn(this.#journal, this.#project);
    if (!last) {
      this.#say(l10n.t('There is nothing to take back.'));
      return false;
    }
    await this.#journal.delete(last.id);
    this.#desk.undone(last);
    return true;
  }

  async #readNote(keys: AsyncGenerator<Key>, before: string): Promise<string> {
    let note = before;
    for (;;) {
      this.#cli.terminal.stderr.write(`\r\x1b[2K${l10n.t('Note')}: ${printable(note)}`);
      const { done, value } = await keys.next();
      if (done || value === 'enter' || value === 'interrupt') break;
      if (value === 'backspace') note = note.slice(0, -1);
      else if ([...value].length === 1) note += value;
    }
    this.#cli.terminal.stderr.write('\n');
    return note.trim();
  }

  #show({ reason, lastGuidelines }: Screen, { messages, answers }: Shown, guidelines: Guidelines | undefined): void {
    const line = '─'.repeat(Math.min(this.#cli.terminal.stderr.columns ?? 80, 100));
    const prompt = messages.map(({ role, content }) => `${role}: ${content}`).join('\n');
    const texts = answers.map(({ text }, i) => `${letterOf(i)}  ${printable(text.trim()).replace(/\n/g, '\n   ')}`);
    const why = reason === null ? '' : `\n${printable(reason)}`;
    const edited = guidelines && lastGuidelines !== undefined && lastGuidelines !== guidelines.version;
    const notice = edited ? `\n${l10n.t('The guidelines were edited since your last judgement.')}` : '';
    this.#say(`\n${line}${why}${notice}\n${printable(prompt)}\n${line}\n${texts.join('\n\n')}\n`);
  }

  /** One line that changes in place on a terminal. */
  #status({ ranks, focus }: Draft, { kind }: Shown, { scale }: RankingSettings, hasGuidelines: boolean): void {
    const marks = ranks.map((rank, i) => `${i === focus ? '›' : ' '}${letterOf(i)} ${markOf(rank, kind)}`).join('  ');
    const keys = [
      decidingKeys(kind, ranks.length, scale),
      l10n.t(
        'b {0}  s skip  n note  u undo  Enter save  q quit',
        ranks.length === 2 ? l10n.t('both bad') : l10n.t('all bad'),
      ),
      ...(hasGuidelines ? [l10n.t('g guidelines')] : []),
    ].join('  ');
    const { stderr } = this.#cli.terminal;
    stderr.write(stderr.isTTY ? `\r\x1b[2K${marks}   ${keys}` : `${marks}   ${keys}\n`);
    this.#lineOpen = stderr.isTTY === true;
  }

  #say(text: string): void {
    this.#cli.terminal.stderr.write(`${this.#lineOpen ? '\n' : ''}${text}\n`);
    this.#lineOpen = false;
  }
}

export interface Draft {
  /** A value for each answer; core/preferences/decision.ts says what it means in each kind. */
  readonly ranks: readonly (number | null)[];
  readonly focus: number;
  /** Ranked last: what `t` ties with. */
  readonly last: number | null;
}

type Scale = Pick<RankingSettings['scale'], 'min' | 'max'>;

/** A key that changes the draft: a value for the answer in focus (which moves on), a tie with the one before, up and down. */
export function press(
  draft: Draft,
  key: Key,
  kind: JudgementKind = 'ranking',
  scale: Scale = { min: 1, max: 5 },
): Draft {
  const { ranks, focus, last } = draft;
  const count = ranks.length;
  if (key === 'up') return { ...draft, focus: Math.max(0, focus - 1) };
  if (key === 'down') return { ...draft, focus: Math.min(count - 1, focus + 1) };
  if (kind === 'best-worst') {
    const given = key === 'y' ? 1 : key === 'x' ? -1 : null;
    return given === null
      ? draft
      : { ranks: ranks.map((one, i) => (i === focus ? given : one === given ? null : one)), focus, last: focus };
  }
  if (kind === 'rating' || kind === 'accept-reject') {
    const given = kind === 'rating' ? ratingOf(key, scale) : key === 'y' ? 1 : key === 'x' ? 0 : null;
    return given === null ? draft : moveOn({ ranks: ranks.with(focus, given), focus, last: focus });
  }
  if (key === 't' && count === 2) return { ranks: [1, 1], focus, last: focus };
  const tied = last !== null && last !== focus ? last : focus - 1;
  const value = key === 't' ? (ranks[tied] ?? null) : /^[1-9]$/.test(key) ? Number(key) : null;
  if (value === null || value > count) return draft;
  // Of a pair, one rank says both.
  const ranked =
    count === 2
      ? ranks.map((_, i) => (i === focus ? value : 3 - value))
      : ranks.map((rank, i) => (i === focus ? value : rank));
  return moveOn({ ranks: ranked, focus, last: focus });
}

/** To the next answer without a value. */
function moveOn(draft: Draft): Draft {
  const { ranks, focus } = draft;
  const open = Array.from({ length: ranks.length - 1 }, (_, step) => (focus + 1 + step) % ranks.length);
  return { ...draft, focus: open.find(i => ranks[i] === null) ?? focus };
}

/** On a scale up to 10, 0 is the key of 10. */
function ratingOf(key: Key, { min, max }: Scale): number | null {
  if (!/^\d$/.test(key)) return null;
  const digit = Number(key);
  const rating = digit < min && digit + 10 <= max ? digit + 10 : digit;
  return rating >= min && rating <= max ? rating : null;
}

function markOf(value: number | null, kind: JudgementKind): string {
  if (value === null) return '·';
  if (kind === 'accept-reject') return value === 1 ? '✓' : '✗';
  if (kind === 'best-worst') return value === 1 ? '▲' : value === -1 ? '▼' : '·';
  return String(value);
}

function decidingKeys(kind: JudgementKind, answers: number, { min, max }: Scale): string {
  switch (kind) {
    case 'rating':
      return l10n.t('{0}–{1} rate', min, max);
    case 'accept-reject':
      return l10n.t('y accept  x reject');
    case 'best-worst':
      return l10n.t('y best  x worst');
    default:
      return l10n.t('1–{0} rank  t tie', answers);
  }
}

const letterOf = (position: number): string => String.fromCharCode(65 + position);
