/** Leaves examples out of a prompt until it fits into the model's context, and says so with numbers. */
import { l10n } from '../../base/l10n.ts';
import { type Budget, cutToBudget, messageOverhead } from '../datasets/budget.ts';
import type { Selected } from '../datasets/selection.ts';
import type { Values } from './inputValues.ts';
import type { Diagnostic, RenderedMessage, RenderedPrompt, Template } from './template.ts';

/** What a worked example becomes. */
export interface Shot {
  readonly index: number;
  readonly fields: Values;
  readonly messages: readonly RenderedMessage[];
}

/** The prompt with the examples that fit. A prompt that does not fit without any is an error. */
export async function withinBudget(
  template: Template,
  budget: Budget | undefined,
  shots: readonly Shot[],
  build: (shots: readonly Shot[]) => Promise<RenderedPrompt>,
  selected: Selected | undefined,
): Promise<{ readonly prompt: RenderedPrompt; readonly diagnostic?: Diagnostic }> {
  const prompt = await build(shots);
  if (!budget) return { prompt };
  const limit = budget.contextLength - budget.reserved;
  if (mostTokens(prompt) <= limit) return { prompt };
  const before = await tokensOf(prompt, budget);
  if (before <= limit) return { prompt };
  const policy = template.tunesmith.examples?.overBudget ?? 'drop-last';
  const range = template.tunesmith.examples?.range ?? template.model.range ?? { start: 0, end: 0 };
  const without = await build([]);
  const bare = await tokensOf(without, budget);
  if (policy === 'fail' || bare > limit || shots.length === 0) {
    const tokens = policy === 'fail' ? before : bare;
    return { prompt, diagnostic: { severity: 'error', code: 'over-budget', message: tooLong(tokens, budget), range } };
  }
  const sizes = await budget.count(shots.flatMap(({ messages }) => messages.map(({ content }) => content)));
  let at = 0;
  const examples = shots.map(({ messages }) => messages.reduce(sum => sum + sizes[at++]! + messageOverhead, 0));
  const scores = policy === 'drop-least-similar' ? await selected?.nearness() : undefined;
  const nearness = scores && shots.map(({ index }) => scores[index]!);
  const { kept } = cutToBudget(bare, examples, limit, policy, nearness);
  const staying = kept.map((place, shot) => {
    const one = shots[place]!;
    return { ...one, messages: one.messages.map(message => ({ ...message, shot })) };
  });
  const cut = await build(staying);
  const after = await tokensOf(cut, budget);
  // Tokens of a whole are about the sum of its parts; a template that lists its examples itself may differ.
  if (after > limit && staying.length > 0) return told(without, dropped(shots.length, 0, before, bare));
  return told(cut, dropped(shots.length, staying.length, before, after));

  function dropped(all: number, stay: number, from: number, to: number): Diagnostic {
    const message = l10n.t(
      '{0} of {1} examples were left out: with them the prompt has {2} tokens, and {3} are left beside the answer’s {4}. It now has {5}.',
      all - stay,
      all,
      from,
      limit,
      budget!.reserved,
      to,
    );
    return { severity: 'warning', code: 'over-budget', message, range };
  }
}

const told = (prompt: RenderedPrompt, diagnostic: Diagnostic) => ({
  prompt: { ...prompt, cut: diagnostic.message },
  diagnostic,
});

/** A token stands for a byte at least: where even that fits, nothing need be counted. */
const mostTokens = ({ messages }: RenderedPrompt): number =>
  messages.reduce((sum, { content }) => sum + encoder.encode(content).length + 1 + messageOverhead, 0);
const encoder = new TextEncoder();

const tooLong = (tokens: number, { contextLength, reserved }: Budget): string =>
  l10n.t(
    'The prompt has {0} tokens, but of the model’s {1} only {2} are left beside the answer’s {3}. Shorten it, or lower maxOutputTokens.',
    tokens,
    contextLength,
    contextLength - reserved,
    reserved,
  );

async function tokensOf({ messages }: RenderedPrompt, budget: Budget): Promise<number> {
  const counts = await budget.count(messages.map(({ content }) => content));
  return counts.reduce((sum, count) => sum + count + messageOverhead, 0);
}
