/** Text ↔ token ids, for the vocabularies of the Llama family: byte-level BPE and SentencePiece BPE with byte fallback. */
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import { fromUtf8, toUtf8, Utf8Stream } from '../base/utf8.ts';
import { bytesOfByteLevelToken } from './byteLevel.ts';
import { type ChatTemplate, compileChatTemplate } from './chatTemplate.ts';
import { tokenizerFromGguf } from './ggufTokenizer.ts';
import { isRecord, type NormalisedTokenizer, normalise, type TokenizerData, tokenText } from './tokenizerData.ts';

export interface TokenSpan {
  readonly id: number;
  /** UTF-16 positions in the text; a character split between tokens belongs to the token that completes it. */
  readonly start: number;
  readonly end: number;
}

export interface Tokenizer {
  /** One more than the largest id. */
  readonly size: number;
  /** Tokens that end an answer; the first is the one to train with. Empty where the files name none. */
  readonly endIds: readonly number[];
  readonly chatTemplate: ChatTemplate | undefined;
  /**
   * Ids of `text`. `begin` (default false) adds what the model expects before a plain text, such as a begin token; a
   * chat template writes that itself. Special tokens written in the text are recognised, as in transformers.
   */
  encode(text: string, options?: { readonly begin?: boolean }): number[];
  encodeSpans(text: string, options?: { readonly begin?: boolean }): TokenSpan[];
  /** Special tokens are left out unless `special`. Bytes that are no UTF-8 become U+FFFD. */
  decode(ids: ArrayLike<number>, options?: { readonly special?: boolean }): string;
  /** Decodes token by token without ever giving out part of a character. */
  stream(): TokenStream;
  isSpecial(id: number): boolean;
  idOf(token: string): number | undefined;
  /** How one token reads on its own, for showing it; special tokens by their name. */
  show(id: number): string;
}

export interface TokenStream {
  /** The text that became certain with this token, often empty. Special tokens give none. */
  push(id: number): string;
  /** What is left of an incomplete character. */
  end(): string;
}

/** Names under which models of this family know their end, besides what their files say. Source: llama.cpp, llama-vocab.cpp. */
const END_NAMES = ['<|im_end|>', '<|eot_id|>', '<|end_of_text|>', '<|endoftext|>', '</s>', '<|end|>'];
const MAX_ID = 1 << 24;

/** Throws a HumanError for damaged files and for kinds of tokenizers that are not supported. */
export function createTokenizer(data: TokenizerData): Tokenizer {
  const parts = data.kind === 'gguf' ? tokenizerFromGguf(data.path, data.metadata) : normalise(data);
  const refuse = (message: string, cause?: unknown) => new HumanError(message, { cause, place: { file: parts.path } });
  const added = checkedAddedTokens(parts, refuse);
  const vocabulary = checkedVocabulary(parts, refuse);
  const form = decoderForm(parts.tokenizer.decoder);
  if (!form)
    throw refuse(
      l10n.t('This model’s tokenizer decodes in a way that is not supported. Use a model of the Llama family.'),
    );

  let inner: HuggingFaceTokenizer;
  try {
    inner = new HuggingFaceTokenizer(
      { ...parts.tokenizer, pre_tokenizer: withNumbers(parts.tokenizer.pre_tokenizer) },
      parts.config,
    );
  } catch (cause) {
    throw refuse(
      l10n.t('The tokenizer cannot be used: {0}.', cause instanceof Error ? cause.message : String(cause)),
      cause,
    );
  }

  const texts = new Map<number, string>();
  for (const [token, id] of vocabulary) texts.set(id, token);
  for (const { content, id } of added) texts.set(id, content);
  const addedIds = new Set(added.map(token => token.id));
  const specialIds = new Set(added.filter(token => token.special).map(token => token.id));
  const byText = new Map([...vocabulary, ...added.map(token => [token.content, token.id] as const)]);
  let size = 0;
  for (const id of texts.keys()) size = Math.max(size, id + 1);
  const none = new Uint8Array(0);
  const cache = new Map<number, Uint8Array>();

  const bytesOf = (id: number): Uint8Array => {
    const known = cache.get(id);
    if (known) return known;
    const token = texts.get(id);
    const bytes = token === undefined ? none : addedIds.has(id) ? toUtf8(token) : form.bytes(token);
    cache.set(id, bytes);
    return bytes;
  };

  const endIds = [
    ...new Set([
      ...parts.endTokenIds,
      ...named(tokenText(parts.config.eos_token)),
      ...END_NAMES.flatMap(name => named(name).filter(id => specialIds.has(id))),
    ]),
  ];
  function named(token: string | undefined): number[] {
    const id = token === undefined ? undefined : byText.get(token);
    return id === undefined ? [] : [id];
  }
  for (const id of endIds) specialIds.add(id);

  const encode: Tokenizer['encode'] = (text, { begin = false } = {}) => {
    const { ids } = inner.encode(text, { add_special_tokens: begin });
    const bad = ids.findIndex(id => typeof id !== 'number');
    if (bad >= 0)
      throw refuse(
        l10n.t('The tokenizer has no token for some of this text. Remove unusual characters, or use another model.'),
      );
    return ids;
  };

  const stream = (keepSpecial: boolean): TokenStream => {
    const utf8 = new Utf8Stream();
    let first = form.stripsFirstSpace;
    return {
      push(id) {
        if (specialIds.has(id) && !keepSpecial) return '';
        let bytes = bytesOf(id);
        if (first && bytes.length > 0) {
          if (bytes[0] === 32 && !addedIds.has(id)) bytes = bytes.subarray(1);
          first = false;
        }
        return utf8.push(bytes);
      },
      end: () => utf8.end(),
    };
  };

  return {
    size,
    endIds,
    chatTemplate: chatTemplateOf(parts),
    encode,
    encodeSpans(text, options) {
      const utf8 = new Utf8Stream();
      let strip = form.stripsFirstSpace && !text.startsWith(' ');
      let position = 0;
      return encode(text, options).map(id => {
        const start = position;
        const inText = !specialIds.has(id) || text.startsWith(texts.get(id) ?? '\0', position);
        if (inText) {
          let bytes = bytesOf(id);
          if (strip && bytes.length > 0) {
            if (bytes[0] === 32) bytes = bytes.subarray(1);
            strip = false;
          }
          position = Math.min(text.length, position + utf8.push(bytes).length);
        }
        return { id, start, end: position };
      });
    },
    decode(ids, { special = false } = {}) {
      const decoder = stream(special);
      let text = '';
      for (let i = 0; i < ids.length; i++) text += decoder.push(ids[i]!);
      return text + decoder.end();
    },
    stream: () => stream(false),
    isSpecial: id => specialIds.has(id),
    idOf: token => byText.get(token),
    show: id => fromUtf8(bytesOf(id)),
  };
}

interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly special: boolean;
}
type Refuse = (message: string, cause?: unknown) => HumanError;

const isId = (id: unknown): id is number => typeof id === 'number' && Number.isInteger(id) && id >= 0 && id < MAX_ID;

function checkedAddedTokens(parts: NormalisedTokenizer, refuse: Refuse): AddedToken[] {
  const list = parts.tokenizer.added_tokens ?? [];
  if (!Array.isArray(list)) throw refuse(l10n.t('The tokenizer is damaged: its added tokens are no list.'));
  return list.map(token => {
    if (!isRecord(token) || !isId(token.id) || typeof token.content !== 'string' || token.content === '') {
      throw refuse(l10n.t('The tokenizer is damaged: one of its added tokens has no valid id or text.'));
    }
    return { id: token.id, content: token.content, special: token.special === true };
  });
}

function checkedVocabulary(parts: NormalisedTokenizer, refuse: Refuse): Map<string, number> {
  const { model } = parts.tokenizer;
  if (!isRecord(model) || !isRecord(model.vocab) || !Array.isArray(model.merges)) {
    throw refuse(
      l10n.t(
        'Only BPE tokenizers are supported, and this model has another kind or a damaged file. Use a model of the Llama family.',
      ),
    );
  }
  const vocabulary = new Map<string, number>();
  for (const [token, id] of Object.entries(model.vocab)) {
    if (!isId(id)) throw refuse(l10n.t('The tokenizer is damaged: the token “{0}” has no valid id.', token));
    vocabulary.set(token, id);
  }
  if (vocabulary.size === 0) throw refuse(l10n.t('The tokenizer is damaged: its vocabulary is empty.'));
  return vocabulary;
}

interface DecoderForm {
  /** Bytes that an ordinary token stands for. */
  bytes(token: string): Uint8Array;
  readonly stripsFirstSpace: boolean;
}

/** The two ways in which this family turns tokens back into text. */
function decoderForm(decoder: unknown): DecoderForm | undefined {
  if (!isRecord(decoder)) return undefined;
  const steps =
    decoder.type === 'Sequence' && Array.isArray(decoder.decoders) ? decoder.decoders.filter(isRecord) : [decoder];
  const types = steps.map(step => step.type);
  if (types.includes('ByteLevel')) {
    return { bytes: token => bytesOfByteLevelToken(token) ?? toUtf8(token), stripsFirstSpace: false };
  }
  if (types.includes('Metaspace') || types.includes('ByteFallback')) {
    const metaspace = steps.find(step => step.type === 'Metaspace');
    return {
      bytes: token => {
        const byte = /^<0x([0-9A-Fa-f]{2})>$/.exec(token);
        return byte ? Uint8Array.of(Number.parseInt(byte[1]!, 16)) : toUtf8(token.replaceAll('▁', ' '));
      },
      stripsFirstSpace: types.includes('Strip') || (metaspace !== undefined && metaspace.prepend_scheme !== 'never'),
    };
  }
  return undefined;
}

/**
 * The library's `Digits` knows only decimal digits; the original splits at every numeric character (², ½, Ⅳ too), so the
 * same is said as a pattern.
 */
function withNumbers(step: unknown): unknown {
  if (!isRecord(step)) return step;
  if (step.type === 'Sequence' && Array.isArray(step.pretokenizers)) {
    return { ...step, pretokenizers: step.pretokenizers.map(withNumbers) };
  }
  if (step.type !== 'Digits') return step;
  const pattern = step.individual_digits === true ? '\\p{N}' : '\\p{N}+';
  return { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false };
}

function chatTemplateOf(parts: NormalisedTokenizer): ChatTemplate | undefined {
  if (parts.chatTemplate === undefined) return undefined;
  return compileChatTemplate(parts.chatTemplate, parts.chatTemplatePath ?? parts.path, {
    bos_token: tokenText(parts.config.bos_token) ?? '',
    eos_token: tokenText(parts.config.eos_token) ?? '',
  });
}
