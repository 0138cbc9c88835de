/** One request: `direct`, and `few-shot-cot`, whose reasoning stands in the examples (Wei et al. 2022). */
import { promptOf } from '../../prompts/template.ts';
import { type RunStrategy, requestOf } from './strategy.ts';

export const direct: RunStrategy = async ({ cell, ask, read, shown }) => {
  await ask('answer', [requestOf(cell, promptOf(cell.prompt))], { visible: true });
  const text = shown();
  const { answers, problem } = await read([text]);
  return { text, answer: answers[0], problem };
};
