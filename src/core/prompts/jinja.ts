/**
 * Renders Jinja with stock whitespace into pieces. Runs what users write: only ever called where it can be stopped.
 *
 * The library gives one string. To know what in it came from where, tokens of text are put between the template's own
 * tokens: marks made of a character that occurs neither in the template nor in any value, so that no value can forge one.
 */
import { Environment, Interpreter, parse, tokenize } from '@huggingface/jinja';
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import { type JinjaScan, type Segment, scanJinja } from './jinjaScanner.ts';
import { type Piece, roleMarkers } from './pieces.ts';
import { lineAt, type RoleMarker } from './template.ts';

type Token = ReturnType<typeof tokenize>[number];

/** Throws a HumanError with the line of the template. */
export function renderJinja(template: string, variables: Readonly<Record<string, unknown>>): Piece[] {
  // Stock Jinja drops one line break at the end.
  const source = template.endsWith('\n') ? template.slice(0, -1) : template;
  const scan = scanJinja(source);
  const at = (offset: number): { place: { line: number } } => ({ place: { line: lineAt(source, offset) } });
  if (scan.problem) {
    throw new HumanError(
      scan.problem.kind === 'unclosed-comment'
        ? l10n.t('This comment is not closed. Add “#}”.')
        : l10n.t('This tag is not closed. Add “}}” or “%}”.'),
      at(scan.problem.offset),
    );
  }
  const mark = unusedCharacter(source, variables);
  const roles: RoleMarker[] = [];
  let position = 0;
  try {
    const tokens = withMarks(tokenize(template, {}), source, scan, mark, roles);
    const program = parse(tokens);
    const interpreter = new MarkedInterpreter(environment(variables), offset => {
      position = offset;
    });
    interpreter.mark = mark;
    interpreter.offsets = scan.segments.map(segment => segment.start);
    const output: { value?: unknown } = interpreter.run(program);
    return piecesOf(String(output.value), mark, source, scan.segments, roles);
  } catch (error) {
    if (error instanceof HumanError)
      throw error.place.line === undefined ? new HumanError(error.message, at(position)) : error;
    const broken = syntaxErrorAt(source, scan);
    if (broken?.open !== undefined) {
      const sentence = l10n.t('The block “{0}” is not closed. Add “{1}”.', broken.open, `{% end${broken.open} %}`);
      throw new HumanError(sentence, at(broken.offset));
    }
    throw new HumanError(
      l10n.t('The template cannot be rendered: {0}.', reasonOf(error)),
      at(broken?.offset ?? position),
    );
  }
}

/** An interpreter that says which segment it has reached. */
class MarkedInterpreter extends Interpreter {
  mark = '';
  offsets: readonly number[] = [];
  readonly #reached: (offset: number) => void;

  constructor(environment: Environment, reached: (offset: number) => void) {
    super(environment);
    this.#reached = reached;
  }

  override evaluate(...args: Parameters<Interpreter['evaluate']>): ReturnType<Interpreter['evaluate']> {
    const statement = args[0] as { type?: string; value?: unknown } | undefined;
    if (statement?.type === 'StringLiteral' && typeof statement.value === 'string') {
      const code = statement.value;
      if (code.startsWith(this.mark) && code[1] !== 'x')
        this.#reached(this.offsets[Number.parseInt(code.slice(2), 10)] ?? 0);
    }
    return super.evaluate(...args);
  }
}

function environment(variables: Readonly<Record<string, unknown>>): Environment {
  const globals = new Environment();
  for (const [name, value] of Object.entries({
    true: true,
    false: false,
    none: null,
    True: true,
    False: false,
    None: null,
  }))
    globals.set(name, value);
  globals.set('range', range);
  globals.set('raise_exception', (message: unknown) => {
    throw new HumanError(l10n.t('The template stopped: {0}', String(message)));
  });
  const own = new Environment(globals);
  for (const [name, value] of Object.entries(variables)) if (name !== 'namespace') own.set(name, value);
  return own;
}

function range(start: number, stop?: number, step = 1): number[] {
  const [from, to] = typeof stop === 'number' ? [start, stop] : [0, start];
  if (!Number.isInteger(step) || step === 0) throw new Error('range() needs a step other than 0');
  const values: number[] = [];
  for (let i = from; step > 0 ? i < to : i > to; i += step) values.push(i);
  return values;
}

/** A private-use character that neither the template nor any value holds. */
function unusedCharacter(source: string, variables: unknown): string {
  const used = new Set<number>();
  const collect = (text: string): void => {
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code >= 0xe000 && code <= 0xf8ff) used.add(code);
    }
  };
  const visit = (value: unknown): void => {
    if (typeof value === 'string') collect(value);
    else if (Array.isArray(value)) value.forEach(visit);
    else if (value !== null && typeof value === 'object') {
      for (const [key, item] of Object.entries(value)) {
        collect(key);
        visit(item);
      }
    }
  };
  collect(source);
  visit(variables);
  for (let code = 0xe000; code <= 0xf8ff; code++) if (!used.has(code)) return String.fromCharCode(code);
  throw new HumanError(l10n.t('The values use every private-use character of Unicode; none is left to work with.'));
}

const capturing = new Set(['macro', 'call', 'filter']);
const released = new Set(['endset', 'endmacro', 'endcall', 'endfilter']);

/**
 * Marks: `t` begins the text of segment n, `e` the value of expression n, `x` ends it, `s` reaches statement n, `r` is role
 * marker n. Inside blocks whose text becomes a value ({% set %}…, macros, filters) only roles are marked, so that lengths and
 * comparisons stay true.
 */
