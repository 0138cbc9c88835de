/** Turns the tokenizer metadata of a GGUF file into the form of tokenizer.json. */
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import { byteLevel, preTokenizers } from './preTokenizers.ts';
import type { NormalisedTokenizer } from './tokenizerData.ts';

/** ggml's token types. */
const UNKNOWN = 2;
const CONTROL = 3;
const USER_DEFINED = 4;

/** Throws a HumanError for kinds of tokenizers that are not supported and for damaged metadata. */
export function tokenizerFromGguf(path: string, metadata: ReadonlyMap<string, unknown>): NormalisedTokenizer {
  const refuse = (message: string) => new HumanError(message, { place: { file: path } });
  const tokens = metadata.get('tokenizer.ggml.tokens');
  if (!Array.isArray(tokens) || !tokens.every(t => typeof t === 'string') || tokens.length === 0) {
    throw refuse(l10n.t('This GGUF file has no tokenizer. Use a complete model file.'));
  }
  const types = metadata.get('tokenizer.ggml.token_type');
  if (types !== undefined && (!Array.isArray(types) || types.length !== tokens.length)) {
    throw refuse(l10n.t('The tokenizer in this GGUF file is damaged: its token types do not match its tokens.'));
  }
  const typeOf = (id: number): unknown => (Array.isArray(types) ? types[id] : undefined);
  const idAt = (key: string): number | undefined => {
    const id = metadata.get(key);
    if (id === undefined) return undefined;
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id >= tokens.length) {
      throw refuse(l10n.t('The tokenizer in this GGUF file is damaged: {0} is no token.', key));
    }
    return id;
  };
  const vocab = new Map<string, number>();
  // The first of equal tokens wins, as in llama.cpp's own table.
  tokens.forEach((token: string, id) => {
    if (!vocab.has(token)) vocab.set(token, id);
  });
  const added = (tokens as string[]).flatMap((content, id) => {
    const type = typeOf(id);
    const special = type === CONTROL || type === UNKNOWN;
    const plain = { single_word: false, lstrip: false, rstrip: false, normalized: false };
    return special || type === USER_DEFINED ? [{ id, content, special, ...plain }] : [];
  });
  const bos = idAt('tokenizer.ggml.bos_token_id');
  const eos = idAt('tokenizer.ggml.eos_token_id');
  const unknown = idAt('tokenizer.ggml.unknown_token_id');
  const model = metadata.get('tokenizer.ggml.model');
  const parts =
    model === 'gpt2'
      ? bytePairModel(metadata, vocab, refuse)
      : model === 'llama'
        ? sentencePieceModel(metadata, vocab, tokens as string[], unknown, refuse)
        : undefined;
  if (!parts) {
    throw refuse(
      l10n.t(
        'This model’s tokenizer is of the kind “{0}”; “gpt2” and “llama” are supported. Use another model.',
        String(model),
      ),
    );
  }
  const addBos = (metadata.get('tokenizer.ggml.add_bos_token') ?? model === 'llama') === true && bos !== undefined;
  const chatTemplate = metadata.get('tokenizer.chat_template');
  return {
    path,
    tokenizer: {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: added,
      post_processor: addBos ? beginWith(tokens[bos] as string, bos) : null,
      ...parts,
    },
    config: {
      ...(bos === undefined ? {} : { bos_token: tokens[bos] }),
      ...(eos === undefined ? {} : { eos_token: tokens[eos] }),
    },
    ...(typeof chatTemplate === 'string' ? { chatTemplate } : {}),
    endTokenIds: [eos, idAt('tokenizer.ggml.eot_token_id')].filter(id => id !== undefined),
  };
}

type Refuse = (message: string) => Error;

const beginWith = (token: string, id: number) => ({
  type: 'TemplateProcessing',
  single: [{ SpecialToken: { id: token, type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
  pair: [
    { SpecialToken: { id: token, type_id: 0 } },
    { Sequence: { id: 'A', type_id: 0 } },
    { Sequence: { id: 'B', type_id: 1 } },
  ],
  special_tokens: { [token]: { id: token, ids: [id], tokens: [token] } },
});

function bytePairModel(
  metadata: ReadonlyMap<string, unknown>,
  vocab: ReadonlyMap<string, number>,
  refuse: Refuse,
): Record<string, unknown> {
  const pre = metadata.get('tokenizer.ggml.pre');
  const known = typeof pre === 'string' && Object.hasOwn(preTokenizers, pre) ? preTokenizers[pre] : undefined;
  if (!known) {
    throw refuse(
      l10n.t(
        'This model splits text in the way “{0}”, which is not supported ({1} are). Use the model’s Hugging Face folder instead.',
        String(pre ?? 'default'),
        Object.keys(preTokenizers).join(', '),
      ),
    );
  }
  const merges = metadata.get('tokenizer.ggml.merges');
  if (!Array.isArray(merges) || !merges.every(m => typeof m === 'string' && m.indexOf(' ', 1) > 0)) {
    throw refuse(l10n.t('The tokenizer in this GGUF file is damaged: its merges are missing.'));
  }
  return {
    normalizer: known.normalizer ?? null,
    pre_tokenizer: known.preTokenizer,
    decoder: byteLevel(true),
    model: {
      type: 'BPE',
      vocab: Object.fromEntries(vocab),
      merges: (merges as string[]).map(merge => {
        const at = merge.indexOf(' ', 1);
        return [merge.slice(0, at), merge.slice(at + 1)];
      }),
      ignore_merges: known.ignoreMerges ?? false,
      byte_fallback: false,
    },
  };
}

/** SentencePiece BPE: merges are not stored, they follow from the scores (as transformers' converter derives them). */
function sentencePieceModel(
  metadata: ReadonlyMap<string, unknown>,
  vocab: ReadonlyMap<string, number>,
  tokens: readonly string[],
  unknown: number | undefined,
  refuse: Refuse,
): Record<string, unknown> {
  const scores = metadata.get('tokenizer.ggml.scores');
  if (!Array.isArray(scores) || scores.length !== tokens.length || !scores.every(s => typeof s === 'number')) {
    throw refuse(l10n.t('The tokenizer in this GGUF file is damaged: its scores are missing.'));
  }
  const merges: { pair: [string, string]; score: number; left: number; right: number }[] = [];
  tokens.forEach((token, id) => {
    const characters = [...token];
    if (characters.length > 64 || vocab.get(token) !== id) return;
    for (let cut = 1; cut < characters.length; cut++) {
      const pair: [string, string] = [characters.slice(0, cut).join(''), characters.slice(cut).join('')];
      const left = vocab.get(pair[0]);
      const right = vocab.get(pair[1]);
      if (left !== undefined && right !== undefined) merges.push({ pair, score: scores[id] as number, left, right });
    }
  });
  merges.sort((a, b) => b.score - a.score || a.left - b.left || a.right - b.right);
  const prefix = metadata.get('tokenizer.ggml.add_space_prefix') !== false;
  return {
    normalizer: {
      type: 'Sequence',
      normalizers: [
        ...(prefix ? [{ type: 'Prepend', prepend: '▁' }] : []),
        { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
      ],
    },
    pre_tokenizer: null,
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        ...(prefix ? [{ type: 'Strip', content: ' ', start: 1, stop: 0 }] : []),
      ],
    },
    model: {
      type: 'BPE',
      vocab: Object.fromEntries(vocab),
      merges: merges.map(m => m.pair),
      unk_token: unknown === undefined ? null : tokens[unknown],
      fuse_unk: true,
      byte_fallback: true,
    },
  };
}
