/** What the runners of all kinds of jobs share: the context, the estimate before the start, options of every recipe, rows of the data. */
import * as v from 'valibot';
import { HumanError } from '../base/errors.ts';
import { parseJsonLines } from '../base/jsonLines.ts';
import { l10n } from '../base/l10n.ts';
import type { JobEstimate, JobNeeds } from '../core/jobs/estimate.ts';
import type { JobSpecification, RewardSettings } from '../core/jobs/job.ts';
import { type SettingsKind, settingDescriptions } from '../core/jobs/settingDescriptions.ts';
import type { PreferencePair } from '../core/preferences/judgement.ts';
import type { JobFolder } from '../storage/jobFolder.ts';
import type { RecipeCheckpoint, RecipeHost } from '../training/recipe.ts';
import type { UnreadBaseModel } from './baseModel.ts';
import { type Adjustable, checkJob, halvesOf } from './memoryCheck.ts';

export interface RunContext {
  readonly folder: JobFolder;
  readonly host: RecipeHost & { estimate(estimate: JobEstimate): void };
  readonly resume: RecipeCheckpoint | undefined;
  readonly allowCode: boolean;
  /** Without a sign of whoever answers for a model, after which it counts as gone. */
  readonly goneSeconds?: number;
  /** Seconds of work so far. */
  seconds(): number;
}

/** Says what the job needs, or refuses it. */
export async function estimate(
  { host }: RunContext,
  { model }: JobSpecification,
  { parameters }: UnreadBaseModel,
  needs: JobNeeds,
  settings: readonly Adjustable[],
): Promise<void> {
  host.estimate(await checkJob(needs, settings, parameters, model.base));
}

const labelOf = (kind: SettingsKind, key: string): string =>
  settingDescriptions(kind).find(setting => setting.key === key)!.label;

export const adjustable = (
  kind: SettingsKind,
  key: string,
  value: number,
  needsWith: (value: number) => JobNeeds,
  least = 1,
): Adjustable => ({ label: labelOf(kind, key), value, others: halvesOf(value, needsWith, least) });

/** Computing layers again costs time, but changes nothing that is learned. */
export const recomputation = (
  kind: SettingsKind,
  { recompute }: Pick<RewardSettings, 'recompute'>,
  needsWith: () => JobNeeds,
): Adjustable[] =>
  recompute === 'on'
    ? []
    : [{ label: labelOf(kind, 'recompute'), value: 'off', others: [{ value: 'on', needs: needsWith() }] }];

export const threadsOf = (job: JobSpecification) => (job.threads === undefined ? {} : { threads: job.threads });

export const common = ({ host, resume }: RunContext, job: JobSpecification) => ({
  seed: job.seed,
  host,
  ...(resume === undefined ? {} : { resume }),
  ...threadsOf(job),
});

export const lineage = (job: JobSpecification, metrics: Readonly<Record<string, number>>) => ({
  format: 1 as const,
  name: job.name,
  base: job.model,
  job: job.id,
  createdAt: job.createdAt,
  dataSha256: job.data.sha256,
  metrics: { ...metrics },
});

export const PairSchema: v.GenericSchema<unknown, PreferencePair> = v.object({
  messages: v.array(v.object({ role: v.picklist(['system', 'user', 'assistant']), content: v.string() })),
  chosen: v.string(),
  rejected: v.string(),
  judgement: v.string(),
  item: v.string(),
  margin: v.exactOptional(v.pipe(v.number(), v.finite())),
  tie: v.exactOptional(v.literal(true)),
});
export function readRows<T>(text: string, file: string, schema: v.GenericSchema<unknown, T>): T[] {
  return parseJsonLines(text, file).map(({ line, value }) => {
    const parsed = v.safeParse(schema, value);
    if (parsed.success) return parsed.output;
    throw new HumanError(l10n.t('This row of the job’s data cannot be used. Make the job again from your data.'), {
      cause: new v.ValiError(parsed.issues),
      place: { file, line },
    });
  });
}
