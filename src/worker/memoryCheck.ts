/** Says what a job will need, and refuses it before any weight is read when this computer cannot give it. */
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import { bytesText, estimateOf, type JobEstimate, type JobNeeds, totalMemory } from '../core/jobs/estimate.ts';
import { createSession, float32, Graph, matmul } from '../engine/index.ts';
import type { WeightPrecision } from '../language-model/quantise.ts';
import { availableMemory } from './availableMemory.ts';

/** A setting with which the job can be made to need less. */
export interface Adjustable {
  /** As the form shows it. */
  readonly label: string;
  readonly value: number | string;
  /** Other values and what the job needs with them, the nearest first. */
  readonly others: Iterable<{ readonly value: number | string; readonly needs: JobNeeds }>;
}

/** Halves of a number, down to 1 or 0. */
export function* halvesOf(
  value: number,
  needsWith: (value: number) => JobNeeds,
  least = 1,
): Generator<{ readonly value: number; readonly needs: JobNeeds }> {
  for (let whole = value; whole > least; ) {
    whole = Math.floor(whole / 2);
    yield { value: whole, needs: needsWith(whole) };
  }
}

/** Throws a HumanError with the estimate, what is free and what would fit. `file` is the model's. */
export async function checkJob(
  needs: JobNeeds,
  adjustable: readonly Adjustable[],
  parameters: number,
  file: string,
): Promise<JobEstimate> {
  // What the process itself holds by now is part of the estimate.
  const available = availableMemory() + process.memoryUsage.rss();
  const memory = totalMemory(needs);
  if (memory > available) {
    throw new HumanError(
      [
        l10n.t('This job needs about {0} of memory, but only {1} are free.', bytesText(memory), bytesText(available)),
        whatFits(adjustable, available) ??
          l10n.t(
            'Choose a smaller model, of at most about {0} million parameters, or close other programs.',
            Math.max(1, Math.floor(((available / memory) * parameters) / 1e6)),
          ),
      ].join(' '),
      { place: { file } },
    );
  }
  return estimateOf(needs, { flops: await matmulSpeed() }, available);
}

/** The first setting, in the order given, that makes the job fit. */
function whatFits(adjustable: readonly Adjustable[], available: number): string | undefined {
  for (const { label, value, others } of adjustable) {
    for (const other of others) {
      const memory = totalMemory(other.needs);
      if (memory > available) continue;
      const about = bytesText(memory);
      return l10n.t('It fits with “{0}” at {1} instead of {2} (about {3}).', label, other.value, value, about);
    }
  }
  return undefined;
}

const SIZE = 512;
const REPEATS = 5;

/** Floating-point operations a second of one matrix product, the best of a few. */
async function matmulSpeed(): Promise<number> {
  const graph = new Graph();
  const square = ['a', 'b'].map(name => graph.input(name, 'float32', [SIZE, SIZE]));
  const session = await createSession(graph, { y: matmul(square[0]!, square[1]!) });
  try {
    const data = float32(new Float32Array(SIZE * SIZE).fill(0.5), [SIZE, SIZE]);
    let best = Number.POSITIVE_INFINITY;
    for (let i = 0; i < REPEATS; i++) {
      const start = performance.now();
      await session.run({ a: data, b: data });
      best = Math.min(best, performance.now() - start);
    }
    return (2 * SIZE ** 3) / (best / 1000);
  } finally {
    await session.dispose();
  }
}

/** Refuses to load a model for answers that cannot fit. `weightBytes` are those of its weights in float32. */
export function checkModel(weightBytes: number, precision: WeightPrecision, file: string): void {
  const memory = loadBytes(weightBytes, precision);
  const available = Math.max(0, availableMemory());
  if (memory <= available) return;
  const smaller = (['int8', 'int4'] as const).find(
    candidate => loadBytes(weightBytes, candidate) <= available && loadBytes(weightBytes, candidate) < memory,
  );
  throw new HumanError(
    [
      l10n.t('This model needs about {0} of memory, but only {1} are free.', bytesText(memory), bytesText(available)),
      smaller
        ? l10n.t(
            'It fits with the precision {0} (about {1}): change the setting “tunesmith.localPrecision”, or --precision on the command line.',
            smaller,
            bytesText(loadBytes(weightBytes, smaller)),
          )
        : l10n.t(
            'Close other programs, or choose a model of at most about {0} million parameters.',
            Math.max(1, Math.floor(((available / memory) * weightBytes) / 4e6)),
          ),
    ].join(' '),
    { place: { file } },
  );
}

/** Most that a load holds at one time. */
function loadBytes(weightBytes: number, precision: WeightPrecision): number {
  const factor = precision === 'float32' && weightBytes > CONSTANTS_LIMIT ? LIVE : LOADED[precision];
  return weightBytes * factor;
}

/** Float weights beyond this are read where they lie; see language-model/decoder.ts. */
const CONSTANTS_LIMIT = 1.5e9;
/** The weights, and the largest of them once more while it is read. */
const LIVE = 1.15;
/**
 * Bytes held at the peak of a load for each byte of float32 weights: what was read, what it is converted to, the session's
 * packed copies and the model that it was made from. Measured with 135M weights.
 */
const LOADED: Readonly<Record<WeightPrecision, number>> = { float32: 4.2, int8: 1.75, int4: 1.5 };
