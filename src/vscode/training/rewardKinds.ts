/** One thing that scores answers: a trained reward model or several, a rule, code of a trusted workspace, a model as the judge. */
import path from 'node:path';
import * as vscode from 'vscode';
import { HumanError } from '../../base/errors.ts';
import type { RuleReward } from '../../core/jobs/job.ts';
import { ruleLabel } from '../../core/jobs/rewardSource.ts';
import { lengthRule, patternError, schemaRule } from '../../core/jobs/ruleText.ts';
import type { StoredModel } from '../../core/models.ts';
import type { Choice, QuickSteps } from '../quickSteps.ts';
import type { Services } from '../services.ts';
import { askFile, askText } from './files.ts';

export type ChosenSource =
  | {
      readonly kind: 'models';
      /** Two and more are an ensemble. */
      readonly names: readonly string[];
      readonly combine: 'mean' | 'worst';
      /** The model that they stand on. */
      readonly base: string;
    }
  | { readonly kind: 'rule'; readonly reward: RuleReward };

export interface SourceQuestion {
  readonly placeholder: string;
  /** Only reward models on this one can be chosen. */
  readonly base?: string | undefined;
  /** What is only measured is one model or one rule, and asks no judge. */
  readonly measured?: boolean;
}

/** `train-first`: there is no reward model yet, and the person wants one. `people`: they judge what is measured. */
export type Answer = ChosenSource | 'train-first' | 'people' | undefined;

export async function askSource(
  services: Services,
  steps: QuickSteps,
  title: string,
  { placeholder, base, measured = false }: SourceQuestion,
): Promise<Answer> {
  const all = await (await services.models()).rewardModels();
  const models = base === undefined ? all : all.filter(({ lineage }) => lineage.base.id === base);
  const rows: Choice<() => Promise<Answer>>[] = models.map(model => ({
    label: `$(law) ${model.name}`,
    description: modelText(model),
    value: async () => ofModels([model], 'mean'),
  }));
  if (!measured && ensembleOf(models).length > 0) {
    rows.push({
      label: `$(layers) ${vscode.l10n.t('Several Reward Models…')}`,
      description: vscode.l10n.t('their mean, or the lowest score of each answer'),
      value: () => askEnsemble(steps, ensembleOf(models)),
    });
  }
  if (all.length === 0 && !measured) {
    rows.push({
      label: `$(law) ${vscode.l10n.t('Train a Reward Model First…')}`,
      description: vscode.l10n.t('from your rankings'),
      value: async () => 'train-first',
    });
  }
  rows.push(...ruleRows(services, steps, title));
  if (measured) {
    rows.push(
      { label: vscode.l10n.t('People'), kind: vscode.QuickPickItemKind.Separator },
      {
        label: `$(account) ${vscode.l10n.t('You, in the Ranking View')}`,
        description: vscode.l10n.t('keeps the model of each look, to go back to the best once you judged its answers'),
        value: async () => 'people',
      },
    );
  } else {
    rows.push(
      { label: vscode.l10n.t('A Model as the Judge'), kind: vscode.QuickPickItemKind.Separator },
      {
        label: `$(hubot) ${vscode.l10n.t('Scores of a Model…')}`,
        description: services.trusted
          ? vscode.l10n.t('it reads each answer and scores it by what you write')
          : vscode.l10n.t('needs a workspace that you trust'),
        value: () =>
          services.trusted
            ? askJudge(services, steps, title)
            : untrusted(
                vscode.l10n.t('Jobs ask models only in a workspace that you trust. Trust it, or choose a rule.'),
              ),
      },
    );
  }
  return (await steps.ask(placeholder, rows))?.();
}

const modelText = ({ lineage }: StoredModel): string => {
  const accuracy = lineage.metrics.eval_accuracy;
  return accuracy === undefined
    ? vscode.l10n.t('reward model')
    : vscode.l10n.t('reward model, right on {0} % of held-out pairs', Math.round(100 * accuracy));
};

