/** What can be done with a template right from its text. */
import type { TextRange } from '../prompts/template.ts';
import type { TemplateDocument } from './templateDocument.ts';

export interface Lens {
  readonly action: 'run' | 'playground';
  readonly range: TextRange;
}

/** Above the first message. */
export function codeLenses({ template }: TemplateDocument): Lens[] {
  const start = template.roles[0]?.range.start ?? template.bodyRange.start;
  const range = { start, end: start };
  return [
    { action: 'run', range },
    { action: 'playground', range },
  ];
}
