/** Where a Jinja template's text, tags and variables stand, in one linear pass: for spans, roles and diagnostics, not for rendering. */
import type { VariableUse } from './template.ts';

export interface Segment {
  readonly kind: 'text' | 'expression' | 'statement' | 'comment';
  /** With the delimiters. */
  readonly start: number;
  readonly end: number;
  /** Between the delimiters and their `-`. */
  readonly innerStart: number;
  readonly innerEnd: number;
  /** `{{-`: whitespace before it goes. */
  readonly trimBefore: boolean;
  /** `-}}`: whitespace after it goes. */
  readonly trimAfter: boolean;
}

export interface ScanProblem {
  readonly offset: number;
  readonly kind: 'unclosed-tag' | 'unclosed-comment';
}

export interface JinjaScan {
  readonly segments: readonly Segment[];
  readonly problem?: ScanProblem;
}

/** Cuts a template into segments that cover it. Never throws; what is not closed runs to the end and is the problem. */
export function scanJinja(source: string): JinjaScan {
  const segments: Segment[] = [];
  const text = (start: number, end: number): void => {
    if (end > start) {
      const plain = { start, end, innerStart: start, innerEnd: end, trimBefore: false, trimAfter: false };
      segments.push({ kind: 'text', ...plain });
    }
  };
  const opener = /\{[{%#]/g;
  for (let at = 0; ; ) {
    opener.lastIndex = at;
    const match = opener.exec(source);
    if (!match) {
      text(at, source.length);
      return { segments };
    }
    const start = match.index;
    text(at, start);
    const kind = match[0] === '{{' ? 'expression' : match[0] === '{%' ? 'statement' : 'comment';
    const trimBefore = source[start + 2] === '-';
    const innerStart = start + (trimBefore ? 3 : 2);
    const close =
      kind === 'comment' ? source.indexOf('#}', innerStart) : closeOf(source, innerStart, kind === 'expression');
    if (close === -1) {
      const problem: ScanProblem = {
        offset: start,
        kind: kind === 'comment' ? 'unclosed-comment' : 'unclosed-tag',
      };
      const rest = { start, end: source.length, innerStart, innerEnd: source.length };
      segments.push({ kind, ...rest, trimBefore, trimAfter: false });
      return { segments, problem };
    }
    const trimAfter = close > innerStart && source[close - 1] === '-';
    const innerEnd = trimAfter ? close - 1 : close;
    segments.push({ kind, start, end: close + 2, innerStart, innerEnd, trimBefore, trimAfter });
    at = close + 2;
  }
}

/** Offset of the `}}` or `%}` that closes a tag, minding strings and, in expressions, object literals. */
function closeOf(source: string, from: number, expression: boolean): number {
  let depth = 0;
  for (let i = from; i < source.length; i++) {
    const char = source[i];
    if (char === '"' || char === "'") {
      for (i++; i < source.length && source[i] !== char; i++) if (source[i] === '\\') i++;
    } else if (expression ? char === '}' && source[i + 1] === '}' && depth <= 0 : char === '%' && source[i + 1] === '}')
      return i;
    else if (char === '{') depth++;
    else if (char === '}') depth--;
  }
  return -1;
}

interface Word {
  readonly text: string;
  readonly start: number;
  readonly name: boolean;
}

const keywords = new Set(
  'and or not in is if else elif true false none True False None loop self recursive with without context'.split(' '),
);
const globals = new Set(['range', 'namespace', 'raise_exception', 'strftime_now', 'caller', 'varargs', 'kwargs']);
const guards = new Set(['defined', 'undefined', 'none', 'default', 'd']);

/** Variables that a template takes from outside. A name that the template binds anywhere counts as its own. */
export function jinjaVariables(source: string, scan: JinjaScan = scanJinja(source)): VariableUse[] {
  const uses: { name: string; start: number; guarded: boolean }[] = [];
  const bound = new Set<string>();
  for (const segment of scan.segments) {
    if (segment.kind === 'text' || segment.kind === 'comment') continue;
    let words = wordsOf(source, segment.innerStart, segment.innerEnd);
    if (segment.kind === 'statement') words = bindings(words, bound);
    const first = uses.length;
    for (let i = 0; i < words.length; i++) {
      const word = words[i]!;
      if (!word.name) continue;
      const before = words[i - 1]?.text;
      const isTest = before === 'is' || (before === 'not' && words[i - 2]?.text === 'is');
      if (before === '|' || (isTest && word.text !== 'not')) {
        const last = uses.at(-1);
        if (last && uses.length > first && guards.has(word.text)) last.guarded = true;
        continue;
      }
      if (before === '.' || keywords.has(word.text) || globals.has(word.text)) continue;
      if (words[i + 1]?.text === '=' && (before === '(' || before === ',')) continue;
      uses.push({ name: word.text, start: word.start, guarded: false });
    }
  }
  return uses
    .filter(use => !bound.has(use.name))
    .map(({ name, start, guarded }) => ({ name, range: { start, end: start + name.length }, guarded }));
}

/** Notes what a statement binds and returns the words that are expressions. */
function bindings(words: Word[], bound: Set<string>): Word[] {
  const [tag, ...rest] = words;
  const bind = (upTo: number): void => {
    for (const word of rest.slice(0, upTo)) if (word.name) bound.add(word.text);
  };
  switch (tag?.text) {
    case 'for': {
      const at = rest.findIndex(word => word.text === 'in');
      bind(at);
      return rest.slice(at + 1);
    }
    case 'set': {
      const at = rest.findIndex(word => word.text === '=');
      bind(at === -1 ? rest.length : at);
      return at === -1 ? [] : rest.slice(at + 1);
    }
    case 'macro':
      rest.forEach((word, i) => {
        const before = rest[i - 1]?.text;
        if (word.name && (i === 0 || before === '(' || before === ',')) bound.add(word.text);
      });
      return [];
    case 'call': {
      if (rest[0]?.text !== '(') return rest;
      const at = rest.findIndex(word => word.text === ')');
      bind(at);
      return rest.slice(at + 1);
    }
    case 'if':
    case 'elif':
      return rest;
    default:
      return [];
  }
}

function wordsOf(source: string, start: number, end: number): Word[] {
  const words: Word[] = [];
  const pattern = /[A-Za-z_]\w*|\d[\w.]*|==|!=|<=|>=|"(?:[^"\\]|\\[\s\S])*"?|'(?:[^'\\]|\\[\s\S])*'?|\S/g;
  for (const match of source.slice(start, end).matchAll(pattern)) {
    const name = /^[A-Za-z_]/.test(match[0]);
    words.push({ text: match[0], start: start + match.index, name });
  }
  return words;
}
