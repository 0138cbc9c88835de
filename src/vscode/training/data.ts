/** What a model is trained on: the rankings of the workspace, or a file of it, read as the method needs it. */
import path from 'node:path';
import * as vscode from 'vscode';
import { HumanError } from '../../base/errors.ts';
import type { Instruction } from '../../core/datasets/instruction.ts';
import { joinFiles, parseInstructions } from '../../core/datasets/instructions.ts';
import type { Prompt } from '../../core/generation.ts';
import type { SettingsKind } from '../../core/jobs/settingDescriptions.ts';
import type { JudgeFilter } from '../../core/preferences/judgeChoice.ts';
import type { PreferencePair, PreferenceRanking } from '../../core/preferences/judgement.ts';
import { type LabelledAnswer, labelledFromPairs } from '../../core/preferences/labelled.ts';
import { parsePreferencePairs, parsePreferenceRankings } from '../../core/preferences/rankingRows.ts';
import { parseTrlLabelled, parseTrlPrompts } from '../../core/preferences/trlImport.ts';
import { CommandIds, ViewIds } from '../commandIds.ts';
import { askWhose } from '../judgeLabels.ts';
import type { Choice, QuickSteps } from '../quickSteps.ts';
import type { Services } from '../services.ts';
import { trainingPrompts } from '../trainingPrompts.ts';
import { askFile, askFiles } from './files.ts';
import type { Comparisons, Family } from './methods.ts';

/** `rankings`: for reinforcement learning, the prompts that they are about. */
export type DataSource =
  | { readonly kind: 'rankings'; readonly filter: JudgeFilter }
  /** Several: examples, each file a task. */
  | { readonly kind: 'files'; readonly uris: readonly vscode.Uri[] };

export type TrainingRows =
  | { readonly kind: 'examples'; readonly rows: readonly Instruction[] }
  | { readonly kind: 'pairs'; readonly rows: readonly PreferencePair[] }
  /** Of a reward model: pairs, some of them ties, or whole rankings. */
  | { readonly kind: 'comparisons'; readonly rows: readonly (PreferencePair | PreferenceRanking)[] }
  | { readonly kind: 'labelled'; readonly rows: readonly LabelledAnswer[] }
  | { readonly kind: 'prompts'; readonly rows: readonly Prompt[] };

export interface TrainingData {
  readonly rows: TrainingRows;
  /** `42 pairs from 21 prompts`. */
  readonly label: string;
  /** What the model that comes out is named after: a set of rankings, a file. */
  readonly name: string;
  /** What was left out of the source. */
  readonly notes: readonly string[];
}

/** Bytes of one file. */
const largest = 256 << 20;

/** Throws a HumanError with file and line where the rows are not what the method needs. */
export async function readData(
  services: Services,
  source: DataSource,
  kind: SettingsKind,
  comparisons: Comparisons,
  signal?: AbortSignal,
): Promise<TrainingData> {
  const data =
    source.kind === 'files'
      ? await fromFiles(source.uris, kind, comparisons)
      : await fromRankings(services, source, kind, comparisons, signal);
  if (data.rows.rows.length > 0) return data;
  throw new HumanError(vscode.l10n.t('There is nothing to train on here. Choose other data.'), {
    ...(source.kind === 'files' ? { place: { file: vscode.workspace.asRelativePath(source.uris[0]!, false) } } : {}),
  });
}

async function readText(uri: vscode.Uri): Promise<string> {
  const file = vscode.workspace.asRelativePath(uri, false);
  const size = await vscode.workspace.fs.stat(uri).then(
    stat => stat.size,
    () => undefined,
  );
  if (size === undefined) {
    throw new HumanError(vscode.l10n.t('This file cannot be read. Choose another.'), { place: { file } });
  }
  if (size > largest) {
    throw new HumanError(
      vscode.l10n.t(
        'This file is larger than {0} MB. Train on it with the command line: “tunesmith train”.',
        largest >> 20,
      ),
      { place: { file } },
    );
  }
  return new TextDecoder().decode(await vscode.workspace.fs.readFile(uri));
}

