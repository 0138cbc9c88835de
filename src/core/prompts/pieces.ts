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

const marker = /^#?[ \t]*(system|user|assistant)(?:\[[^\]]*\])?[ \t]*:$/i;
const longestMarker = 200;

/** Role markers in a stretch of template text: whole lines of the source, never beside a tag. */
export function roleMarkers(source: string, start: number, end: number): RoleMarker[] {
  const roles: RoleMarker[] = [];
  for (let from = start; from <= end; ) {
    const lineBreak = source.indexOf('\n', from);
    const to = lineBreak === -1 ? source.length : lineBreak;
    const wholeLine = to <= end && (from === 0 || source[from - 1] === '\n');
    if (wholeLine && to - from <= longestMarker) {
      const role = marker.exec(source.slice(from, to).trim())?.[1];
      if (role) roles.push({ role: role.toLowerCase() as Role, range: { start: from, end: to } });
    }
    from = to + 1;
  }
  return roles;
}
