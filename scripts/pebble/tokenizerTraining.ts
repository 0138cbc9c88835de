/** Trains a byte-level BPE vocabulary and writes it as a Hugging Face `tokenizer.json`. */

/** The GPT-2 split into words: what the ByteLevel pre-tokenizer does with `use_regex`. */
const PIECES = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

/** Byte → printable character, the GPT-2 table: printable Latin-1 stays itself, the other 68 bytes move to U+0100 and up. */
export const byteCharacters: readonly string[] = (() => {
  const printable = (byte: number): boolean =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255);
  let moved = 0;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : 256 + moved++));
})();

interface Piece {
  symbols: string[];
  readonly count: number;
}

const SEPARATOR = ' ';

/**
 * Merges in the order in which they were learned, at most `limit`: each time the most frequent pair of neighbours,
 * ties by the pair's text, so that the result depends on the texts alone. Source: Sennrich, Haddow & Birch 2016.
 */
export function learnMerges(texts: Iterable<string>, limit: number): [string, string][] {
  const counts = new Map<string, number>();
  for (const text of texts)
    for (const piece of text.match(PIECES) ?? []) counts.set(piece, (counts.get(piece) ?? 0) + 1);
  const pieces: Piece[] = [...counts].map(([piece, count]) => ({
    symbols: [...new TextEncoder().encode(piece)].map(byte => byteCharacters[byte]!),
    count,
  }));
  const pairs = new Map<string, { count: number; readonly pieces: Set<Piece> }>();
  const tally = (piece: Piece, sign: 1 | -1): void => {
    for (let i = 0; i + 1 < piece.symbols.length; i++) {
      const key = piece.symbols[i]! + SEPARATOR + piece.symbols[i + 1]!;
      const entry = pairs.get(key) ?? { count: 0, pieces: new Set() };
      pairs.set(key, entry);
      entry.count += sign * piece.count;
      if (sign > 0) entry.pieces.add(piece);
    }
  };
  for (const piece of pieces) tally(piece, 1);
  const merges: [string, string][] = [];
  while (merges.length < limit) {
    let best = '';
    let most = 1;
    for (const [key, { count }] of pairs)
      if (count > most || (count === most && best !== '' && key < best)) [best, most] = [key, count];
    if (best === '') break;
    const [left, right] = best.split(SEPARATOR) as [string, string];
    merges.push([left, right]);
    for (const piece of pairs.get(best)!.pieces) {
      tally(piece, -1);
      for (let i = 0; i + 1 < piece.symbols.length; i++) {
        if (piece.symbols[i] === left && piece.symbols[i + 1] === right) piece.symbols.splice(i, 2, left + right);
      }
      tally(piece, 1);
    }
    pairs.delete(best);
  }
  return merges;
}

/** A `tokenizer.json` whose first ids are the special tokens, then the bytes, then the merges. */
export function tokenizerJson(
  merges: readonly (readonly [string, string])[],
  special: readonly string[],
): Record<string, unknown> {
  const vocabulary: Record<string, number> = {};
  for (const token of [...special, ...byteCharacters, ...merges.map(pair => pair.join(''))]) {
    vocabulary[token] ??= Object.keys(vocabulary).length;
  }
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: special.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: vocabulary,
      merges: merges.map(pair => [...pair]),
    },
  };
}
