/**
 * Zero-shot chain of thought (Kojima et al. 2022), in two stages: the answer starts with the trigger and the model reasons on;
 * then a phrase follows that asks for the answer.
 */
import { extractionPrompt } from '../../prompts/render.ts';
import { promptOf } from '../../prompts/template.ts';
import { type RunStrategy, requestOf } from './strategy.ts';

/** Tokens that the answer of the second stage may have. */
const extractionTokens = 32;

export const zeroShotCot: RunStrategy = async ({ cell, settings, ask, show, shown, read }) => {
  show(settings.trigger);
  const [reasoning] = await ask('reasoning', [requestOf(cell, promptOf(cell.prompt))], { visible: true });
  const begun = shown();
  const bridge = `\n${settings.extract}`;
  show(bridge);
  const options = { maxOutputTokens: Math.min(cell.options.maxOutputTokens, extractionTokens) };
  const second = promptOf(extractionPrompt(cell.prompt, reasoning!.text, settings.extract));
  const [last] = await ask('extraction', [requestOf(cell, second, { options })], { visible: true });
  const { answers, problem } = await read([last!.text], { afterPhrase: true });
  return { text: `${begun.trimEnd()}${bridge}${last!.text}`, answer: answers[0], problem };
};
