/** What rendering a template gives: pieces in order, each knowing where it came from, so that nothing is ever parsed out of values. */
import * as v from 'valibot';
import type { Role } from '../generation.ts';
import type { RoleMarker, TemplateFormat } from './template.ts';

/** Offsets are into the rendered source. */
export const PieceSchema = v.variant('kind', [
  v.object({ kind: v.literal('text'), text: v.string(), start: v.number() }),
  /** `expression` is the tag's inside, `start`–`end` the whole tag. */
  v.object({ kind: v.literal('value'), text: v.string(), expression: v.string(), start: v.number(), end: v.number() }),
  v.object({
    kind: v.literal('role'),
    role: v.picklist(['system', 'user', 'assistant']),
    writtenRole: v.optional(v.literal('developer')),
    metadata: v.optional(v.record(v.string(), v.union([v.string(), v.number(), v.boolean()]))),
    start: v.number(),
    end: v.number(),
  }),
  /** An expression that gave nothing because something in it is not defined; it is no part of the text. */
  v.object({
    kind: v.literal('undefined'),
    text: v.literal(''),
    expression: v.string(),
    start: v.number(),
    end: v.number(),
  }),
]);
export type Piece = v.InferOutput<typeof PieceSchema>;

export interface RenderRequest {
  readonly format: TemplateFormat;
  readonly template: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

/**
 * Renders where it can be stopped (jobs/evaluatorProcess.ts). Rejects with a HumanError whose `place.line` counts lines of
 * the template given.
 */
export type RenderTemplate = (request: RenderRequest) => Promise<readonly Piece[]>;

/** Prompty's rule: a role, attributes in brackets or none, a colon. `developer` is what newer models call their system. */
const marker = /^#?\s*(system|user|assistant|developer)(\[\w+\s*=[^\]]*\])?\s*:$/i;
const longestMarker = 200;

/** Role markers in a stretch of template text: whole lines of the source, never beside a tag. */
export function roleMarkers(source: string, start: number, end: number): RoleMarker[] {
  const roles: RoleMarker[] = [];
  for (let from = start; from <= end; ) {
    const lineBreak = source.indexOf('\n', from);
    const to = lineBreak === -1 ? source.length : lineBreak;
    const wholeLine = to <= end && (from === 0 || source[from - 1] === '\n');
    if (wholeLine && to - from <= longestMarker) {
      const match = marker.exec(source.slice(from, to).trim());
      if (match) roles.push({ ...roleOf(match[1]!.toLowerCase(), match[2]), range: { start: from, end: to } });
    }
    from = to + 1;
  }
  return roles;
}

export const rolePiece = ({ range, ...role }: RoleMarker): Piece => ({ kind: 'role', ...role, ...range });

function roleOf(word: string, attributes: string | undefined): Omit<RoleMarker, 'range'> {
  const metadata = attributes === undefined ? {} : { metadata: attributesOf(attributes) };
  if (word === 'developer') return { role: 'system', writtenRole: word, ...metadata };
  return { role: word as Role, ...metadata };
}

/** `[name="Alice", id=7]`: numbers and true or false become what they are. */
function attributesOf(text: string): Record<string, string | number | boolean> {
  const entries = [...text.matchAll(/(\w+)\s*=\s*"?([^",\]]*)"?/g)].map(([, key, value]) => {
    const word = value!.trim();
    const lower = word.toLowerCase();
    if (lower === 'true' || lower === 'false') return [key!, lower === 'true'];
    return [key!, /^\d+(\.\d+)?$/.test(word) ? Number(word) : word];
  });
  return Object.fromEntries(entries) as Record<string, string | number | boolean>;
}
