/** What can be done with a template right from its text. */
import { shownAs } from '../prompts/render.ts';
import type { TextRange } from '../prompts/template.ts';
import type { TemplateDocument } from './templateDocument.ts';

export interface Lens {
  readonly action: 'run' | 'playground' | 'compare' | 'score' | 'sweep';
  readonly range: TextRange;
}

/** Above the first message; of those beyond running, what the template has something to do with. */
export function codeLenses({ template }: TemplateDocument): Lens[] {
  const start = template.roles[0]?.range.start ?? template.bodyRange.start;
  const range = { start, end: start };
  const { axes, score, examples, expected, rows } = template.tunesmith;
  const actions: Lens['action'][] = ['run', 'playground'];
  if (Object.keys(axes).length > 0) actions.push('compare');
  if (score) actions.push('score');
  if (
    examples &&
    expected !== undefined &&
    rows !== undefined &&
    shownAs(template.tunesmith.reasoning.strategy, template) !== 'zero-shot-cot'
  )
    actions.push('sweep');
  return actions.map(action => ({ action, range }));
}