async function fromFiles(
  uris: readonly vscode.Uri[],
  kind: SettingsKind,
  comparisons: Comparisons,
): Promise<TrainingData> {
  const files: { readonly file: string; readonly text: string }[] = [];
  for (const uri of uris) files.push({ file: vscode.workspace.asRelativePath(uri, false), text: await readText(uri) });
  const [{ file, text }] = files as [(typeof files)[0]];
  const made = (rows: TrainingRows, label: string, notes: readonly string[] = []): TrainingData => ({
    rows,
    name: files.length > 1 ? 'tasks' : path.basename(file).replace(/\.\w+$/, ''),
    label:
      files.length > 1
        ? vscode.l10n.t('{0} in {1} files', label, files.length)
        : vscode.l10n.t('{0} in {1}', label, file),
    notes,
  });
  switch (kind) {
    case 'sft': {
      const rows = joinFiles(files.map(one => ({ file: one.file, rows: parseInstructions(one.text, one.file) })));
      const tasks = tasksOf(rows).size;
      return made(
        { kind: 'examples', rows },
        tasks > 1
          ? vscode.l10n.t('{0} examples of {1} tasks', rows.length, tasks)
          : vscode.l10n.t('{0} examples', rows.length),
      );
    }
    case 'kto': {
      const rows = parseTrlLabelled(text, file);
      return made({ kind: 'labelled', rows }, vscode.l10n.t('{0} labelled answers', rows.length));
    }
    case 'dpo': {
      const rows = parsePreferencePairs(text, file);
      return made({ kind: 'pairs', rows }, vscode.l10n.t('{0} pairs', rows.length));
    }
    case 'reward': {
      const rows =
        comparisons === 'rankings'
          ? parsePreferenceRankings(text, file)
          : parsePreferencePairs(text, file, { ties: comparisons === 'ties' });
      return made({ kind: 'comparisons', rows }, comparedText(rows), comparedNotes(rows, comparisons));
    }
    default: {
      const rows = different(parseTrlPrompts(text, file));
      return made({ kind: 'prompts', rows }, vscode.l10n.t('{0} prompts', rows.length));
    }
  }
}

/** Rows of each task, the most first. Rows that name none are no task. */
export function tasksOf(rows: readonly Instruction[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { task } of rows) if (task !== undefined) counts.set(task, (counts.get(task) ?? 0) + 1);
  return new Map([...counts].sort(([a, m], [b, n]) => n - m || a.localeCompare(b)));
}

/** `42 pairs`, `42 pairs, 6 of them ties`, `12 rankings`. */
function comparedText(rows: readonly (PreferencePair | PreferenceRanking)[]): string {
  if (rows.some(row => 'groups' in row)) return vscode.l10n.t('{0} rankings', rows.length);
  const ties = rows.filter(row => 'tie' in row && row.tie).length;
  return ties === 0
    ? vscode.l10n.t('{0} pairs', rows.length)
    : vscode.l10n.t('{0} pairs, {1} of them ties', rows.length, ties);
}

/** What the way of comparing makes of the rows, where that may surprise. */
function comparedNotes(rows: readonly (PreferencePair | PreferenceRanking)[], comparisons: Comparisons): string[] {
  const pairs = rows.filter(row => 'chosen' in row);
  const notes: string[] = [];
  const margins = pairs.filter(({ margin }) => margin !== undefined).length;
  if (margins > 0) notes.push(vscode.l10n.t('{0} pairs have a margin.', margins));
  if (comparisons === 'ties' && !pairs.some(({ tie }) => tie))
    notes.push(vscode.l10n.t('There are no ties in this data.'));
  if (comparisons === 'rankings' && pairs.length === rows.length)
    notes.push(vscode.l10n.t('All rankings are of two answers: they are learned as pairs.'));
  return notes;
}

const different = (prompts: readonly Prompt[]): Prompt[] => [
  ...new Map(prompts.map(prompt => [JSON.stringify(prompt), prompt])).values(),
];

