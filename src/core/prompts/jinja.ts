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
import { type Piece, roleMarkers, rolePiece } from './pieces.ts';
import { lineAt, type RoleMarker } from './template.ts';

type Token = ReturnType<typeof tokenize>[number];
type Program = ReturnType<typeof parse>;

/** Throws a HumanError with the line of the template. The line break at its end stays, as Prompty keeps it. */
export function renderJinja(source: string, variables: Readonly<Record<string, unknown>>): Piece[] {
  const at = (offset: number): { place: { line: number } } => ({ place: { line: lineAt(source, offset) } });
  const compiled = compile(source, variables);
  if (compiled.scan.problem) throw new HumanError(unclosed(compiled.scan.problem), at(compiled.scan.problem.offset));
  const interpreter = new MarkedInterpreter(environment(variables), compiled);
  try {
    if (!compiled.program) throw compiled.error;
    const output: { value?: unknown } = interpreter.run(compiled.program);
    const text = String(output.value);
    if (text.length > longestOutput) throw new RangeError('too long');
    return [...piecesOf(text, compiled, source), ...interpreter.undefinedPieces()];
  } catch (error) {
    if (error instanceof HumanError)
      throw error.place.line === undefined ? new HumanError(error.message, at(interpreter.position)) : error;
    const broken = syntaxErrorAt(source, compiled.scan);
    if (broken?.sentence !== undefined) throw new HumanError(broken.sentence, at(broken.offset));
    throw new HumanError(
      l10n.t('The template cannot be rendered: {0}.', reasonOf(error)),
      at(broken?.offset ?? interpreter.position),
    );
  }
}

/** What is unsupported in a template is known before it is rendered: what would read other files. */
export function unsupportedTags(source: string, scan: JinjaScan): readonly { offset: number; message: string }[] {
  return scan.segments.flatMap(segment => {
    const name = segment.kind === 'statement' && tagName(source, segment);
    return name && otherFiles.has(name) ? [{ offset: segment.start, message: noOtherFiles(name) }] : [];
  });
}

const otherFiles = new Set(['include', 'extends', 'import', 'from', 'block']);
const noOtherFiles = (name: string): string =>
  l10n.t('“{0}” is not supported: a template reads no other templates. Write the text here.', name);
const tagName = (source: string, { innerStart, innerEnd }: Segment): string =>
  /^\s*(\w+)/.exec(source.slice(innerStart, innerEnd))?.[1] ?? '';

export const unclosed = ({ kind }: NonNullable<JinjaScan['problem']>): string =>
  kind === 'unclosed-comment'
    ? l10n.t('This comment is not closed. Add “#}”.')
    : l10n.t('This tag is not closed. Add “}}” or “%}”.');

/** Characters; more is a mistake, whoever renders. */
const longestOutput = 1 << 24;
/** Parts of a template that are evaluated; it takes about a second to get there. */
const mostSteps = 1_000_000;
const longestRange = 100_000;

/** A template that was read once, for many sets of values. */
interface Compiled {
  readonly scan: JinjaScan;
  readonly mark: string;
  readonly roles: readonly RoleMarker[];
  readonly program?: Program;
  /** Nodes whose value becomes text. */
  readonly outputs: ReadonlySet<unknown>;
  readonly error?: unknown;
  /** Texts of the template by their nodes, as they are first met: their values never change. */
  readonly literals: Map<unknown, Literal>;
  /** What stands between two marks, as it is first met. */
  readonly codes: Map<string, Code>;
}

interface Literal {
  readonly value: ReturnType<Interpreter['evaluate']>;
  /** Where it is a mark that says how far rendering has come. */
  readonly reached?: Segment;
}

interface Code {
  readonly kind: string;
  readonly segment?: Segment;
  /** Of a segment: the inside of an expression, and where the text that whitespace control leaves begins. */
  readonly expression: string;
  readonly textStart: number;
  readonly role?: { readonly piece: Piece; readonly end: number };
}

/** The templates used last, oldest first. */
const compiledTemplates = new Map<string, Compiled>();
const mostCompiled = 32;

