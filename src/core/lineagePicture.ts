/** Where every model comes from, ready to be drawn: rows of a tree with what each is, what came of it and what rewarded it. */
import * as v from 'valibot';
import { l10n } from '../base/l10n.ts';
import { kindLabel } from './jobs/dashboard.ts';
import type { JobSpecification } from './jobs/job.ts';
import { resultFigure } from './jobs/resultFigure.ts';
import { rewardFolder, rewardLabel, rewardModelsOf } from './jobs/rewardSource.ts';
import { lineageTree } from './lineageTree.ts';
import type { StoredModel } from './models.ts';

/** How the lines of the tree run before a row, from the root: past it, not at all, or to it, with or without more below. */
const Branches = ['past', 'none', 'one', 'last'] as const;

export const LineageSchema = v.object({
  rows: v.array(
    v.object({
      id: v.string(),
      name: v.string(),
      kind: v.picklist(['base', 'policy', 'reward']),
      kindLabel: v.string(),
      branch: v.array(v.picklist(Branches)),
      /** What came of it, in a few words. */
      figure: v.string(),
      /** The data, and what gave the reward. */
      learnedFrom: v.string(),
      /** Rows of the reward models that it was tuned on. */
      rewardedBy: v.array(v.number()),
      /** ISO 8601; null of a base. */
      createdAt: v.nullable(v.string()),
      /** The job that made it, if that is still there. */
      job: v.nullable(v.string()),
      /** It answers prompts, here and now. */
      usable: v.boolean(),
    }),
  ),
});
export type Lineage = v.InferOutput<typeof LineageSchema>;
export type LineageRow = Lineage['rows'][number];

export interface LineageInput {
  readonly models: readonly StoredModel[];
  readonly jobs: readonly { readonly id: string; readonly specification: JobSpecification }[];
  /** Names by the ids of all models that answer prompts. */
  readonly usable: ReadonlyMap<string, string>;
}

export function lineagePicture({ models, jobs, usable }: LineageInput): Lineage {
  const specifications = new Map(jobs.map(({ id, specification }) => [id, specification]));
  const lines = lineageTree(models);
  const places = new Map(lines.map(({ model }, row) => [idOf(model), row]));
  const rows = lines.map(({ branch, model }): LineageRow => {
    const id = idOf(model);
    const common = { id, branch: steps(branch), usable: usable.has(id) };
    if (typeof model === 'string') {
      const kind = usable.has(id) ? l10n.t('Base model') : l10n.t('No longer here');
      const name = usable.get(id) ?? shortName(id);
      return { ...common, name, kind: 'base', kindLabel: kind, ...nothingLearned };
    }
    const { lineage } = model;
    const job = specifications.get(lineage.job);
    const rewards = job ? rewardIds(job) : lineage.rewardModel === undefined ? [] : [lineage.rewardModel];
    const policy = l10n.t('Tuned model');
    return {
      ...common,
      name: model.name,
      kind: lineage.kind,
      kindLabel: job ? kindLabel(job) : lineage.kind === 'reward' ? l10n.t('Reward model') : policy,
      figure: resultFigure(lineage.metrics),
      learnedFrom: job ? learnedFrom(job) : rewards.map(shortName).join(', '),
      rewardedBy: rewards.flatMap(reward => places.get(reward) ?? []),
      createdAt: lineage.createdAt,
      job: job ? lineage.job : null,
    };
  });
  return { rows };
}

const nothingLearned = { figure: '', learnedFrom: '', rewardedBy: [], createdAt: null, job: null };

const idOf = (model: StoredModel | string): string => (typeof model === 'string' ? model : `local:${model.name}`);
const shortName = (id: string): string => id.replace(/^[a-z]+:/, '');

/** Three characters of the drawing are one step towards the root. */
const steps = (branch: string): LineageRow['branch'] =>
  (branch.match(/.{3}/gu) ?? []).map(
    part => (({ '│': 'past', '├': 'one', '└': 'last' }) as const)[part[0] as '│' | '├' | '└'] ?? 'none',
  );

/** A reward model is known by its folder, whose name is the model's. */
const rewardIds = (job: JobSpecification): string[] =>
  job.kind === 'rlhf'
    ? rewardModelsOf(job.reward).map(model => `local:${rewardFolder(model).split(/[\\/]/).at(-1)}`)
    : [];

function learnedFrom(job: JobSpecification): string {
  const { rows } = job.data;
  switch (job.kind) {
    case 'sft':
      return l10n.t('{0} examples', rows);
    case 'reward':
    case 'dpo':
      return l10n.t('{0} pairs', rows);
    case 'kto':
      return l10n.t('{0} labelled answers', rows);
    case 'rlhf':
      return l10n.t('{0} prompts, rewarded by {1}', rows, rewardLabel(job.reward));
  }
}
