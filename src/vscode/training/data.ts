/** What a model is trained on: the rankings of the workspace, or a file of it, read as the method needs it. */
import path from 'node:path';
import * as vscode from 'vscode';
import { HumanError } from '../../base/errors.ts';
import type { Instruction } from '../../core/datasets/instruction.ts';
import { parseInstructions } from '../../core/datasets/instructions.ts';
import type { Prompt } from '../../core/generation.ts';
import type { SettingsKind } from '../../core/jobs/settingDescriptions.ts';
import type { JudgeFilter } from '../../core/preferences/judgeChoice.ts';
import type { PreferencePair } from '../../core/preferences/judgement.ts';
import { type LabelledAnswer, labelledFromPairs } from '../../core/preferences/labelled.ts';
import { parseTrlLabelled, parseTrlPreferences, parseTrlPrompts } from '../../core/preferences/trlImport.ts';
import { CommandIds, ViewIds } from '../commandIds.ts';
import { askWhose } from '../judgeLabels.ts';
import type { Choice, QuickSteps } from '../quickSteps.ts';
import type { Services } from '../services.ts';
import { trainingPrompts } from '../trainingPrompts.ts';
import type { Family } from './methods.ts';

/** `rankings`: for reinforcement learning, the prompts that they are about. */
export type DataSource =
  | { readonly kind: 'rankings'; readonly filter: JudgeFilter }
  | { readonly kind: 'file'; readonly uri: vscode.Uri };

export type TrainingRows =
  | { readonly kind: 'examples'; readonly rows: readonly Instruction[] }
  | { readonly kind: 'pairs'; readonly rows: readonly PreferencePair[] }
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
  signal?: AbortSignal,
): Promise<TrainingData> {
  const data =
    source.kind === 'file' ? await fromFile(source.uri, kind) : await fromRankings(services, source, kind, signal);
  if (data.rows.rows.length > 0) return data;
  throw new HumanError(vscode.l10n.t('There is nothing to train on here. Choose other data.'), {
    ...(source.kind === 'file' ? { place: { file: vscode.workspace.asRelativePath(source.uri, false) } } : {}),
  });
}

async function fromFile(uri: vscode.Uri, kind: SettingsKind): Promise<TrainingData> {
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
  const text = new TextDecoder().decode(await vscode.workspace.fs.readFile(uri));
  const name = path.basename(file).replace(/\.\w+$/, '');
  const made = (rows: TrainingRows, label: string): TrainingData => ({
    rows,
    name,
    label: vscode.l10n.t('{0} in {1}', label, file),
    notes: [],
  });
  switch (kind) {
    case 'sft': {
      const rows = parseInstructions(text, file);
      return made({ kind: 'examples', rows }, vscode.l10n.t('{0} examples', rows.length));
    }
    case 'kto': {
      const rows = parseTrlLabelled(text, file);
      return made({ kind: 'labelled', rows }, vscode.l10n.t('{0} labelled answers', rows.length));
    }
    case 'reward':
    case 'dpo': {
      const rows = parseTrlPreferences(text, file);
      return made({ kind: 'pairs', rows }, vscode.l10n.t('{0} pairs', rows.length));
    }
    default: {
      const rows = different(parseTrlPrompts(text, file));
      return made({ kind: 'prompts', rows }, vscode.l10n.t('{0} prompts', rows.length));
    }
  }
}

const different = (prompts: readonly Prompt[]): Prompt[] => [
  ...new Map(prompts.map(prompt => [JSON.stringify(prompt), prompt])).values(),
];

async function fromRankings(
  services: Services,
  { filter }: DataSource & { kind: 'rankings' },
  kind: SettingsKind,
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
  const pairs = journal.pairs(filter);
  const used = new Set(pairs.map(pair => pair.item));
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
    rows: { kind: 'pairs', rows: pairs },
    label: vscode.l10n.t('{0} pairs from {1} ranked prompts', pairs.length, used.size),
    name,
    notes: [],
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
    const uri = await askFile(steps, vscode.l10n.t('Which file?'), ['jsonl', 'ndjson', 'json']);
    return uri && { kind: 'file', uri };
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
          : vscode.l10n.t('preferences or labelled answers as TRL JSON Lines'),
      value: file,
    },
  ];
  return (await steps.ask(vscode.l10n.t('What to train on?'), rows))?.();
}

/** A file of the workspace, or another one of this computer. */
export async function askFile(
  steps: QuickSteps,
  question: string,
  extensions: readonly string[],
): Promise<vscode.Uri | undefined> {
  const found = await vscode.workspace.findFiles(
    `**/*.{${extensions.join(',')}}`,
    '**/{node_modules,.tunesmith,.git}/**',
    2000,
  );
  const rows = found
    .map(uri => ({ uri, name: vscode.workspace.asRelativePath(uri, false) }))
    .filter(({ name }) => !/(^|\/)(package|package-lock|tsconfig)[^/]*\.json$/.test(name))
    .sort((a, b) => a.name.localeCompare(b.name));
  const chosen = await steps.ask<vscode.Uri | 'browse'>(question, [
    ...rows.map(({ uri, name }) => ({
      label: `$(file) ${path.posix.basename(name)}`,
      description: path.posix.dirname(name) === '.' ? '' : path.posix.dirname(name),
      value: uri,
    })),
    { label: `$(folder-opened) ${vscode.l10n.t('Browse…')}`, alwaysShow: true, value: 'browse' },
  ]);
  if (chosen !== 'browse') return chosen;
  const picked = await vscode.window.showOpenDialog({
    openLabel: vscode.l10n.t('Choose'),
    title: question,
    filters: { [extensions.join(', ')]: [...extensions] },
  });
  return picked?.[0];
}
