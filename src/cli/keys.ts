/** Keys as they are pressed, from a terminal; from a pipe each character is a key and a line break is Enter. */

export type Key = string;

/** Single characters, and `enter`, `up`, `down`, `backspace`, `interrupt`. Ends when the input ends or `signal` is aborted. */
export async function* readKeys(input: NodeJS.ReadStream, signal: AbortSignal): AsyncGenerator<Key> {
  const raw = input.isTTY === true;
  if (raw) input.setRawMode(true);
  input.setEncoding('utf8');
  const onAbort = (): void => {
    input.destroy();
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    for await (const chunk of input as AsyncIterable<string>) yield* keysOf(chunk);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
    if (raw && !input.destroyed) input.setRawMode(false);
    input.pause();
  }
}

const sequences: Readonly<Record<string, Key>> = {
  '\x1b[A': 'up',
  '\x1bOA': 'up',
  '\x1b[B': 'down',
  '\x1bOB': 'down',
  '\r\n': 'enter',
  '\r': 'enter',
  '\n': 'enter',
  '\x7f': 'backspace',
  '\b': 'backspace',
  '\x03': 'interrupt',
  '\x04': 'interrupt',
};

/** Cuts a chunk of terminal input into keys; sequences of unknown keys are passed over. */
export function keysOf(chunk: string): Key[] {
  const keys: Key[] = [];
  for (let at = 0; at < chunk.length; ) {
    const known = Object.keys(sequences).find(sequence => chunk.startsWith(sequence, at));
    if (known !== undefined) {
      keys.push(sequences[known]!);
      at += known.length;
      continue;
    }
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
    const unknown = /^\x1b(?:\[[\d;]*[A-Za-z~]|O[A-Za-z])?|^[\x00-\x1f]/.exec(chunk.slice(at))?.[0];
    const key = unknown ?? String.fromCodePoint(chunk.codePointAt(at)!);
    if (unknown === undefined) keys.push(key);
    at += key.length;
  }
  return keys;
}
