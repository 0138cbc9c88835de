/** From what a run made of a cell to what is kept of it, and back. */
import { costOf, type Price } from '../evaluation/prices.ts';
import type { CellResult } from '../evaluation/runCells.ts';
import type { Stage } from '../evaluation/strategies/strategy.ts';
import { defaultSampling, type Generation, type Usage } from '../generation.ts';
import { compactTokens, type KeptCell } from './runRecord.ts';

export interface KeptFrom {
  readonly request?: string;
  readonly prompt?: string;
  readonly warning?: string;
  readonly price?: Price;
}

/** Of an answer that came to its end. */
export function keptCell(key: string, result: CellResult, { request, prompt, warning, price }: KeptFrom): KeptCell {
  const { generation, stages } = result;
  const made = stages.map(stage => stage.generation);
  const cost = sum(made.map(one => costOf(one.usage, price)));
  return {
    key,
    request,
    prompt,
    text: result.text,
    answer: result.answer,
    right: result.correct,
    problem: result.problem?.message,
    warning,
    finishReason: generation.finishReason,
    usage: usageOf(made),
    latencyMs: made.reduce((total, { latencyMs }) => total + latencyMs, 0),
    firstTokenMs: made[0]?.firstTokenMs,
    cost,
    seed: generation.options.seed,
    cached: result.cached,
    model: generation.model,
    revision: generation.revision,
    options: generation.options,
    votes: result.votes,
    stages:
      stages.length > 1
        ? stages.map(({ name, generation: { text, usage, latencyMs, firstTokenMs } }) => ({
            name,
            text,
            usage,
            latencyMs,
            firstTokenMs,
          }))
        : undefined,
    tokens: generation.tokens && compactTokens(generation.tokens),
  };
}

/** Undefined where one of them is. */
function sum(values: readonly (number | undefined)[]): number | undefined {
  let total = 0;
  for (const value of values) {
    if (value === undefined) return undefined;
    total += value;
  }
  return total;
}

/** Of all stages together. */
function usageOf(made: readonly Generation[]): Usage | undefined {
  const promptTokens = sum(made.map(({ usage }) => usage?.promptTokens));
  const completionTokens = sum(made.map(({ usage }) => usage?.completionTokens));
  return promptTokens === undefined || completionTokens === undefined ? undefined : { promptTokens, completionTokens };
}

/** The result again; prompts of its stages are not kept. */
export function resultOf(cell: KeptCell, repeat: number): CellResult {
  const base: Generation = {
    text: cell.text,
    finishReason: cell.finishReason ?? 'stop',
    usage: cell.usage,
    latencyMs: cell.latencyMs ?? 0,
    firstTokenMs: cell.firstTokenMs,
    model: cell.model ?? '',
    revision: cell.revision,
    options: cell.options ?? defaultSampling,
    repeat,
  };
  const stages: Stage[] = (cell.stages ?? []).map(({ name, text, usage, latencyMs, firstTokenMs }) => ({
    name: name as Stage['name'],
    prompt: { kind: 'text', text: '' },
    generation: { ...base, text, usage, latencyMs: latencyMs ?? 0, firstTokenMs },
  }));
  const last = stages.at(-1)?.generation ?? base;
  return {
    text: cell.text,
    generation: last,
    stages: stages.length > 0 ? stages : [{ name: 'answer', prompt: { kind: 'text', text: '' }, generation: base }],
    cached: cell.cached ?? false,
    answer: cell.answer,
    votes: cell.votes,
    correct: cell.right,
  };
}
