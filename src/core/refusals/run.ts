/** Asks models the prompts of a refusal suite and says how often each refuses, and how the second differs from the first. */
import type { Ask } from '../evaluation/ask.ts';
import { pool } from '../evaluation/cellPool.ts';
import { defaultSampling } from '../generation.ts';
import { refusalChange, refusalFigures, refusalOutcome } from './grade.ts';
import type { RefusalReport } from './report.ts';
import { type RefusalPrompt, refusalSuite } from './suite.ts';

export interface RefusalOptions {
  readonly suite?: readonly RefusalPrompt[];
  /** Tokens of an answer; the default is enough to tell a refusal. */
  readonly maxTokens?: number;
  readonly seed?: number;
}

export interface AskedModel {
  readonly id: string;
  readonly label: string;
  readonly ask: Ask;
}

const usualTokens = 96;

/**
 * Greedy, one model after the other. Rejects with the model's failure: a gap would look like an answer; and when it was cancelled.
 * `onProgress`: prompts answered by a model.
 */
export async function runRefusals(
  models: readonly AskedModel[],
  { suite = refusalSuite, maxTokens = usualTokens, seed = 0 }: RefusalOptions,
  {
    signal,
    onProgress,
  }: { readonly signal: AbortSignal; readonly onProgress: (model: AskedModel, done: number, total: number) => void },
): Promise<RefusalReport> {
  const options = { ...defaultSampling, temperature: 0, maxOutputTokens: maxTokens, seed };
  const texts: string[][] = [];
  for (const model of models) {
    const own = new Array<string>(suite.length);
    let done = 0;
    await pool(suite.entries(), async ([index, { prompt }]) => {
      signal.throwIfAborted();
      const messages = [{ role: 'user' as const, content: prompt }];
      const { generation } = await model.ask(
        { prompt: { kind: 'messages', messages }, options, repeat: 0 },
        { signal },
      );
      signal.throwIfAborted();
      own[index] = generation.text;
      onProgress(model, ++done, suite.length);
    });
    texts.push(own);
  }
  const outcomes = texts.map(own => own.map(refusalOutcome));
  const [before, after] = outcomes;
  return {
    models: outcomes.map((own, i) => refusalFigures(models[i]!.id, suite, own)),
    ...(before && after ? { change: refusalChange(suite, before, after) } : {}),
    answers: suite.map((prompt, i) => ({
      ...prompt,
      answers: texts.map((own, model) => ({ text: own[i]!, outcome: outcomes[model]![i]! })),
    })),
  };
}
