/** UTF-8 through the WHATWG coders, which every host of this code has (Node, Electron, browsers). */

interface Decoder {
  decode(bytes?: Uint8Array, options?: { stream?: boolean }): string;
}
declare const TextDecoder: new (label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean }) => Decoder;
declare const TextEncoder: new () => { encode(text: string): Uint8Array };

const encoder = new TextEncoder();

export const toUtf8 = (text: string): Uint8Array => encoder.encode(text);

/** Bad bytes become U+FFFD, or with `fatal` a TypeError. A byte order mark is kept. */
export const fromUtf8 = (bytes: Uint8Array, options: { fatal?: boolean } = {}): string =>
  new TextDecoder('utf-8', { ...options, ignoreBOM: true }).decode(bytes);

/** Decodes a stream of bytes; a character is returned only when all its bytes have come. */
export class Utf8Stream {
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });

  push(bytes: Uint8Array): string {
    return this.#decoder.decode(bytes, { stream: true });
  }

  /** What an incomplete character at the end becomes: U+FFFD or nothing. */
  end(): string {
    return this.#decoder.decode();
  }
}
