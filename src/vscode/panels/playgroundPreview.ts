/** What a template would send for one row, with the tokens of each of its parts. */
import type { Prompt } from '../../core/generation.ts';
import { promptOf, type RenderedMessage, type RenderedPrompt, type Template } from '../../core/prompts/template.ts';
import type { TextGenerator } from '../../core/textGenerator.ts';
import type { Preview } from '../../protocol/playgroundTemplate.ts';

/** Index of the role whose section of the body a message comes from; −1 for worked examples and text before the first role. */
function sectionOf(template: Template, message: RenderedMessage): number {
  if (message.shot !== undefined) return -1;
  for (const { part } of message.spans) {
    if (part.kind === 'reasoning' || !part.range) continue;
    const { start } = part.range;
    return template.roles.findLastIndex(({ range }) => range.start <= start);
  }
  return -1;
}

export interface PreviewOptions {
  readonly row: number;
  readonly template: Template;
  readonly prompt: RenderedPrompt;
  readonly generator: TextGenerator;
  readonly maxOutputTokens: number;
}

export async function previewOf({
  row,
  template,
  prompt,
  generator,
  maxOutputTokens,
}: PreviewOptions): Promise<Preview> {
  const { messages } = prompt;
  // The whole as the model's chat template makes it: what is more than the parts is the format's own.
  const whole = canRender(generator) ? await generator.renderPrompt(promptOf(prompt)) : undefined;
  const counts = await generator.countTokens?.(messages.map(({ content }) => content));
  const tokens = { system: 0, shots: 0, input: 0, reserved: maxOutputTokens };
  const sections = template.roles.map((): number => (counts ? 0 : -1));
  if (counts) {
    messages.forEach((message, i) => {
      const count = counts[i] ?? 0;
      if (message.shot !== undefined) tokens.shots += count;
      else if (message.role === 'system') tokens.system += count;
      else tokens.input += count;
      const section = sectionOf(template, message);
      if (section !== -1) sections[section]! += count;
    });
    if (whole) tokens.input += Math.max(0, whole.tokens - tokens.system - tokens.shots - tokens.input);
    // An empty assistant section at the end is where the answer goes.
    const last = sections.length - 1;
    if (template.roles[last]?.role === 'assistant' && sections[last] === 0) sections[last] = maxOutputTokens;
  }
  return {
    row,
    model: generator.model.label,
    contextLength: generator.model.contextLength ?? null,
    tokens: counts ? tokens : null,
    sections,
    shots: shotPairs(messages),
    cut: prompt.cut ?? null,
    error: null,
  };
}

interface RendersPrompts {
  renderPrompt(prompt: Prompt): Promise<{ readonly tokens: number }>;
}
const canRender = (generator: TextGenerator): generator is TextGenerator & RendersPrompts =>
  'renderPrompt' in generator;

function shotPairs(messages: readonly RenderedMessage[]): Preview['shots'] {
  const pairs: { user: string; assistant: string }[] = [];
  for (const { shot, role, content } of messages) {
    if (shot === undefined) continue;
    pairs[shot] ??= { user: '', assistant: '' };
    if (role === 'user' || role === 'assistant') pairs[shot][role] = content;
  }
  return pairs.filter(Boolean);
}

export const failedPreview = (row: number, model: string, error: string): Preview => ({
  row,
  model,
  contextLength: null,
  tokens: null,
  sections: [],
  shots: [],
  cut: null,
  error,
});
