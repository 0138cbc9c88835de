/** What the configurations of all families share: the common fields, and reading of checked numbers from config.json. */
import type { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';

/** What every family says of itself, whatever its config.json calls it. */
export interface CommonConfig {
  readonly vocabSize: number;
  readonly hiddenSize: number;
  /** Width of the feed-forward layer. */
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  /** Heads of keys and values; each serves heads/kvHeads query heads. */
  readonly kvHeads: number;
  readonly headDim: number;
  /** The output matrix is the embedding matrix. */
  readonly tieWordEmbeddings: boolean;
  /** Longest sequence in tokens. */
  readonly maxPositions: number;
  /** Standard deviation of fresh weights. */
  readonly initializerRange: number;
  readonly bosTokenId: number | undefined;
  readonly eosTokenIds: readonly number[];
}

export type Json = Readonly<Record<string, unknown>>;
export type Refuse = (message: string) => HumanError;

/** Reads fields by name; each throws a sentence with the field's name when the value cannot be what it is meant to be. */
export function fieldReader(fields: Json, refuse: Refuse) {
  return {
    whole(name: string, low: number, high: number, fallback?: number): number {
      const value = fields[name] ?? fallback;
      if (typeof value !== 'number' || !Number.isInteger(value) || value < low || value > high) {
        throw refuse(l10n.t('{0} has to be a whole number from {1} to {2}, not {3}.', name, low, high, String(value)));
      }
      return value;
    },
    positive(name: string, fallback: unknown): number {
      const value = fields[name] ?? fallback;
      if (typeof value !== 'number' || !(value > 0) || !Number.isFinite(value)) {
        throw refuse(l10n.t('{0} has to be a number above 0, not {1}.', name, String(value)));
      }
      return value;
    },
    flag(name: string, fallback: boolean): boolean {
      const value = fields[name] ?? fallback;
      if (typeof value !== 'boolean')
        throw refuse(l10n.t('{0} has to be true or false, not {1}.', name, String(value)));
      return value;
    },
  };
}

/** `bos_token_id` and `eos_token_id`, which is one number or a list of them. */
export const tokenIds = (fields: Json): Pick<CommonConfig, 'bosTokenId' | 'eosTokenIds'> => ({
  bosTokenId: typeof fields.bos_token_id === 'number' ? fields.bos_token_id : undefined,
  eosTokenIds: [fields.eos_token_id].flat().filter((id): id is number => typeof id === 'number'),
});

export const formatTokenIds = ({ bosTokenId, eosTokenIds: ends }: CommonConfig): Json => ({
  ...(bosTokenId === undefined ? {} : { bos_token_id: bosTokenId }),
  ...(ends.length === 0 ? {} : { eos_token_id: ends.length === 1 ? ends[0] : [...ends] }),
});
