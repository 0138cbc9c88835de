/**
 * Renders Mustache into pieces: variables, sections, inverted sections and comments. As in Prompty, `{{x}}` escapes HTML and
 * `{{{x}}}` or `{{&x}}` does not. Partials, lambdas and changed delimiters are refused.
 */
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import { type Piece, roleMarkers, rolePiece } from './pieces.ts';
import { lineAt, type VariableUse } from './template.ts';

interface Tag {
  readonly kind: 'value' | 'raw' | 'section' | 'inverted' | 'end' | 'comment' | 'unknown';
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

type Node =
  | { readonly kind: 'text'; readonly start: number; readonly end: number }
  | { readonly kind: 'value'; readonly tag: Tag }
  | { readonly kind: 'section' | 'inverted'; readonly tag: Tag; readonly body: readonly Node[] };

const deepest = 100;

/** Throws a HumanError with the line of the template. */
export function renderMustache(template: string, variables: Readonly<Record<string, unknown>>): Piece[] {
  const pieces: Piece[] = [];
  const missing = new Map<number, Piece>();
  const text = (start: number, end: number): void => {
    let done = start;
    for (const marker of roleMarkers(template, start, end)) {
      const { range } = marker;
      if (range.start > done) pieces.push({ kind: 'text', text: template.slice(done, range.start), start: done });
      pieces.push(rolePiece(marker));
      done = range.end;
    }
    if (end > done) pieces.push({ kind: 'text', text: template.slice(done, end), start: done });
  };
  const render = (nodes: readonly Node[], context: readonly unknown[]): void => {
    for (const node of nodes) {
      if (node.kind === 'text') {
        text(node.start, node.end);
        continue;
      }
      const { name, start, end } = node.tag;
      const value = lookUp(context, name);
      if (node.kind === 'value') {
        if (value === undefined) missing.set(start, { kind: 'undefined', text: '', expression: name, start, end });
        const plain = textOf(value);
        const shown = node.tag.kind === 'raw' ? plain : escaped(plain);
        pieces.push({ kind: 'value', text: shown, expression: name, start, end });
      } else if (node.kind === 'inverted') {
        if (isFalsy(value)) render(node.body, context);
      } else if (Array.isArray(value)) for (const item of value) render(node.body, [...context, item]);
      else if (!isFalsy(value)) render(node.body, [...context, value]);
    }
  };
  render(parsed(template), [variables]);
  return [...pieces, ...missing.values()];
}

/** The template that was used last. */
let last: { readonly template: string; readonly nodes: readonly Node[] } | undefined;

function parsed(template: string): readonly Node[] {
  if (last?.template !== template) last = { template, nodes: parse(template) };
  return last.nodes;
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '"': '&quot;', '<': '&lt;', '>': '&gt;' };
const escaped = (text: string): string => text.replace(/[&"<>]/g, character => entities[character]!);

/** Throws a HumanError with the line of the template where it cannot be rendered. */
export const checkMustache = (template: string): void => void parsed(template);

/** Variables that the template takes from outside: those not looked up inside a section. */
export function mustacheVariables(template: string): VariableUse[] {
  const uses: VariableUse[] = [];
  let depth = 0;
  for (const tag of tagsOf(template)) {
    if (tag.kind === 'end') depth--;
    const name = tag.name.split('.')[0] ?? '';
    const section = tag.kind === 'section' || tag.kind === 'inverted';
    if ((section || tag.kind === 'value' || tag.kind === 'raw') && depth <= 0 && name !== '') {
      const start = template.indexOf(name, tag.start);
      uses.push({ name, range: { start, end: start + name.length }, guarded: section });
    }
    if (section) depth++;
  }
  return uses;
}

function* tagsOf(template: string): Generator<Tag> {
  for (let at = 0; ; ) {
    const start = template.indexOf('{{', at);
    if (start === -1) return;
    const triple = template[start + 2] === '{';
    const closer = triple ? '}}}' : '}}';
    const close = template.indexOf(closer, start + 2);
    if (close === -1) throw problem(template, start, l10n.t('This tag is not closed. Add “}}”.'));
    const inner = template.slice(start + (triple ? 3 : 2), close).trim();
    const sigil = triple ? '&' : inner[0];
    const kind =
      sigil === '#'
        ? 'section'
        : sigil === '^'
          ? 'inverted'
          : sigil === '/'
            ? 'end'
            : sigil === '!'
              ? 'comment'
              : sigil === '>' || sigil === '='
                ? 'unknown'
                : sigil === '&'
                  ? 'raw'
                  : 'value';
    const name = triple || kind === 'value' ? inner : inner.slice(1).trim();
    at = close + closer.length;
    yield { kind, name, start, end: at };
  }
}

function parse(template: string): Node[] {
  const root: Node[] = [];
  const open: { tag: Tag; body: Node[] }[] = [];
  let done = 0;
  for (const tag of tagsOf(template)) {
    const body = open.at(-1)?.body ?? root;
    const value = tag.kind === 'value' || tag.kind === 'raw';
    const [start, end] = value ? [tag.start, tag.end] : standalone(template, tag);
    if (start > done) body.push({ kind: 'text', start: done, end: start });
    done = Math.max(done, end);
    if (value) body.push({ kind: 'value', tag });
    else if (tag.kind === 'section' || tag.kind === 'inverted') {
      if (open.length >= deepest) throw problem(template, tag.start, l10n.t('Sections are nested too deeply here.'));
      const inner: Node[] = [];
      body.push({ kind: tag.kind, tag, body: inner });
      open.push({ tag, body: inner });
    } else if (tag.kind === 'end') {
      if (open.pop()?.tag.name !== tag.name)
        throw problem(
          template,
          tag.start,
          l10n.t('No section “{0}” is open here. Remove this tag or correct its name.', tag.name),
        );
    } else if (tag.kind === 'unknown')
      throw problem(
        template,
        tag.start,
        l10n.t('Partials and changed delimiters are not supported. Write the text here.'),
      );
  }
  const left = open.at(-1);
  if (left)
    throw problem(
      template,
      left.tag.start,
      l10n.t('The section “{0}” is not closed. Add “{1}”.', left.tag.name, `{{/${left.tag.name}}}`),
    );
  if (template.length > done) root.push({ kind: 'text', start: done, end: template.length });
  return root;
}

/** A section tag or comment alone on its line takes the line with it. */
function standalone(template: string, tag: Tag): [number, number] {
  let start = tag.start;
  while (start > 0 && (template[start - 1] === ' ' || template[start - 1] === '\t')) start--;
  let end = tag.end;
  while (end < template.length && (template[end] === ' ' || template[end] === '\t')) end++;
  const opensLine = start === 0 || template[start - 1] === '\n';
  const endsLine = end === template.length || template[end] === '\n';
  return opensLine && endsLine ? [start, Math.min(end + 1, template.length)] : [tag.start, tag.end];
}

/** Own properties only: a prompt never sees a prototype. */
function lookUp(context: readonly unknown[], path: string): unknown {
  if (path === '.') return context.at(-1);
  const [first, ...rest] = path.split('.');
  for (let i = context.length - 1; i >= 0; i--) {
    const scope = context[i];
    if (!isRecord(scope) || !Object.hasOwn(scope, first!)) continue;
    let value: unknown = scope[first!];
    for (const key of rest) value = isRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined;
    return value;
  }
  return undefined;
}

const isRecord = (value: unknown): value is Record<string, unknown> => value !== null && typeof value === 'object';
const isFalsy = (value: unknown): boolean => !value || (Array.isArray(value) && value.length === 0);
const textOf = (value: unknown): string =>
  value === undefined || value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value);

const problem = (template: string, offset: number, message: string): HumanError =>
  new HumanError(message, { place: { line: lineAt(template, offset) } });
