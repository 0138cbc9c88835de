/** Learning-rate schedules: a factor of the peak rate for each step. */

export interface ScheduleSettings {
  readonly kind: 'constant' | 'linear' | 'cosine';
  /** Steps of linear warm-up from 0. Default 0. */
  readonly warmupSteps?: number;
  /** Steps in all; the factor ends at `floor` there. */
  readonly totalSteps: number;
  /** Last factor. Default 0. */
  readonly floor?: number;
}

/**
 * The factor of step 0, 1, …. The curves are those of transformers' `get_*_schedule_with_warmup`, with two deliberate
 * differences: the first warm-up step there has the rate 0 and changes nothing, here the warm-up starts with the next one;
 * after the last step their cosine rises again, ours stays at its floor.
 */
export function scheduleFactor(schedule: ScheduleSettings, step: number): number {
  const { kind, warmupSteps = 0, totalSteps, floor = 0 } = schedule;
  if (step < warmupSteps) return (step + 1) / (warmupSteps + 1);
  if (kind === 'constant') return 1;
  const progress = Math.min(1, (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps));
  const fall = kind === 'linear' ? 1 - progress : (1 + Math.cos(Math.PI * progress)) / 2;
  return floor + (1 - floor) * fall;
}