async function fromRankings(
  services: Services,
  { filter }: DataSource & { kind: 'rankings' },
  kind: SettingsKind,
  comparisons: Comparisons,
  signal: AbortSignal | undefined,
): Promise<TrainingData> {
  const journal = await services.journal();
  await journal.refresh();
  const items = journal.promptItems();
  if (kind === 'sft') throw new Error('Examples come from a file.');
  if (kind !== 'reward' && kind !== 'dpo' && kind !== 'kto') {
    const { prompts, source } = await trainingPrompts(services, items, signal);
    return { rows: { kind: 'prompts', rows: prompts }, label: source, name: items.at(-1)?.set ?? 'prompts', notes: [] };
  }
  const ranked = kind === 'reward' && comparisons === 'rankings';
  const pairs = ranked ? [] : journal.pairs(filter, { ties: kind === 'reward' && comparisons === 'ties' });
  const compared = ranked ? journal.rankings(filter) : pairs;
  const used = new Set(compared.map(({ item }) => item));
  const sets = new Set(items.filter(item => used.has(item.id)).map(item => item.set));
  const name = sets.size === 1 ? [...sets][0]! : 'preferences';
  if (kind === 'kto') {
    const { rows, undecided } = labelledFromPairs(pairs);
    return {
      rows: { kind: 'labelled', rows },
      label: vscode.l10n.t('{0} labelled answers, from rankings', rows.length),
      name,
      notes:
        undecided === 0
          ? []
          : [vscode.l10n.t('{0} answers were left out: they won and lost equally often.', undecided)],
    };
  }
  return {
    rows: kind === 'reward' ? { kind: 'comparisons', rows: compared } : { kind: 'pairs', rows: pairs },
    label: vscode.l10n.t('{0} from {1} ranked prompts', comparedText(compared), used.size),
    name,
    notes: kind === 'reward' ? comparedNotes(compared, comparisons) : [],
  };
}

/**
 * Where the data comes from. Rankings are taken without a question where the command is about them and there are some; `again`
 * asks in any case. Undefined when the person gave up or went to rank first.
 */
export async function askData(
  services: Services,
  steps: QuickSteps,
  family: Family,
  title: string,
  again = false,
): Promise<DataSource | undefined> {
  const file = async (): Promise<DataSource | undefined> => {
    const extensions = ['jsonl', 'ndjson', 'json'];
    const question = vscode.l10n.t('Which file?');
    if (family === 'examples') {
      const uris = await askFiles(steps, question, extensions, vscode.l10n.t('each of them is a task'));
      return uris && { kind: 'files', uris };
    }
    const uri = await askFile(steps, question, extensions);
    return uri && { kind: 'files', uris: [uri] };
  };
  if (family === 'examples') return file();
  const journal = await services.journal();
  await journal.refresh();
  const items = journal.promptItems().length;
  const ready = family === 'reinforcement' ? items > 0 : journal.pairs({ judges: 'include' }).length > 0;
  const rankings = async (): Promise<DataSource | undefined> => {
    if (family === 'reinforcement') return { kind: 'rankings', filter: { judges: 'exclude' } };
    const filter = await askWhose(journal, title);
    return filter && { kind: 'rankings', filter };
  };
  if (ready && !again) return rankings();
  const rows: Choice<() => Promise<DataSource | undefined>>[] = [
    ready
      ? {
          label: `$(list-ordered) ${vscode.l10n.t('Rankings of the Workspace')}`,
          description:
            family === 'reinforcement'
              ? vscode.l10n.t('their prompts, and the other rows of their templates')
              : vscode.l10n.t('{0} ranked prompts', items),
          value: rankings,
        }
      : {
          label: `$(list-ordered) ${items > 0 ? vscode.l10n.t('Rank Answers First') : vscode.l10n.t('Sample and Rank Answers First')}`,
          description:
            items > 0
              ? vscode.l10n.t('there are no rankings yet that say which answer is better')
              : vscode.l10n.t('there are no ranked answers yet: send some from the playground'),
          value: async () => {
            await vscode.commands.executeCommand(items > 0 ? `${ViewIds.rank}.focus` : CommandIds.openPlayground);
            return undefined;
          },
        },
    {
      label: `$(file) ${vscode.l10n.t('A File…')}`,
      description:
        family === 'reinforcement'
          ? vscode.l10n.t('prompts as TRL JSON Lines')
          : vscode.l10n.t('preferences, rankings or labelled answers as JSON Lines'),
      value: file,
    },
  ];
  return (await steps.ask(vscode.l10n.t('What to train on?'), rows))?.();
}
