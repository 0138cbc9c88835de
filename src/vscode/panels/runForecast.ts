/** Says before a big run of the playground what it will ask of the models, and holds it back until the person says yes. */
import type { Logger } from '../../base/logger.ts';
import type { MatchPattern } from '../../core/evaluation/answers.ts';
import type { Dispatcher } from '../../core/evaluation/dispatch.ts';
import { type ForecastLimits, forecastRun, isBig, mostCalls } from '../../core/evaluation/forecastRun.ts';
import type { RunForecast } from '../../protocol/playgroundRuns.ts';
import { logProbsOf, type RunColumn } from './playgroundRun.ts';

export interface Planned {
  readonly columns: readonly RunColumn[];
  readonly rows: readonly number[];
  readonly repeats: number;
  /** What the cache knows is asked again. */
  readonly fresh: boolean;
  /** Asks for the probabilities of tokens, too: other answers are in the cache then. */
  readonly probabilities: boolean;
}

interface Tools {
  readonly dispatcher: Dispatcher;
  readonly match: MatchPattern;
}

/** `T`: a run as the person asked for it. */
export class ForecastGate<T> {
  readonly #show: (forecast: RunForecast | null) => void;
  readonly #logger: Logger;
  #held: { readonly run: T; readonly forecast: RunForecast } | undefined;
  #looking: AbortController | undefined;

  constructor(show: (forecast: RunForecast | null) => void, logger: Logger) {
    this.#show = show;
    this.#logger = logger;
  }

  /** Of the run that waits for a yes. */
  get forecast(): RunForecast | null {
    return this.#held?.forecast ?? null;
  }

  /** True where the run must not begin: it is shown and waits, or was stopped meanwhile. */
  async holds(run: T, planned: Planned, limits: ForecastLimits, tools: Tools): Promise<boolean> {
    const looking = new AbortController();
    this.#looking = looking;
    const forecast = await forecastOfBig(planned, limits, { ...tools, signal: looking.signal }).catch(
      (error: unknown) => {
        // What stops a forecast stops no run, but for the person who stopped it.
        if (!looking.signal.aborted) this.#logger.error('A run could not be forecast.', error);
        return null;
      },
    );
    if (looking.signal.aborted) return true;
    if (!forecast) return false;
    this.#held = { run, forecast };
    this.#show(forecast);
    return true;
  }

  /** The run that waited, which waits no more. */
  release(): T | undefined {
    this.#looking?.abort();
    this.#looking = undefined;
    const held = this.#held;
    if (!held) return undefined;
    this.#held = undefined;
    this.#show(null);
    return held.run;
  }
}

/** The forecast of a run that goes beyond the limits; null for one that need not be asked about. Small ones are not looked at. */
async function forecastOfBig(
  { columns, rows, repeats, fresh, probabilities }: Planned,
  limits: ForecastLimits,
  { dispatcher, match, signal }: Tools & { readonly signal: AbortSignal },
): Promise<RunForecast | null> {
  const priced = columns.some(({ price }) => price && price.input + price.output > 0);
  if (!priced && mostCalls(columns, rows.length, repeats) <= limits.calls) return null;
  const { cost, seconds, ...made } = await forecastRun(columns, rows, repeats, {
    measured: model => dispatcher.measured(model),
    match,
    signal,
    ...(fresh
      ? {}
      : {
          known: (generator, request) => {
            const logProbs = logProbsOf(generator, probabilities);
            return dispatcher.known(generator, { ...request, ...(logProbs && { logProbs }) });
          },
        }),
  });
  return isBig({ calls: made.calls, cost }, limits) ? { ...made, cost: cost ?? null, seconds: seconds ?? null } : null;
}
