/** A template as a judge: what it must take, and prompts in which answers are material that cannot leave its place. */
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import type { ExampleBank } from '../datasets/bank.ts';
import type { Values } from '../prompts/inputValues.ts';
import type { RenderTemplate } from '../prompts/pieces.ts';
import { firstError } from '../prompts/promptyFile.ts';
import { renderPrompt } from '../prompts/render.ts';
import type { RenderedPrompt, Template } from '../prompts/template.ts';
import { hash64 } from './hashTables.ts';
import type { Answer, ItemRecord } from './judgement.ts';

/** Inputs that a judge's template takes. Without the first two it is none. */
const required = ['answer_a', 'answer_b'] as const;
/** Inputs that hold texts of others. */
const materials: ReadonlySet<string> = new Set([...required, 'prompt', 'guidelines']);
/** Shorter literal text beside a material parts nothing. */
const shortestDelimiter = 3;

const takes = (template: Template, name: string): boolean => template.variables.some(use => use.name === name);

/** Whether the project's guidelines are shown to this judge. */
export const takesGuidelines = (template: Template): boolean => takes(template, 'guidelines');

/** Renders what a judge is asked. */
export interface JudgePrompts {
  readonly template: Template;
  /** Answer A first. Rejects with a HumanError, with the template's file, where it cannot be rendered. */
  render(item: ItemRecord, a: Answer, b: Answer, guidelines: string): Promise<RenderedPrompt>;
}

/**
 * Throws a HumanError for a template that takes no two answers. Values never become roles or tags of a template (render.ts). That
 * answers cannot end their own stretch of the prompt either, `fence` is a line that stands in none of the texts. In a template
 * that has no fence, a dot is put into whatever words of an answer are the template's own beside it (such as `</answer>`).
 */
export async function judgePrompts(
  template: Template,
  renderTemplate: RenderTemplate,
  bank?: ExampleBank,
): Promise<JudgePrompts> {
  const missing = required.filter(name => !takes(template, name));
  if (missing.length > 0)
    throw new HumanError(
      l10n.t(
        'This template is no judge: it does not use {0}. A judge takes the inputs “answer_a” and “answer_b”, and “prompt”, “guidelines” and “fence” if it wants them.',
        missing.map(name => `“${name}”`).join(', '),
      ),
      { place: { file: template.file } },
    );
  const render = async (values: Values): Promise<RenderedPrompt> => {
    const { prompt, diagnostics } = await renderPrompt(template, { values, ...(bank && { bank }) }, renderTemplate);
    if (!prompt) throw firstError(template, diagnostics) ?? new Error('nothing rendered and nothing said');
    return prompt;
  };
  const probe = { prompt: 'p', answer_a: 'a', answer_b: 'b', guidelines: 'g', fence: 'f' };
  const probed = await render(probe);
  const delimiters = takes(template, 'fence') ? [] : delimitersOf(probed);
  return {
    template,
    render: (item, a, b, guidelines) => {
      const texts = { prompt: promptText(item.messages), answer_a: a.text, answer_b: b.text, guidelines };
      const kept = Object.entries(texts).map(([name, text]) => [name, withoutDelimiters(text, delimiters)] as const);
      return render({ ...Object.fromEntries(kept), fence: fenceOf([texts.prompt, guidelines], [a.text, b.text]) });
    },
  };
}

/** A conversation as one text. */
function promptText(messages: ItemRecord['messages']): string {
  if (messages.length === 1) return messages[0]!.content;
  return messages.map(({ role, content }) => `${role}: ${content}`).join('\n\n');
}

/** The same in both orders; nobody who writes an answer can know it before the answer is there. */
function fenceOf(texts: readonly string[], answers: readonly string[]): string {
  const all = [...texts, ...[...answers].sort()];
  for (let attempt = 0; ; attempt++) {
    const fence = `=====${hash64(JSON.stringify([attempt, ...all]))
      .map(word => word.toString(16).padStart(8, '0'))
      .join('')}`;
    if (!all.some(text => text.includes(fence))) return fence;
  }
}

/** The literal lines right before and right after each material. */
function delimitersOf({ messages }: RenderedPrompt): string[] {
  const found = new Set<string>();
  for (const { content, spans } of messages) {
    for (const [i, { part }] of spans.entries()) {
      if (part.kind !== 'variable' || !materials.has(part.name)) continue;
      for (const neighbour of [i - 1, i + 1]) {
        const span = spans[neighbour];
        if (span?.part.kind !== 'text') continue;
        const lines = content
          .slice(span.start, span.end)
          .split('\n')
          .filter(line => line.trim() !== '');
        const line = (neighbour < i ? lines.at(-1) : lines[0])?.trim() ?? '';
        if (line.length >= shortestDelimiter) found.add(line);
      }
    }
  }
  return [...found];
}

function withoutDelimiters(text: string, delimiters: readonly string[]): string {
  let kept = text;
  for (const delimiter of delimiters) {
    const pattern = new RegExp(delimiter.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/\s+/g, '\\s+'), 'giu');
    kept = kept.replace(pattern, match => `${match.slice(0, 1)}·${match.slice(1)}`);
  }
  return kept;
}