function compile(source: string, variables: Readonly<Record<string, unknown>>): Compiled {
  const known = compiledTemplates.get(source);
  if (known && !holds(variables, known.mark)) return known;
  const scan = scanJinja(source);
  const mark = unusedCharacter(source, variables);
  const roles: RoleMarker[] = [];
  const outputs = new Set<unknown>();
  let program: Program | undefined;
  let error: unknown;
  try {
    // The library drops one line break at the end; Prompty keeps it.
    if (!scan.problem) {
      program = parse(withMarks(tokenize(`${source}\n`, {}), source, scan, mark, roles));
      collectOutputs(program, outputs);
    }
  } catch (reason) {
    error = reason;
  }
  const compiled: Compiled = { scan, mark, roles, program, outputs, error, literals: new Map(), codes: new Map() };
  compiledTemplates.delete(source);
  compiledTemplates.set(source, compiled);
  for (const oldest of compiledTemplates.keys()) {
    if (compiledTemplates.size <= mostCompiled) break;
    compiledTemplates.delete(oldest);
  }
  return compiled;
}

const statements = new Set([
  'Set',
  'If',
  'For',
  'Macro',
  'CallStatement',
  'FilterStatement',
  'Break',
  'Continue',
  'Comment',
]);

/** Expressions that stand in text, at any depth. */
function collectOutputs(node: unknown, outputs: Set<unknown>): void {
  if (node === null || typeof node !== 'object') return;
  for (const list of ['body', 'alternate', 'defaultBlock']) {
    const block = (node as Record<string, unknown>)[list];
    if (!Array.isArray(block)) continue;
    for (const item of block as { type?: string }[]) {
      if (statements.has(item.type ?? '')) collectOutputs(item, outputs);
      else if (item.type !== 'StringLiteral') outputs.add(item);
    }
  }
}

/** An interpreter that knows which segment it has reached, which values were not there, and when to stop. */
class MarkedInterpreter extends Interpreter {
  position = 0;
  readonly #compiled: Compiled;
  readonly #undefined = new Map<string, Piece>();
  #segment: Segment | undefined;
  #steps = 0;

  constructor(environment: Environment, compiled: Compiled) {
    super(environment);
    this.#compiled = compiled;
  }

  undefinedPieces(): readonly Piece[] {
    return [...this.#undefined.values()];
  }

  override evaluate(...args: Parameters<Interpreter['evaluate']>): ReturnType<Interpreter['evaluate']> {
    if (++this.#steps > mostSteps)
      throw new HumanError(l10n.t('The template does too much. Look for loops over large ranges.'));
    const statement = args[0] as { type?: string; value?: unknown } | undefined;
    if (statement?.type === 'StringLiteral' && typeof statement.value === 'string') {
      const { value, reached } = this.#compiled.literals.get(statement) ?? this.#literal(statement.value, args);
      if (reached) {
        this.#segment = reached;
        this.position = reached.start;
      }
      return value;
    }
    const segment = this.#segment;
    const result = super.evaluate(...args);
    if (result.type === 'UndefinedValue' && this.#compiled.outputs.has(statement)) this.#note(statement, segment);
    return result;
  }

  #literal(code: string, args: Parameters<Interpreter['evaluate']>): Literal {
    const { mark, scan, literals } = this.#compiled;
    const marks = code.startsWith(mark) && code[1] !== 'x' && code[1] !== 'r';
    const reached = marks ? scan.segments[Number.parseInt(code.slice(2), 10)] : undefined;
    const literal = { value: super.evaluate(...args), reached };
    literals.set(args[0], literal);
    return literal;
  }

  #note(node: unknown, segment: Segment | undefined): void {
    const expression = pathOf(node);
    const { start, end } = segment ?? { start: 0, end: 0 };
    this.#undefined.set(`${start} ${expression}`, { kind: 'undefined', text: '', expression, start, end });
  }
}

/** `a.b` of a member expression. */
function pathOf(node: unknown): string {
  const { type, value, object, property, computed } = node as Record<string, unknown>;
  if (type === 'Identifier') return String(value);
  if (type !== 'MemberExpression') return '…';
  const inner = property as { value?: unknown; type?: string };
  const key = computed
    ? `[${inner.type === 'Identifier' ? '…' : JSON.stringify(inner.value ?? '…')}]`
    : `.${String(inner.value)}`;
  return pathOf(object) + key;
}

/** True where some text of a value holds the character. */
function holds(value: unknown, character: string): boolean {
  if (typeof value === 'string') return value.includes(character);
  if (Array.isArray(value)) return value.some(item => holds(item, character));
  if (value === null || typeof value !== 'object') return false;
  for (const key in value)
    if (key.includes(character) || holds((value as Record<string, unknown>)[key], character)) return true;
  return false;
}

/** Names that every template knows; a template sets its own in the scope below. */
let sharedGlobals: Environment | undefined;

function globals(): Environment {
  if (sharedGlobals) return sharedGlobals;
  const made = new Environment();
  const words = { true: true, false: false, none: null, True: true, False: false, None: null };
  for (const [name, value] of Object.entries(words)) made.set(name, value);
  made.set('range', range);
  made.set('raise_exception', (message: unknown) => {
    throw new HumanError(l10n.t('The template stopped: {0}', String(message)));
  });
  sharedGlobals = made;
  return made;
}

function environment(variables: Readonly<Record<string, unknown>>): Environment {
  const own = new Environment(globals());
  for (const name of Object.keys(variables)) if (name !== 'namespace') own.set(name, variables[name]);
  return own;
}

function range(start: number, stop?: number, step = 1): number[] {
  const [from, to] = typeof stop === 'number' ? [start, stop] : [0, start];
  if (!Number.isInteger(step) || step === 0) throw new Error('range() needs a step other than 0');
  if (Math.abs((to - from) / step) > longestRange)
    throw new HumanError(l10n.t('range() gives at most {0} numbers. Use a smaller range.', longestRange));
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

function piecesOf(output: string, compiled: Compiled, source: string): Piece[] {
  const pieces: Piece[] = [];
  let code: Code | undefined;
  let textStart = 0;
  const parts = output.split(compiled.mark);
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]!;
    if (i % 2 === 0) {
      const segment = code?.segment;
      if (segment?.kind === 'expression') {
        const { expression } = code!;
        pieces.push({ kind: 'value', text: part, expression, start: segment.start, end: segment.end });
      } else if (part !== '') {
        pieces.push({ kind: 'text', text: part, start: textStart });
        textStart += part.length;
      }
      continue;
    }
    const met = compiled.codes.get(part) ?? codeOf(part, compiled, source);
    if (met.kind === 'r') {
      if (met.role) {
        pieces.push(met.role.piece);
        if (code?.segment?.kind !== 'expression') textStart = met.role.end;
      }
    } else {
      code = met;
      if (met.segment?.kind === 'text') textStart = met.textStart;
    }
  }
  return pieces;
}

