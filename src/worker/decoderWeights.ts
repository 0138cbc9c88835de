/** The weights that a decoder is made from: read in full, or in fewer bits from the cache of converted ones. */
import { l10n } from '../base/l10n.ts';
import type { DecoderWeights, WeightPrecision } from '../language-model/quantise.ts';
import { encodeQuantised, quantiseWeights, readQuantised } from '../language-model/quantisedWeights.ts';
import type { PrecisionChoice } from '../protocol/inference.ts';
import { weightCache } from '../storage/weightCache.ts';
import type { OpenedModel } from './openModel.ts';

export interface ReadContext {
  readonly signal: AbortSignal;
  readonly onProgress: (message: string, fraction?: number) => void;
  /** Where converted weights are kept between runs; absent: they are not. */
  readonly cacheFolder?: string;
}

/** Below this number of weights 8 bits save no time worth their rounding. */
const SMALL = 50e6;
/** Changes when the same weights are to be converted in another way. */
const LAYOUT = 1;

export const chosenPrecision = (choice: PrecisionChoice, parameters: number): WeightPrecision =>
  choice === 'auto' ? (parameters < SMALL ? 'float32' : 'int8') : choice;

export async function readDecoderWeights(
  opened: OpenedModel,
  precision: WeightPrecision,
  context: ReadContext,
): Promise<DecoderWeights> {
  if (precision === 'float32') return readFull(opened, context);
  const { config } = opened.files;
  const cache = context.cacheFolder === undefined ? undefined : weightCache(context.cacheFolder);
  const key = `${opened.baseRevision}-${precision}-${LAYOUT}`;
  const file = await cache?.read(key);
  if (file) {
    try {
      return await readQuantised(file, config, precision);
    } catch {
      // Written by another version: it is written anew below.
    }
  }
  const weights = quantiseWeights(config, await readFull(opened, context), precision);
  context.onProgress(l10n.t('Keeping the converted model for the next time'));
  // A disk that cannot take it costs time at the next load, and nothing else.
  await cache?.write(key, encodeQuantised(weights, { revision: opened.baseRevision, precision })).catch(() => {});
  return weights;
}

async function readFull(
  { files }: OpenedModel,
  { signal, onProgress }: ReadContext,
): Promise<Map<string, Float32Array>> {
  const reading = l10n.t('Reading the model');
  onProgress(reading, 0);
  let reported = 0;
  return files.readWeights({
    signal,
    onProgress: fraction => {
      if (fraction - reported < 0.05) return;
      reported = fraction;
      onProgress(reading, fraction);
    },
  });
}