function withMarks(tokens: Token[], source: string, scan: JinjaScan, mark: string, roles: RoleMarker[]): Token[] {
  const result: Token[] = [];
  const code = (kind: string, index: number | ''): Token => ({ type: 'Text', value: `${mark}${kind}${index}${mark}` });
  let captured = 0;
  let segment = -1;
  const next = (kind: Segment['kind']): number => {
    do segment++;
    while (segment < scan.segments.length && skipped(scan.segments, segment, source, kind));
    if (scan.segments[segment]?.kind !== kind) {
      throw new HumanError(l10n.t('The template has a tag that Tunesmith does not know. Remove it.'));
    }
    return segment;
  };
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    if (token.type === 'Text') {
      const index = next('text');
      if (captured === 0) result.push(code('t', index));
      result.push({ type: 'Text', value: markRoles(token.value, source, scan.segments, index, mark, roles) });
    } else if (token.type === 'Comment') {
      next('comment');
      result.push(token);
    } else if (token.type === 'OpenExpression') {
      const index = next('expression');
      if (captured === 0) result.push(code('e', index));
      result.push(token);
    } else if (token.type === 'CloseExpression') {
      result.push(token);
      if (captured === 0) result.push(code('x', ''));
    } else if (token.type === 'OpenStatement') {
      const index = next('statement');
      const name = tokens[i + 1]?.value ?? '';
      if (captured === 0) result.push(code('s', index));
      if (released.has(name)) captured = Math.max(0, captured - 1);
      if (capturing.has(name) || (name === 'set' && isBlockSet(tokens, i))) captured++;
      result.push(token);
    } else result.push(token);
  }
  return result;
}

const isBlockSet = (tokens: readonly Token[], open: number): boolean => {
  for (let i = open; i < tokens.length && tokens[i]!.type !== 'CloseStatement'; i++)
    if (tokens[i]!.type === 'Equals') return false;
  return true;
};

/** Text that whitespace control empties has no token. */
function skipped(segments: readonly Segment[], index: number, source: string, wanted: Segment['kind']): boolean {
  const segment = segments[index]!;
  if (segment.kind !== 'text') return false;
  return wanted !== 'text' || trimmedRange(segments, index, source)[0] === trimmedRange(segments, index, source)[1];
}

/** What whitespace control leaves of a text segment. */
function trimmedRange(segments: readonly Segment[], index: number, source: string): [number, number] {
  let { start, end } = segments[index]!;
  const text = source.slice(start, end);
  if (segments[index - 1]?.trimAfter) start = end - text.trimStart().length;
  if (segments[index + 1]?.trimBefore) end = Math.max(start, end - (text.length - text.trimEnd().length));
  return [start, end];
}

function markRoles(
  value: string,
  source: string,
  segments: readonly Segment[],
  index: number,
  mark: string,
  roles: RoleMarker[],
): string {
  const [start, end] = trimmedRange(segments, index, source);
  if (source.slice(start, end) !== value) throw new Error('the scanner and the library read the template differently');
  let result = '';
  let done = start;
  const segment = segments[index]!;
  for (const role of roleMarkers(source, segment.start, segment.end)) {
    result += source.slice(done, Math.max(done, role.range.start)) + `${mark}r${roles.length}${mark}`;
    done = Math.min(role.range.end, end);
    roles.push(role);
  }
  return result + source.slice(done, end);
}

function piecesOf(
  output: string,
  mark: string,
  source: string,
  segments: readonly Segment[],
  roles: readonly RoleMarker[],
): Piece[] {
  const pieces: Piece[] = [];
  let segment: Segment | undefined;
  let textStart = 0;
  const parts = output.split(mark);
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]!;
    if (i % 2 === 0) {
      if (segment?.kind === 'expression') {
        const expression = source.slice(segment.innerStart, segment.innerEnd).trim();
        pieces.push({ kind: 'value', text: part, expression, start: segment.start, end: segment.end });
      } else if (part !== '') {
        pieces.push({ kind: 'text', text: part, start: textStart });
        textStart += part.length;
      }
      continue;
    }
    const index = Number.parseInt(part.slice(1), 10);
    if (part[0] === 'r') {
      const role = roles[index];
      if (role) {
        pieces.push({ kind: 'role', role: role.role, ...role.range });
        if (segment?.kind !== 'expression') textStart = role.range.end;
      }
    } else if (part[0] === 'x' || part[0] === 's') segment = undefined;
    else {
      segment = segments[index];
      if (segment?.kind === 'text') textStart = trimmedRange(segments, index, source)[0];
    }
  }
  return pieces;
}

/** Where a template that does not parse goes wrong: the first tag that does not parse alone, or the block left open. */
function syntaxErrorAt(source: string, scan: JinjaScan): { offset: number; open?: string } | undefined {
  const open: { name: string; offset: number }[] = [];
  for (const segment of scan.segments) {
    const inner = source.slice(segment.innerStart, segment.innerEnd);
    if (segment.kind === 'expression') {
      try {
        parse(tokenize(`{{${inner}}}`, {}));
      } catch {
        return { offset: segment.start };
      }
    } else if (segment.kind === 'statement') {
      const name = /^\s*(\w+)/.exec(inner)?.[1] ?? '';
      if (name.startsWith('end')) {
        if (open.pop()?.name !== name.slice(3)) return { offset: segment.start };
      } else if (['if', 'for', 'macro', 'call', 'filter'].includes(name) || (name === 'set' && !inner.includes('=')))
        open.push({ name, offset: segment.start });
      else if (!['else', 'elif', 'set', 'break', 'continue'].includes(name)) return { offset: segment.start };
    }
  }
  const left = open.at(-1);
  return left && { offset: left.offset, open: left.name };
}

function reasonOf(error: unknown): string {
  if (error instanceof RangeError) return l10n.t('it is nested too deeply or grows too large');
  return (error instanceof Error ? error.message : String(error)).replace(/\.$/, '').slice(0, 300);
}
