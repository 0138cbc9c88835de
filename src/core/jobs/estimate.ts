/** What a job will need, before it starts: memory, time, steps; said in a sentence, and refused where it cannot fit. */
import { l10n } from '../../base/l10n.ts';
import type { RewardSettings } from './job.ts';

/** What `training/jobNeeds.ts` works out without reading a weight. */
export interface JobNeeds {
  readonly steps: number;
  /** Floating-point operations of all matrix products. */
  readonly flops: number;
  /** Bytes of weights that are read while answers are sampled. */
  readonly decodedBytes: number;
  /** Bytes by what they are for. */
  readonly parts: Readonly<Record<string, number>>;
}

export interface JobEstimate {
  /** Bytes at the peak, the process itself included. */
  readonly memory: number;
  /** Bytes that this computer can give now. */
  readonly available: number;
  readonly steps: number;
  /** Least and most, seconds. */
  readonly seconds: readonly [number, number];
}

/** Speed of this computer, measured. */
export interface MachineSpeed {
  /** fp32 matrix product, floating-point operations a second. */
  readonly flops: number;
}

/** Share of the matmul peak that whole jobs reach, from the worst to the best that was seen. */
const efficiency = [0.15, 0.7] as const;
/** Bytes a second that decoding reads, from a slow laptop to a fast desktop. */
const bandwidth = [4e9, 25e9] as const;

export const totalMemory = ({ parts }: JobNeeds): number => Object.values(parts).reduce((sum, bytes) => sum + bytes, 0);

export function estimateOf(needs: JobNeeds, machine: MachineSpeed, available: number): JobEstimate {
  const seconds = (share: number, bytes: number): number =>
    needs.flops / (machine.flops * share) + needs.decodedBytes / bytes;
  return {
    memory: totalMemory(needs),
    available,
    steps: needs.steps,
    seconds: [seconds(efficiency[1], bandwidth[1]), seconds(efficiency[0], bandwidth[0])],
  };
}

/** `Needs about 1.3 GB of memory (22 GB are free) and 2 to 9 min.` */
export function estimateText({ memory, available, seconds }: JobEstimate): string {
  return l10n.t(
    'Needs about {0} of memory ({1} are free) and {2}.',
    bytesText(memory),
    bytesText(available),
    rangeText(seconds),
  );
}

/** Two digits, in MB or GB of 10⁶ and 10⁹ bytes. */
export function bytesText(bytes: number): string {
  const megabytes = Number((bytes / 1e6).toPrecision(2));
  return megabytes < 1000 ? `${megabytes} MB` : `${Number((bytes / 1e9).toPrecision(2))} GB`;
}

function rangeText([low, high]: readonly [number, number]): string {
  if (high < 60) return l10n.t('less than a minute');
  if (high < 5400) {
    const [least, most] = [Math.max(1, Math.round(low / 60)), Math.round(high / 60)];
    return least === most ? l10n.t('about {0} min', least) : l10n.t('{0} to {1} min', least, most);
  }
  return l10n.t('{0} to {1} h', Number((low / 3600).toPrecision(1)), Number((high / 3600).toPrecision(2)));
}

/** Steps of the optimizer over `pairs` training pairs. */
export const rewardSteps = (pairs: number, settings: Pick<RewardSettings, 'epochs' | 'batchSize'>): number =>
  Math.max(
    1,
    Math.round((Math.ceil(pairs / Math.max(1, settings.batchSize)) * Math.round(settings.epochs * 1000)) / 1000),
  );
