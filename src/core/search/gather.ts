/** Several candidates are asked at once: their requests go to a local model as one batch. */
import { type Asker, askerOf, type Outcome } from '../evaluation/asker.ts';
import type { GenerateRequest, TextGenerator } from '../textGenerator.ts';

/** An asker that waits until all who ask in this turn have asked. Streams nothing. */
export function gathered(generator: TextGenerator, signal: AbortSignal | undefined): Asker {
  const asker = askerOf(generator);
  if (!generator.generateAll) return asker;
  let waiting: { requests: readonly GenerateRequest[]; resolve: (outcomes: Outcome[]) => void }[] = [];
  const send = async (): Promise<void> => {
    const batch = waiting;
    waiting = [];
    const outcomes = await asker.ask(
      batch.flatMap(({ requests }) => requests),
      { signal },
    );
    let from = 0;
    for (const { requests, resolve } of batch) {
      resolve(outcomes.slice(from, from + requests.length));
      from += requests.length;
    }
  };
  return {
    model: asker.model,
    ask: requests =>
      new Promise((resolve, reject) => {
        waiting.push({ requests, resolve });
        // Rendering and reading answers go through another process: a turn of the loop would be too short to meet.
        if (waiting.length === 1) setTimeout(() => void send().catch(reject), gatherMs);
      }),
  };
}

/** Milliseconds. */
const gatherMs = 20;
