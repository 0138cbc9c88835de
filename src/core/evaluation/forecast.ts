/** What a run will ask of its models before it begins: calls, tokens, money and time, each only as far as it is known. */
import { costOf, type Price } from './prices.ts';
import type { Measured } from './rates.ts';

/** Cells of one model that are alike but for their prompts. */
export interface ForecastPart {
  readonly cells: number;
  /** Calls that the reasoning strategy makes for a cell. */
  readonly callsPerCell: number;
  /** Tokens of all cells' prompts together; an estimate where `counted` is false. */
  readonly promptTokens: number;
  readonly counted: boolean;
  readonly maxOutputTokens: number;
  readonly price?: Price;
  /** Of this model, in this process. */
  readonly measured?: Measured;
}

export interface Forecast {
  readonly calls: number;
  readonly promptTokens: number;
  /** `expected` is what answers had so far, else the longest that they may have. */
  readonly completionTokens: { readonly expected: number; readonly most: number };
  /** Tokens of all prompts were counted, not estimated. */
  readonly counted: boolean;
  /** US dollars; undefined when a model has no price. */
  readonly cost?: { readonly expected: number; readonly most: number };
  /** Undefined when the speed of a model was not measured. */
  readonly seconds?: number;
}

/** Answers in the cache are not known beforehand: it is a forecast for a run that asks for everything. */
export function forecast(parts: readonly ForecastPart[]): Forecast {
  let [calls, promptTokens, expected, most] = [0, 0, 0, 0];
  let cost: { expected: number; most: number } | undefined = { expected: 0, most: 0 };
  let seconds: number | undefined = 0;
  for (const part of parts) {
    const own = part.cells * part.callsPerCell;
    const prompts = part.promptTokens * part.callsPerCell;
    const longest = own * part.maxOutputTokens;
    const likely = Math.min(longest, own * (part.measured?.completionTokens ?? part.maxOutputTokens));
    calls += own;
    promptTokens += prompts;
    expected += likely;
    most += longest;
    const low = costOf({ promptTokens: prompts, completionTokens: likely }, part.price);
    const high = costOf({ promptTokens: prompts, completionTokens: longest }, part.price);
    cost =
      cost && low !== undefined && high !== undefined
        ? { expected: cost.expected + low, most: cost.most + high }
        : undefined;
    // Models of one run are asked side by side, but may share a computer: the sum is the careful answer.
    seconds = seconds === undefined || !part.measured ? undefined : seconds + own / part.measured.callsPerSecond;
  }
  return {
    calls,
    promptTokens: Math.round(promptTokens),
    completionTokens: { expected: Math.round(expected), most },
    counted: parts.every(({ counted }) => counted),
    ...(cost && { cost }),
    ...(seconds !== undefined && { seconds }),
  };
}

/** About four characters of Latin script to a token, and one of Chinese, Japanese or Korean: good for an order of magnitude. */
export function estimatedTokens(text: string): number {
  const wide = text.match(/[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]/g)?.length ?? 0;
  return wide + Math.ceil((text.length - wide) / 4);
}
