/** Examples to imitate made ready for supervised fine-tuning: encoded, long ones dropped and counted, split by prompt. */
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import type { Instruction } from '../core/datasets/instructions.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { heldOutPrompts, type PairOptions, promptKey } from './pairData.ts';
import { encodeAnswer, encodePrompt } from './promptTokens.ts';

export interface EncodedInstruction {
  /** Prompt, answer and end token. */
  readonly ids: readonly number[];
  readonly promptLength: number;
}

export interface InstructionData {
  readonly train: readonly EncodedInstruction[];
  readonly heldOut: readonly EncodedInstruction[];
  readonly warnings: readonly string[];
}

/** All examples of one prompt are on one side of the split. Throws a HumanError when nothing is left to learn from. */
export function prepareInstructions(
  rows: readonly Instruction[],
  tokenizer: Tokenizer,
  { heldOutShare, maxLength }: PairOptions,
): InstructionData {
  if (rows.length === 0) throw new HumanError(l10n.t('There are no examples to learn from: add some to the data set.'));
  const encoded = rows.map(({ messages, completion }) => {
    const prompt = encodePrompt(tokenizer, { kind: 'messages', messages });
    return {
      key: promptKey(messages),
      ids: [...prompt, ...encodeAnswer(tokenizer, completion)],
      promptLength: prompt.length,
    };
  });
  const fitting = encoded.filter(({ ids }) => ids.length <= maxLength);
  if (fitting.length === 0) {
    throw new HumanError(
      l10n.t(
        'All {0} examples are longer than {1} tokens. Raise the longest length, or use shorter ones.',
        rows.length,
        maxLength,
      ),
    );
  }
  const warnings: string[] = [];
  const long = encoded.length - fitting.length;
  if (long > 0)
    warnings.push(
      l10n.t('{0} of {1} examples were left out: they are longer than {2} tokens.', long, rows.length, maxLength),
    );
  const held = heldOutPrompts(
    fitting.map(({ key }) => key),
    heldOutShare,
  );
  const train = fitting.filter(({ key }) => !held.has(key));
  const heldOut = fitting.filter(({ key }) => held.has(key));
  if (heldOutShare > 0 && heldOut.length === 0)
    warnings.push(l10n.t('All examples have one prompt, so none could be held out to measure the perplexity.'));
  return { train, heldOut, warnings };
}
