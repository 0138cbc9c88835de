/** `tunesmith rank`: ranks answers in the terminal, blind and shuffled, with the keys of the Ranking view. */
import type { Command } from 'commander';
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import type { Answer, ItemRecord, JudgementRecord } from '../../core/preferences/judgement.ts';
import {
  chooseSet,
  nextItem,
  type Ranks,
  rankingOf,
  ranksOf,
  setProgress,
  shownAnswers,
  undoStack,
} from '../../core/preferences/rankingSession.ts';
import type { PreferenceJournal } from '../../storage/preferenceJournal.ts';
import { type Cli, numberOption, printable } from '../cli.ts';
import { type Key, readKeys } from '../keys.ts';

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
  const sets = setProgress(journal.state.items, journal.state.judgements, journal.author);
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
  const session = new Session(cli, journal, set, options.json ?? false);
  try {
    await session.run(options.limit);
  } finally {
    await journal.close();
  }
}

/** One sitting at one set. The screen is stderr; stdout has the judgements. */
class Session {
  readonly #cli: Cli;
  readonly #journal: PreferenceJournal;
  readonly #set: string;
  readonly #json: boolean;
  /** The status stands on the last line, without a line break. */
  #lineOpen = false;
  /** What undo took back: its item comes again with its ranks. */
  #reopened: JudgementRecord | undefined;

  constructor(cli: Cli, journal: PreferenceJournal, set: string, json: boolean) {
    this.#cli = cli;
    this.#journal = journal;
    this.#set = set;
    this.#json = json;
  }

  async run(limit = Number.POSITIVE_INFINITY): Promise<void> {
    const keys = readKeys(this.#cli.terminal.stdin, this.#cli.signal);
    try {
      for (let judged = 0; judged < limit; ) {
        const { items, judgements } = this.#journal.state;
        const item = nextItem(items, judgements, this.#journal.author, this.#set, this.#reopened?.item);
        if (!item) break;
        const outcome = await this.#judge(item, keys);
        if (outcome === 'stop') break;
        judged += outcome === 'judged' ? 1 : -1;
        judged = Math.max(0, judged);
      }
    } finally {
      await keys.return(undefined);
    }
    const progress = setProgress(this.#journal.state.items, this.#journal.state.judgements, this.#journal.author);
    const { judged, total } = progress.find(({ name }) => name === this.#set) ?? { judged: 0, total: 0 };
    this.#say(l10n.t('{0} of {1} judged. Every judgement is saved.', judged, total));
  }

  /** Shows one item until it is judged, skipped, or the sitting ends. */
  async #judge(item: ItemRecord, keys: AsyncGenerator<Key>): Promise<'judged' | 'undone' | 'stop'> {
    const shown = shownAnswers(item, this.#journal.author);
    const ids = shown.map(answer => answer.id);
    const before = this.#reopened?.item === item.id ? this.#reopened : undefined;
    let draft: Draft = { ranks: ranksOf(ids, before?.ranking ?? []), focus: 0, last: null };
    let note = before?.note ?? '';
    const started = performance.now();
    this.#show(item, shown);
    for (;;) {
      this.#status(draft);
      const next = await keys.next();
      if (next.done) return 'stop';
      const key = next.value;
      if (key === 'q' || key === 'interrupt') return 'stop';
      if (key === 'u') {
        if (await this.#undo()) return 'undone';
      } else if (key === 'n') note = await this.#readNote(keys, note);
      else if (key === 's' || key === 'b' || key === 'enter') {
        const verdict = key === 's' ? 'skipped' : key === 'b' ? 'all-bad' : 'ranked';
        const ranking = verdict === 'ranked' ? rankingOf(ids, draft.ranks) : [];
        if (!ranking) {
          this.#say(l10n.t('Give every answer a rank first.'));
          continue;
        }
        const milliseconds = Math.round(performance.now() - started);
        const judgement = {
          item: item.id,
          ranking,
          shown: ids,
          verdict,
          flags: before ? [...before.flags] : [],
          milliseconds,
        } as const;
        const record = await this.#journal.addJudgement({ ...judgement, ...(note ? { note } : {}) });
        this.#reopened = undefined;
        if (this.#json) this.#cli.out(`${JSON.stringify(record)}\n`);
        return 'judged';
      } else draft = press(draft, key);
    }
  }

  async #undo(): Promise<boolean> {
    const { items, judgements } = this.#journal.state;
    const last = undoStack(items, judgements, this.#journal.author, this.#set)[0];
    if (!last) {
      this.#say(l10n.t('There is nothing to take back.'));
      return false;
    }
    await this.#journal.delete(last.id);
    this.#reopened = last;
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

  #show(item: ItemRecord, shown: readonly Answer[]): void {
    const line = '─'.repeat(Math.min(this.#cli.terminal.stderr.columns ?? 80, 100));
    const prompt = item.messages.map(({ role, content }) => `${role}: ${content}`).join('\n');
    const answers = shown.map(({ text }, i) => `${letterOf(i)}  ${printable(text.trim()).replace(/\n/g, '\n   ')}`);
    this.#say(`\n${line}\n${printable(prompt)}\n${line}\n${answers.join('\n\n')}\n`);
  }

  /** One line that changes in place on a terminal. */
  #status({ ranks, focus }: Draft): void {
    const marks = ranks.map((rank, i) => `${i === focus ? '›' : ' '}${letterOf(i)} ${rank ?? '·'}`).join('  ');
    const keys = l10n.t(
      '1–{0} rank  t tie  b {1}  s skip  n note  u undo  Enter save  q quit',
      ranks.length,
      ranks.length === 2 ? l10n.t('both bad') : l10n.t('all bad'),
    );
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
  readonly ranks: Ranks;
  readonly focus: number;
  /** Ranked last: what `t` ties with. */
  readonly last: number | null;
}

/** A key that changes the draft: a rank for the answer in focus (which moves on), a tie with the one before, up and down. */
export function press(draft: Draft, key: Key): Draft {
  const { ranks, focus, last } = draft;
  const count = ranks.length;
  if (key === 'up') return { ...draft, focus: Math.max(0, focus - 1) };
  if (key === 'down') return { ...draft, focus: Math.min(count - 1, focus + 1) };
  if (key === 't' && count === 2) return { ranks: [1, 1], focus, last: focus };
  const tied = last !== null && last !== focus ? last : focus - 1;
  const value = key === 't' ? (ranks[tied] ?? null) : /^[1-9]$/.test(key) ? Number(key) : null;
  if (value === null || value > count) return draft;
  // Of a pair, one rank says both.
  const ranked =
    count === 2
      ? ranks.map((_, i) => (i === focus ? value : 3 - value))
      : ranks.map((rank, i) => (i === focus ? value : rank));
  const open = Array.from({ length: count - 1 }, (_, step) => (focus + 1 + step) % count).find(i => ranked[i] === null);
  return { ranks: ranked, focus: open ?? focus, last: focus };
}

const letterOf = (position: number): string => String.fromCharCode(65 + position);
