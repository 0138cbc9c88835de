/**
 * Server-sent events of which nearly all differ in one text only, the next token. Those are not parsed: what `JSON.parse` and the
 * parser of events make of a frame is a kilobyte of garbage, and frames come by tens of thousands a second.
 */
import { createParser } from 'eventsource-parser';
import { parseJson } from '../base/jsonLines.ts';

/** A frame around its text: `data: {…"content":` and `…}\n\n`, without the text's quotes. */
interface Shape {
  readonly before: string;
  readonly after: string;
}

export interface TextFramesOptions {
  /** What a frame says in the end, as JSON; undefined where it is none. */
  readonly onFrame: (value: unknown) => void;
  /** The text of a frame that says nothing else, as `textOf` would have found it. */
  readonly onText: (text: string) => void;
  /** The text of a frame that says nothing else; undefined for others, after which frames are parsed again. */
  readonly textOf: (value: unknown) => string | undefined;
  readonly onTooLong: () => never;
  /** Characters that one event may have. */
  readonly limit: number;
}

/** Shapes in a row that no frame had a second time, after which none is looked for. */
const Tries = 8;
const Probe = 'a text that no server sends';
/** What would have to be unescaped, or is no JSON text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they end a text that is none.
const Special = /[\u0000-\u001f\\]/;

export class TextFrames {
  readonly #options: TextFramesOptions;
  readonly #parser: ReturnType<typeof createParser>;
  #shape: Shape | undefined;
  #tries = 0;
  /** The beginning of an event whose end has not come. */
  #rest = '';
  /** Line ends are not what most servers send: everything is parsed. */
  #plain = false;

  constructor(options: TextFramesOptions) {
    this.#options = options;
    this.#parser = createParser({
      maxBufferSize: options.limit,
      onEvent: ({ data }) => {
        if (data !== '[DONE]') this.#frame(data);
      },
      onError: error => {
        if (error.type === 'max-buffer-size-exceeded') options.onTooLong();
      },
    });
  }

  feed(piece: string): void {
    this.#plain ||= piece.includes('\r');
    if (this.#plain) {
      const text = this.#rest + piece;
      this.#rest = '';
      this.#parser.feed(text);
      return;
    }
    let at = 0;
    if (this.#rest !== '') {
      // Only the event that was cut is put together.
      const joins = this.#rest.endsWith('\n') && piece.startsWith('\n');
      const end = joins ? 1 : endOf(piece, 0);
      const event = this.#rest + (end === -1 ? piece : piece.slice(0, end));
      this.#rest = end === -1 ? event : '';
      if (this.#rest.length > this.#options.limit) this.#options.onTooLong();
      if (end === -1) return;
      this.#events(event);
      at = end;
    }
    const read = this.#events(piece, at);
    if (read < piece.length) this.#rest = alone(piece.slice(read));
    if (this.#rest.length > this.#options.limit) this.#options.onTooLong();
  }

  /** Reads the events that are whole; up to where. */
  #events(text: string, from = 0): number {
    for (let at = from; ; ) {
      const next = this.#same(text, at);
      if (next !== -1) {
        at = next;
        continue;
      }
      const end = endOf(text, at);
      if (end === -1) return at;
      this.#parser.feed(text.slice(at, end));
      at = end;
    }
  }

  /** Reads a frame of the known shape; where it ends, or -1. */
  #same(text: string, at: number): number {
    const shape = this.#shape;
    if (!shape?.before || !text.startsWith(shape.before, at)) return -1;
    const start = at + shape.before.length;
    const end = text.indexOf('"', start);
    if (end <= start || !text.startsWith(shape.after, end)) return -1;
    const said = text.slice(start, end);
    if (Special.test(said)) return -1;
    this.#tries = 0;
    this.#options.onText(said);
    return end + shape.after.length;
  }

  #frame(data: string): void {
    const value = parseJson(data);
    const said = this.#options.textOf(value);
    if (said === undefined) {
      this.#shape = undefined;
      this.#options.onFrame(value);
      return;
    }
    if (this.#tries < Tries) this.#learn(data, said);
    this.#options.onText(said);
  }

  #learn(data: string, said: string): void {
    this.#tries++;
    const literal = JSON.stringify(said);
    for (let at = data.indexOf(literal); at !== -1; at = data.indexOf(literal, at + 1)) {
      const before = data.slice(0, at + 1);
      const after = data.slice(at + literal.length - 1);
      // Where another text in this place is what the frame says then, any is.
      if (this.#options.textOf(parseJson(`${before}${Probe}${after}`)) !== Probe) continue;
      this.#shape = { before: `data: ${before}`, after: `${after}\n\n` };
      return;
    }
    this.#shape = undefined;
  }
}

/** A copy: a part keeps its whole packet, and those of dozens of answers under way live long enough to be taken for lasting. */
const alone = (text: string): string => `\0${text}`.slice(1);

/** Where the event that stands there ends, after the empty line; -1 where that has not come. */
function endOf(text: string, from: number): number {
  const found = text.indexOf('\n\n', from);
  return found === -1 ? -1 : found + 2;
}
