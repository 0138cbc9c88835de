/** Keeps the adapter of each evaluation in the job's folder, where people are going to say which was best. */
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import type { RlhfJob } from '../core/jobs/job.ts';
import type { ModelConfig } from '../language-model/config.ts';
import { type LoraConfig, loraParameters } from '../language-model/lora.ts';
import type { JobFolder } from '../storage/jobFolder.ts';
import { evaluationFolder } from '../storage/keptEvaluations.ts';
import { hostWith, type RecipeHost, unpackState } from '../training/recipe.ts';
import { writeAdapter } from './adapterFiles.ts';
import { lineage } from './jobRun.ts';

/**
 * The host and the settings of such a job: every evaluation but the last has a checkpoint, of which the adapter is written before the
 * checkpoint itself. The last one's adapter is the job's own model.
 */
export function keepEvaluations(
  job: RlhfJob,
  { folder, host, lora, config }: { folder: JobFolder; host: RecipeHost; lora: LoraConfig; config: ModelConfig },
): { readonly host: RecipeHost; readonly settings: RlhfJob['settings'] } {
  const { evaluateEvery, evaluationPrompts, checkpointEvery } = job.settings;
  if (evaluateEvery === 0 || evaluationPrompts === 0) throw noEvaluations();
  const shapes = loraParameters(config, lora);
  const checkpoint: RecipeHost['checkpoint'] = async made => {
    if (made.step > 0 && made.step % evaluateEvery === 0) {
      const name = `${job.name}@${made.step}`;
      const { parameters } = unpackState(made.arrays);
      const about = { ...lineage(job, {}), name, kind: 'policy' as const };
      await writeAdapter(evaluationFolder(folder, made.step), { lora, parameters, shapes, lineage: about }, config);
    }
    await host.checkpoint(made);
  };
  return {
    host: hostWith(host, { checkpoint }),
    settings: { ...job.settings, checkpointEvery: commonDivisor(checkpointEvery, evaluateEvery) },
  };
}

/** Of a job whose answers nobody could judge. */
const noEvaluations = (): HumanError =>
  new HumanError(
    l10n.t('People judge the answers to fixed prompts. Set how many there are and how often they are asked.'),
  );

const commonDivisor = (a: number, b: number): number => (b === 0 ? a : commonDivisor(b, a % b));
