/** What the context of a model leaves for prompts of a template. */
import type { Budget } from '../datasets/budget.ts';
import type { SamplingOptions } from '../generation.ts';
import type { Template } from '../prompts/template.ts';
import type { TextGenerator } from '../textGenerator.ts';
import { samplingOf } from './runCells.ts';

/** What the model's context leaves for a prompt, where its tokenizer is at hand. */
export function budgetOf(
  generator: TextGenerator,
  template: Template,
  overrides: Partial<SamplingOptions> = {},
): Budget | undefined {
  const { contextLength } = generator.model;
  if (contextLength === undefined || !generator.countTokens) return undefined;
  const reserved = samplingOf(template, overrides).maxOutputTokens;
  return { contextLength, reserved, count: texts => generator.countTokens!(texts) };
}