/** Reads what stands between two marks. */
function codeOf(part: string, { codes, roles, scan: { segments } }: Compiled, source: string): Code {
  const kind = part[0] ?? '';
  const index = Number.parseInt(part.slice(1), 10);
  const segment = kind === 'r' || kind === 's' || kind === 'x' ? undefined : segments[index];
  const role = kind === 'r' ? roles[index] : undefined;
  const code: Code = {
    kind,
    segment,
    expression: segment ? source.slice(segment.innerStart, segment.innerEnd).trim() : '',
    textStart: segment?.kind === 'text' ? trimmedRange(segments, index, source)[0] : 0,
    role: role && { piece: rolePiece(role), end: role.range.end },
  };
  // Where a template has cut a mark in two, values stand between marks: those are not kept.
  if ((segment || role) && part === `${kind}${index}`) codes.set(part, code);
  return code;
}

/** Where a template that does not parse goes wrong: the first tag that does not parse alone, or the block left open. */
function syntaxErrorAt(source: string, scan: JinjaScan): { offset: number; sentence?: string } | undefined {
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
      const name = tagName(source, segment);
      if (otherFiles.has(name)) return { offset: segment.start, sentence: noOtherFiles(name) };
      if (name.startsWith('end')) {
        if (open.pop()?.name !== name.slice(3)) return { offset: segment.start };
      } else if (['if', 'for', 'macro', 'call', 'filter'].includes(name) || (name === 'set' && !inner.includes('=')))
        open.push({ name, offset: segment.start });
      else if (!['else', 'elif', 'set', 'break', 'continue'].includes(name)) return { offset: segment.start };
    }
  }
  const left = open.at(-1);
  if (!left) return undefined;
  const sentence = l10n.t('The block “{0}” is not closed. Add “{1}”.', left.name, `{% end${left.name} %}`);
  return { offset: left.offset, sentence };
}

function reasonOf(error: unknown): string {
  if (error instanceof RangeError) return l10n.t('it is nested too deeply or grows too large');
  return (error instanceof Error ? error.message : String(error)).replace(/\.$/, '').slice(0, 300);
}
