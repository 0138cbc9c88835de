/** A job of supervised fine-tuning: instructions to a tuned model with its report. */
import { join } from 'node:path';
import * as v from 'valibot';
import type { Instruction } from '../core/datasets/instruction.ts';
import type { JobNeeds } from '../core/jobs/estimate.ts';
import type { JobResult, SftJob } from '../core/jobs/job.ts';
import { checkSftSettings } from '../core/jobs/settings.ts';
import { prepareInstructions, sizesOf } from '../training/instructionData.ts';
import { sftNeeds } from '../training/jobNeeds.ts';
import { trainSupervised } from '../training/supervised.ts';
import { writeAdapter } from './adapterFiles.ts';
import type { UnreadBaseModel } from './baseModel.ts';
import { adjustable, common, estimate, lineage, type RunContext, readRows, recomputation } from './jobRun.ts';
import { writeWholeModel } from './wholeModelFiles.ts';

export async function runSft(
  context: RunContext,
  job: SftJob,
  unread: UnreadBaseModel,
): Promise<JobResult | undefined> {
  const { host, folder } = context;
  const { settings } = job;
  const { tokenizer, config } = unread;
  checkSftSettings(settings);
  const data = prepareInstructions(
    readRows(await folder.readData(job.data), join(folder.path, job.data.file), InstructionSchema),
    tokenizer,
    { ...settings, maxLength: Math.min(settings.maxLength, config.maxPositions) },
  );
  for (const warning of data.warnings) host.log('warning', warning);
  const { longest } = sizesOf(data, settings);
  const needsWith = (changes: Partial<SftJob['settings']>, length = longest): JobNeeds => {
    const changed = { ...settings, ...changes };
    return sftNeeds(config, changed, { ...sizesOf(data, changed), longest: length });
  };
  await estimate(context, job, unread, needsWith({}), [
    adjustable('sft', 'microBatchSize', settings.microBatchSize, size => needsWith({ microBatchSize: size })),
    ...recomputation('sft', settings, () => needsWith({ recompute: 'on' })),
    // Answers need a generator and its caches; without any the model learns the same.
    adjustable('sft', 'evaluationRows', settings.evaluationRows, rows => needsWith({ evaluationRows: rows }), 0),
    adjustable('sft', 'maxLength', longest, length => needsWith({ microBatchSize: 1 }, length)),
  ]);
  const base = await unread.read();
  const outcome = await trainSupervised({
    ...base,
    ...common(context, job),
    settings,
    data,
    endIds: tokenizer.endIds,
    decode: ids => tokenizer.decode(ids).trim(),
  });
  if (outcome.kind === 'stopped') return undefined;
  const { parameters, shapes, metrics, report, samples } = outcome.value;
  const about = { ...lineage(job, metrics), kind: 'policy' as const };
  const adapter =
    settings.tuning === 'full'
      ? await writeWholeModel(job.output, { parameters, lineage: { ...about, whole: true } }, { base: job.model.base })
      : await writeAdapter(job.output, { lora: settings.lora, parameters, shapes, lineage: about }, config);
  return {
    format: 1,
    adapter,
    seconds: context.seconds(),
    metrics: { ...metrics },
    ...(report ? { sft: report } : {}),
    ...(samples.length > 0 ? { samples: samples.map(sample => ({ ...sample })) } : {}),
    warnings: [...data.warnings],
  };
}

const InstructionSchema: v.GenericSchema<unknown, Instruction> = v.object({
  messages: v.array(v.object({ role: v.picklist(['system', 'user', 'assistant']), content: v.string() })),
  completion: v.string(),
  task: v.exactOptional(v.string()),
  references: v.exactOptional(v.array(v.string())),
});
