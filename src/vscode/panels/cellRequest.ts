/** What a cell was made from, as a hash: an equal one need not be asked again. */
import { samplingOf } from '../../core/evaluation/runCells.ts';
import type { RenderedPrompt } from '../../core/prompts/template.ts';
import { requestText } from '../../core/runs/runRecord.ts';
import { hashOf } from '../../storage/runInputs.ts';
import type { RunColumn } from './playgroundRun.ts';

/** Hash of everything that a cell's answer and grade hang on. */
export function requestOf(
  column: RunColumn & { readonly model: string },
  row: number,
  repeat: number,
  prompt: RenderedPrompt,
): string {
  const { model, template, strategy } = column;
  const asked = { options: samplingOf(template), repeat, expected: column.expected(row) };
  return hashOf(requestText(model, template, strategy, prompt, asked)).slice(0, 16);
}
