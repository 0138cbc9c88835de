/** Prompts and answers as token ids, the same way for rewards, rollouts and comparisons. */
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import type { Prompt } from '../core/generation.ts';
import { encodePromptText } from '../tokenizer/promptText.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';

/** The token that ends an answer. Training without one would teach a model never to stop. */
export function endToken(tokenizer: Tokenizer): number {
  const [end] = tokenizer.endIds;
  if (end === undefined) {
    throw new HumanError(
      l10n.t(
        'This model has no end-of-sequence token, so it cannot learn when an answer is over. Choose another model, or name one as eos_token in its tokenizer_config.json.',
      ),
    );
  }
  return end;
}

/** Ids of a prompt up to where the answer begins, as the model is given them when it answers. */
export function encodePrompt(tokenizer: Tokenizer, prompt: Prompt): number[] {
  const { ids } = encodePromptText(tokenizer, prompt);
  if (ids.length === 0) {
    throw new HumanError(l10n.t('A prompt is empty, so there is nothing to answer. Remove it from the data.'));
  }
  return ids;
}

/** Ids of a whole answer, with its end. */
export const encodeAnswer = (tokenizer: Tokenizer, text: string): number[] => [
  ...tokenizer.encode(text),
  endToken(tokenizer),
];

/** A prompt as one text, for lists, logs and rewards that read it. */
export const promptText = (prompt: Prompt): string =>
  prompt.kind === 'text' ? prompt.text : (prompt.messages.findLast(message => message.role === 'user')?.content ?? '');