const ofModels = (models: readonly StoredModel[], combine: 'mean' | 'worst'): ChosenSource => ({
  kind: 'models',
  names: models.map(({ name }) => name),
  combine,
  base: models[0]!.lineage.base.id,
});

/** Reward models that could be one ensemble: those of the newest's base where there are two, else of another base. */
const ensembleOf = (models: readonly StoredModel[]): readonly StoredModel[] =>
  [...Map.groupBy(models, ({ lineage }) => lineage.base.id).values()].find(({ length }) => length > 1) ?? [];

async function askEnsemble(steps: QuickSteps, models: readonly StoredModel[]): Promise<ChosenSource | undefined> {
  const chosen = await steps.askMany(
    vscode.l10n.t('Which reward models?'),
    models.map(model => ({ label: model.name, description: modelText(model), picked: true, value: model })),
  );
  if (!chosen || chosen.length === 0) return undefined;
  if (chosen.length === 1) return ofModels(chosen, 'mean');
  const combine = await steps.ask<'mean' | 'worst'>(vscode.l10n.t('What counts of their scores?'), [
    { label: vscode.l10n.t('The Mean'), description: vscode.l10n.t('less noisy than one alone'), value: 'mean' },
    {
      label: vscode.l10n.t('The Lowest'),
      description: vscode.l10n.t('an answer must please them all, so that the mistakes of one are worth nothing'),
      value: 'worst',
    },
  ]);
  return combine && ofModels(chosen, combine);
}

function ruleRows(services: Services, steps: QuickSteps, title: string): Choice<() => Promise<Answer>>[] {
  const rule = (reward: RuleReward): ChosenSource => ({ kind: 'rule', reward });
  return [
    { label: vscode.l10n.t('Rules'), kind: vscode.QuickPickItemKind.Separator },
    {
      label: vscode.l10n.t('Contains a Word…'),
      description: vscode.l10n.t('1 where the answer has it, else 0'),
      value: async () => {
        const word = await askText(title, vscode.l10n.t('Which word?'));
        return word === undefined ? undefined : rule({ rule: 'word', word });
      },
    },
    {
      label: vscode.l10n.t('Matches a Regular Expression…'),
      description: vscode.l10n.t('1 where it is found, else 0'),
      value: async () => {
        const pattern = await askText(title, vscode.l10n.t('Which regular expression?'), patternError);
        return pattern === undefined ? undefined : rule({ rule: 'regex', pattern });
      },
    },
    {
      label: vscode.l10n.t('Has a Length…'),
      description: vscode.l10n.t('1 inside a range of words, less outside'),
      value: async () => {
        const question = vscode.l10n.t('How many words? For example 10-30');
        const reward = lengthRule((await askText(title, question, invalidRange, '10-30')) ?? '');
        return reward && rule(reward);
      },
    },
    {
      label: vscode.l10n.t('Is Valid JSON'),
      description: vscode.l10n.t('1 where it can be parsed, else 0'),
      value: async () => rule({ rule: 'json-valid' }),
    },
    {
      label: vscode.l10n.t('Is JSON by a Schema…'),
      description: vscode.l10n.t('1 where a JSON Schema allows it, else 0'),
      value: async () => {
        const uri = await askFile(steps, vscode.l10n.t('Which file has the JSON Schema?'), ['json']);
        return uri && rule(await readSchema(uri));
      },
    },
    {
      label: vscode.l10n.t('Code in a File…'),
      description: services.trusted
        ? vscode.l10n.t('a JavaScript module that exports reward({prompt, answer})')
        : vscode.l10n.t('needs a workspace that you trust'),
      value: async () => {
        const reward = await (services.trusted ? askCode(services, steps) : refuseCode());
        return reward && rule(reward);
      },
    },
  ];
}

