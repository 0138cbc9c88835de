/** Answers of a model to prompts, drawn until enough of them differ, to be ranked. */
import type { Generation, Prompt, SamplingOptions } from '../generation.ts';
import type { GenerateRequest } from '../textGenerator.ts';
import type { SourcedItem } from './answerSources.ts';
import { drawDifferent } from './drawDifferent.ts';

export interface DrawOptions {
  /** Model id, kept with each answer. */
  readonly model: string;
  /** Different answers of each prompt. */
  readonly wanted: number;
  /** Answers drawn at most for each prompt. */
  readonly most: number;
  readonly sampling: SamplingOptions;
  readonly ask: (request: GenerateRequest) => Promise<Generation>;
  readonly onProgress?: (done: number, drawn: number) => void;
  /** Ends it after the prompt that is under way, which is left out. */
  readonly signal?: AbortSignal | undefined;
}

export interface DrawnAnswers {
  readonly drawn: number;
  /** Prompts with fewer different answers than wanted: there the model was given up. */
  readonly short: number;
  /** Prompts that were asked. */
  readonly done: number;
}

/** One for each prompt, without answers. A plain text counts as what a user says. */
export const unanswered = (prompts: readonly Prompt[]): SourcedItem[] =>
  prompts.map(prompt => ({
    messages: prompt.kind === 'messages' ? [...prompt.messages] : [{ role: 'user', content: prompt.text }],
    answers: [],
  }));

/** Adds what one model answers to `prompts` to the items that `unanswered` made of them. */
export async function drawAnswers(
  prompts: readonly Prompt[],
  items: readonly SourcedItem[],
  { model, wanted, most, sampling, ask, onProgress, signal }: DrawOptions,
): Promise<DrawnAnswers> {
  let [drawn, short, done] = [0, 0, 0];
  for (const [i, prompt] of prompts.entries()) {
    if (signal?.aborted) break;
    onProgress?.(done, drawn);
    const found = await drawDifferent<Generation>({
      wanted,
      most: Math.max(wanted, most),
      textOf: ({ text }) => text.trim(),
      draw: repeat => ask({ prompt, options: sampling, repeat }),
    });
    if (signal?.aborted) break;
    drawn += found.drawn;
    done++;
    if (found.answers.length < wanted) short++;
    for (const { text, repeat } of found.answers)
      items[i]!.answers.push({ text: text.trim(), model, seed: sampling.seed, repeat });
  }
  onProgress?.(done, drawn);
  return { drawn, short, done };
}
