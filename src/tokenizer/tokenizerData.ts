/** What a tokenizer is made from: the files of a Hugging Face folder, or the metadata of a GGUF file. */

export type TokenizerData =
  | {
      readonly kind: 'huggingface';
      /** For error messages. */
      readonly path: string;
      /** Parsed `tokenizer.json`. */
      readonly tokenizer: unknown;
      /** Parsed `tokenizer_config.json`; an empty object where there is none. */
      readonly config: unknown;
      /** A template kept in a file of its own, `chat_template.jinja`. */
      readonly chatTemplate?: string;
      /** End tokens that the model's own configuration names. */
      readonly endTokenIds?: readonly number[];
    }
  | {
      readonly kind: 'gguf';
      readonly path: string;
      readonly metadata: ReadonlyMap<string, unknown>;
    };

/** One form for both sources: the parts of tokenizer.json and tokenizer_config.json that matter. */
export interface NormalisedTokenizer {
  readonly path: string;
  readonly tokenizer: Readonly<Record<string, unknown>>;
  readonly config: Readonly<Record<string, unknown>>;
  readonly chatTemplate?: string;
  /** The file that the chat template comes from, for error messages; `path` by default. */
  readonly chatTemplatePath?: string;
  readonly endTokenIds: readonly number[];
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A token in tokenizer_config.json is a text or an object with `content`. */
export function tokenText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return isRecord(value) && typeof value.content === 'string' ? value.content : undefined;
}
