/** A DPO or KTO job: pairs or labelled answers to a tuned model. */
import { join } from 'node:path';
import * as v from 'valibot';
import type { DpoJob, JobResult, KtoJob } from '../core/jobs/job.ts';
import type { LabelledAnswer } from '../core/preferences/labelled.ts';
import { preferenceNeeds } from '../training/jobNeeds.ts';
import { prepareLabelled } from '../training/labelledData.ts';
import { mean } from '../training/math/normalise.ts';
import { preparePairs } from '../training/pairData.ts';
import { checkPreferenceSettings, type PreferenceTask, trainPreferences } from '../training/preferenceTuning.ts';
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

export async function runPreference(
  context: RunContext,
  job: DpoJob | KtoJob,
  unread: UnreadBaseModel,
): Promise<JobResult | undefined> {
  const { host, folder } = context;
  checkPreferenceSettings(job);
  const text = await folder.readData(job.data);
  const file = join(folder.path, job.data.file);
  const { tokenizer, config } = unread;
  const { heldOutShare } = job.settings;
  const limits = { heldOutShare, maxLength: Math.min(job.settings.maxLength, config.maxPositions) };
  const task: PreferenceTask =
    job.kind === 'dpo'
      ? { ...job, data: preparePairs(readRows(text, file, PairSchema), tokenizer, limits) }
      : { ...job, data: prepareLabelled(readRows(text, file, LabelledSchema), tokenizer, limits) };
  for (const warning of task.data.warnings) host.log('warning', warning);
  const lengths = [...task.data.train, ...task.data.heldOut].flatMap(row =>
    'ids' in row ? [row.ids.length] : [row.chosen.length, row.rejected.length],
  );
  const needsWith = (changes: Partial<DpoJob['settings'] & KtoJob['settings']>, longest = Math.max(...lengths)) =>
    preferenceNeeds(
      config,
      job.kind === 'dpo'
        ? { kind: 'dpo', settings: { ...job.settings, ...changes } }
        : { kind: 'kto', settings: { ...job.settings, ...changes } },
      { examples: task.data.train.length, heldOut: task.data.heldOut.length, longest, mean: mean(lengths) },
    );
  await estimate(context, job, unread, needsWith({}), [
    adjustable(job.kind, 'microBatchSize', job.settings.microBatchSize, size => needsWith({ microBatchSize: size })),
    ...recomputation(job.kind, job.settings, () => needsWith({ recompute: 'on' })),
    adjustable(job.kind, 'maxLength', Math.max(...lengths), length => needsWith({ microBatchSize: 1 }, length)),
  ]);
  const base = await unread.read();
  const outcome = await trainPreferences({ ...base, ...common(context, job), task });
  if (outcome.kind === 'stopped') return undefined;
  const { parameters, shapes, accuracy, metrics } = outcome.value;
  const adapter = await writeAdapter(
    job.output,
    { lora: job.settings.lora, parameters, shapes, lineage: { ...lineage(job, metrics), kind: 'policy' } },
    config,
  );
  return {
    format: 1,
    adapter,
    seconds: context.seconds(),
    metrics: { ...metrics },
    ...(accuracy ? { accuracy: { ...accuracy } } : {}),
    warnings: [...task.data.warnings],
  };
}

const LabelledSchema: v.GenericSchema<unknown, LabelledAnswer> = v.object({
  messages: v.array(v.object({ role: v.picklist(['system', 'user', 'assistant']), content: v.string() })),
  completion: v.string(),
  label: v.boolean(),
});