const invalidRange = (text: string): string | undefined =>
  lengthRule(text) ? undefined : vscode.l10n.t('Type two numbers, the smaller first, for example 10-30.');

async function readSchema(uri: vscode.Uri): Promise<RuleReward> {
  const rule = schemaRule(new TextDecoder().decode(await vscode.workspace.fs.readFile(uri)), uri.fsPath);
  if (rule) return rule;
  throw new HumanError(vscode.l10n.t('This file is no JSON Schema: it must hold one JSON object.'), {
    place: { file: vscode.workspace.asRelativePath(uri, false) },
  });
}

async function askCode(services: Services, steps: QuickSteps): Promise<RuleReward | undefined> {
  const uri = await askFile(steps, vscode.l10n.t('Which file has the reward function?'), ['js', 'mjs', 'cjs']);
  if (!uri) return undefined;
  const { root } = services.layout();
  const inside = path.relative(root, uri.fsPath);
  // As the job's process finds it, which stands in the workspace's folder.
  const file = inside.startsWith('..') || path.isAbsolute(inside) ? uri.fsPath : inside.split(path.sep).join('/');
  return { rule: 'javascript', file };
}

const refuseCode = (): Promise<undefined> =>
  untrusted(
    vscode.l10n.t(
      'A reward function is code, and code of a workspace runs only where you trust it. Trust this workspace, or choose a rule.',
    ),
  );

async function untrusted(message: string): Promise<undefined> {
  const manage = vscode.l10n.t('Manage Workspace Trust');
  if ((await vscode.window.showWarningMessage(message, manage)) === manage) {
    await vscode.commands.executeCommand('workbench.trust.manage');
  }
  return undefined;
}

/** Characters of a rubric that are read. */
const longestRubric = 20_000;

async function askJudge(services: Services, steps: QuickSteps, title: string): Promise<ChosenSource | undefined> {
  const models = (await (await services.models()).list()).filter(({ chat }) => chat);
  const model = await steps.ask(
    vscode.l10n.t('Which model scores the answers? It is asked while this window is open'),
    models.map(({ id, label, detail }) => ({ label, description: detail, value: id })),
  );
  if (model === undefined) return undefined;
  const rubric = await steps.ask<() => Promise<string | undefined>>(vscode.l10n.t('What is a good answer?'), [
    {
      label: `$(edit) ${vscode.l10n.t('Write It…')}`,
      description: vscode.l10n.t('a sentence or two'),
      value: () => askText(title, vscode.l10n.t('What is a good answer? The model scores by this alone, from 0 to 10')),
    },
    {
      label: `$(file) ${vscode.l10n.t('A Rubric in a File…')}`,
      description: vscode.l10n.t('text or Markdown'),
      value: async () => {
        const uri = await askFile(steps, vscode.l10n.t('Which file has the rubric?'), ['md', 'txt']);
        return uri && readRubric(uri);
      },
    },
  ]);
  const text = await rubric?.();
  return text === undefined ? undefined : { kind: 'rule', reward: { rule: 'judge', model, rubric: text } };
}

async function readRubric(uri: vscode.Uri): Promise<string> {
  const place = { file: vscode.workspace.asRelativePath(uri, false) };
  const text = new TextDecoder().decode(await vscode.workspace.fs.readFile(uri)).trim();
  if (text === '') throw new HumanError(vscode.l10n.t('The rubric is empty.'), { place });
  if (text.length <= longestRubric) return text;
  throw new HumanError(
    vscode.l10n.t('The rubric has more than {0} characters. Say what a good answer is in fewer.', longestRubric),
    { place },
  );
}

export function sourceLabel(source: ChosenSource): string {
  if (source.kind === 'rule') return ruleLabel(source.reward);
  const names = source.names.join(', ');
  if (source.names.length === 1) return names;
  return source.combine === 'worst'
    ? vscode.l10n.t('the lowest of {0}', names)
    : vscode.l10n.t('the mean of {0}', names);
}
