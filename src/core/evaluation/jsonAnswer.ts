/** JSON inside what a model wrote: where it stands, a value at a path of it, and equality of two values. */

const longest = 200_000;

/** The last JSON object or array of a text, fenced or not; undefined where none can be parsed. */
export function lastJson(text: string): unknown {
  const tail = text.slice(-longest);
  const whole = parsed(tail.trim());
  if (whole !== undefined) return whole;
  for (const fence of [...tail.matchAll(/```[\w-]*\n([\s\S]*?)```/g)].reverse()) {
    const value = parsed(fence[1]!.trim());
    if (isContainer(value)) return value;
  }
  // From every opening in order, jumping over what was parsed: the last one that no other holds.
  let found: unknown;
  let at = opening(tail, 0);
  for (let walked = 0; at !== -1 && walked < furthest; ) {
    const end = closing(tail, at);
    walked += costOfTry + (end === -1 ? tail.length : end) - at;
    const value = end === -1 ? undefined : parsed(tail.slice(at, end));
    if (value !== undefined) found = value;
    at = opening(tail, value === undefined ? at + 1 : end);
  }
  return found;
}

/** Characters that are looked at in all: an opening that nothing closes costs a walk to the end of the text. */
const furthest = 20 * longest;
/** What parsing in vain costs, in characters. */
const costOfTry = 500;

function opening(text: string, from: number): number {
  for (let at = from; at < text.length; at++) if (text[at] === '{' || text[at] === '[') return at;
  return -1;
}

/** Behind the bracket that closes the one at `start`; −1 where none does. Brackets inside strings do not count. */
function closing(text: string, start: number): number {
  let depth = 0;
  let quoted = false;
  for (let at = start; at < text.length; at++) {
    const char = text[at]!;
    if (quoted) {
      if (char === '\\') at++;
      else if (char === '"') quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === '{' || char === '[') depth++;
    else if ((char === '}' || char === ']') && --depth === 0) return at + 1;
  }
  return -1;
}

const isContainer = (value: unknown): boolean => typeof value === 'object' && value !== null;

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

export type JsonPath = readonly (string | number)[];

/**
 * A path of names and places: `$.items[0].name`, `$['a b'][-1]`. A subset of RFC 9535: what selects at most one value.
 * Undefined where the text is no such path.
 */
export function parseJsonPath(text: string): JsonPath | undefined {
  const path: (string | number)[] = [];
  let rest = text.trim();
  if (rest.startsWith('$')) rest = rest.slice(1);
  else if (!rest.startsWith('[')) rest = `.${rest}`;
  while (rest !== '') {
    const step =
      /^\.([\p{L}_][\p{L}\p{N}_-]*)/u.exec(rest) ??
      /^\[(-?\d+)\]/.exec(rest) ??
      /^\['((?:[^'\\]|\\.)*)'\]/.exec(rest) ??
      /^\["((?:[^"\\]|\\.)*)"\]/.exec(rest);
    if (!step) return undefined;
    path.push(
      /^\[-?\d/.test(step[0]) ? Number(step[1]) : step[0].startsWith('[') ? step[1]!.replace(/\\(.)/g, '$1') : step[1]!,
    );
    rest = rest.slice(step[0].length);
  }
  return path;
}

/** The value at a path, or undefined. */
export function valueAt(value: unknown, path: JsonPath): unknown {
  let at = value;
  for (const step of path) {
    if (typeof step === 'number') at = Array.isArray(at) ? at.at(step) : undefined;
    else
      at =
        isContainer(at) && !Array.isArray(at) && Object.hasOwn(at as object, step)
          ? (at as Record<string, unknown>)[step]
          : undefined;
    if (at === undefined) return undefined;
  }
  return at;
}

/** Equality of JSON values: objects without regard to order, numbers by value. */
export function jsonEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (!isContainer(a) || !isContainer(b) || Array.isArray(a) !== Array.isArray(b)) return false;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, i) => jsonEqual(item, b[i]));
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  const names = Object.keys(left);
  return (
    names.length === Object.keys(right).length &&
    names.every(name => Object.hasOwn(right, name) && jsonEqual(left[name], right[name]))
  );
}
