/** A reward job: pairs or rankings to a reward model with its report. */
import { join } from 'node:path';
import * as v from 'valibot';
import { l10n } from '../base/l10n.ts';
import type { JobNeeds } from '../core/jobs/estimate.ts';
import type { JobResult, RewardJob, RewardSettings } from '../core/jobs/job.ts';
import { checkRewardSettings } from '../core/jobs/settings.ts';
import type { PreferencePair, PreferenceRanking } from '../core/preferences/judgement.ts';
import { rewardNeeds } from '../training/jobNeeds.ts';
import { mean } from '../training/math/normalise.ts';
import {
  drawn,
  type EncodedPair,
  type EncodedRanking,
  type PairData,
  preparePairs,
  prepareRankings,
  type RankingData,
} from '../training/pairData.ts';
import { rowsAtOnce, trainRewardModel } from '../training/rewardModel.ts';
import { writeAdapter } from './adapterFiles.ts';
import type { UnreadBaseModel } from './baseModel.ts';
import {
  adjustable,
  common,
  estimate,
  lineage,
  PairSchema,
  type RunContext,
  readRows,
  recomputation,
} from './jobRun.ts';

export async function runReward(
  context: RunContext,
  job: RewardJob,
  unread: UnreadBaseModel,
): Promise<JobResult | undefined> {
  const { host, folder } = context;
  checkRewardSettings(job.settings);
  const text = await folder.readData(job.data);
  const file = join(folder.path, job.data.file);
  const limits = { ...job.settings, maxLength: Math.min(job.settings.maxLength, unread.config.maxPositions) };
  const all =
    job.settings.loss === 'plackett-luce'
      ? prepareRankings(readRows(text, file, RankedSchema), unread.tokenizer, limits)
      : preparePairs(readRows(text, file, PairSchema), unread.tokenizer, {
          ...limits,
          ties: job.settings.tieThreshold > 1,
        });
  const data: PairData | RankingData = {
    ...all,
    train: drawn<EncodedPair | EncodedRanking>(all.train, job.settings.maxPairs, job.seed),
  } as PairData | RankingData;
  for (const warning of data.warnings) host.log('warning', warning);
  const rowsOf = (one: EncodedPair | EncodedRanking) =>
    'groups' in one ? one.groups.flat() : [one.chosen, one.rejected];
  const answers = data.train.flatMap(rowsOf).map(({ length }) => length);
  const longest = [...data.train, ...data.heldOut]
    .flatMap(rowsOf)
    .reduce((most, { length }) => Math.max(most, length), 0);
  const most = data.train.reduce((size, one) => Math.max(size, rowsOf(one).length), 0);
  const needsWith = (changes: Partial<RewardSettings>, length = longest): JobNeeds =>
    rewardNeeds(
      unread.config,
      { ...job.settings, ...changes },
      { examples: data.train.length, answers: answers.length, most, longest: length, mean: mean(answers) },
    );
  await estimate(context, job, unread, needsWith({}), [
    ...recomputation('reward', job.settings, () => needsWith({ recompute: 'on' })),
    adjustable('reward', 'batchSize', Math.min(job.settings.batchSize, Math.ceil(rowsAtOnce / most)), batchSize =>
      needsWith({ batchSize }),
    ),
    adjustable('reward', 'maxLength', longest, length => needsWith({}, length)),
  ]);
  const base = await unread.read();
  host.phase(l10n.t('Training'));
  const outcome = await trainRewardModel({ ...base, ...common(context, job), settings: job.settings, data });
  if (outcome.kind === 'stopped') return undefined;
  const { parameters, shapes, bias, accuracy, report, metrics } = outcome.value;
  const adapter = await writeAdapter(
    job.output,
    {
      lora: job.settings.lora,
      parameters,
      shapes,
      lineage: { ...lineage(job, metrics), kind: 'reward', rewardBias: bias },
    },
    base.config,
  );
  return {
    format: 1,
    adapter,
    seconds: context.seconds(),
    metrics: { ...metrics },
    ...(accuracy ? { accuracy: { ...accuracy } } : {}),
    ...(report ? { report } : {}),
    warnings: [...(report?.notReady ? [report.notReady] : []), ...data.warnings],
  };
}

const RankedSchema: v.GenericSchema<unknown, PreferencePair | PreferenceRanking> = v.union([
  v.object({
    messages: v.array(v.object({ role: v.picklist(['system', 'user', 'assistant']), content: v.string() })),
    groups: v.array(v.array(v.string())),
    judgement: v.string(),
    item: v.string(),
  }),
  PairSchema,
]);
