/** What a tokenizer is made from: the files of a Hugging Face folder, or the metadata of a GGUF file. */
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';

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

/** The parts of a Hugging Face folder that matter. Throws a HumanError where tokenizer.json is none. */
export function normalise(data: TokenizerData & { kind: 'huggingface' }): NormalisedTokenizer {
  const config = isRecord(data.config) ? data.config : {};
  if (!isRecord(data.tokenizer)) {
    throw new HumanError(l10n.t('tokenizer.json is damaged: it is not a JSON object. Download the model again.'), {
      place: { file: data.path },
    });
  }
  const {
    normalizer = null,
    pre_tokenizer = null,
    post_processor = null,
    decoder = null,
    model,
    added_tokens = [],
  } = data.tokenizer;
  const inConfig = config.chat_template;
  const named = Array.isArray(inConfig)
    ? (inConfig.filter(isRecord).find(template => template.name === 'default')?.template ?? undefined)
    : inConfig;
  const source = data.chatTemplate === undefined ? 'tokenizer_config.json' : 'chat_template.jinja';
  const chatTemplate = data.chatTemplate ?? (typeof named === 'string' ? named : undefined);
  return {
    path: data.path,
    tokenizer: { normalizer, pre_tokenizer, post_processor, decoder, model, added_tokens },
    config,
    ...(chatTemplate === undefined
      ? {}
      : { chatTemplate, chatTemplatePath: data.path.replace(/tokenizer\.json$/, source) }),
    endTokenIds: data.endTokenIds ?? [],
  };
}
