/** How strategies reach a model: many requests at once, each of which may fail alone. */
import type { Generation } from '../generation.ts';
import type { GenerateRequest, ModelDescription, TextGenerator } from '../textGenerator.ts';

export type Outcome =
  | { readonly generation: Generation; readonly failure?: undefined }
  | { readonly generation?: undefined; readonly failure: unknown };

export interface AskContext {
  readonly signal?: AbortSignal;
  readonly onDelta?: (index: number, text: string) => void;
}

export interface Asker {
  readonly model: ModelDescription;
  /** Outcomes in the order of the requests. Rejects only for bugs. */
  ask(requests: readonly GenerateRequest[], context?: AskContext): Promise<Outcome[]>;
}

/** Requests that a server gets at a time where nothing is known about it. */
const defaultLanes = 4;

/**
 * A model as it is: a local one takes all requests as one batch, a server a few at a time. After a failure nothing more is
 * sent: a server that refused one refuses the rest.
 */
export function askerOf(generator: TextGenerator): Asker {
  return {
    model: generator.model,
    async ask(requests, context = {}) {
      if (generator.generateAll && requests.length > 1) {
        try {
          const generations = await generator.generateAll(requests, context);
          return generations.map(generation => ({ generation }));
        } catch (failure) {
          return requests.map(() => ({ failure }));
        }
      }
      const { onDelta, signal } = context;
      let failed: Outcome | undefined;
      return inLanes(
        requests.length,
        generator.model.kind === 'endpoint' ? defaultLanes : 1,
        async (index): Promise<Outcome> => {
          if (failed) return failed;
          try {
            const own = onDelta && ((text: string) => onDelta(index, text));
            return { generation: await generator.generate(requests[index]!, { signal, onDelta: own }) };
          } catch (failure) {
            failed ??= { failure };
            return { failure };
          }
        },
      );
    },
  };
}

/** Runs `work` for 0 … count − 1, at most `lanes` at a time; results in order. */
export async function inLanes<T>(count: number, lanes: number, work: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      const index = next++;
      results[index] = await work(index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(lanes, count) }, lane));
  return results;
}
