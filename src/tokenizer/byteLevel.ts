/** The alphabet of byte-level BPE: each byte as one printable character, as GPT-2's encoder.py defines it. */

const bytesByCharacter = new Map<string, number>();
{
  const printable = (byte: number) =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
  let next = 256;
  for (let byte = 0; byte < 256; byte++) {
    bytesByCharacter.set(String.fromCodePoint(printable(byte) ? byte : next++), byte);
  }
}

/** The bytes that a token of a byte-level vocabulary stands for; undefined when it is not written in that alphabet. */
export function bytesOfByteLevelToken(token: string): Uint8Array | undefined {
  const bytes: number[] = [];
  for (const character of token) {
    const byte = bytesByCharacter.get(character);
    if (byte === undefined) return undefined;
    bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}

/** The 256 characters in the order of the bytes they stand for. */
export const byteLevelAlphabet: readonly string[] = [...bytesByCharacter.entries()]
  .sort((a, b) => a[1] - b[1])
  .map(([c]) => c);
