/** How `tunesmith run` shows rows, answers and the summary: for people, and as JSON Lines. */
import { l10n } from '../base/l10n.ts';
import type { CellResult } from '../core/evaluation/runCells.ts';
import type { Values } from '../core/prompts/inputValues.ts';
import { messagesOf } from '../core/prompts/render.ts';
import type { RenderedPrompt, Template } from '../core/prompts/template.ts';
import { wilson } from '../core/statistics/intervals.ts';
import type { Cli } from './cli.ts';

export interface Row {
  /** 1-based in the rows' file; absent for values from the command line. */
  readonly number?: number;
  readonly values: Values;
  readonly prompt: RenderedPrompt;
  readonly expected?: unknown;
}

export function asJson(row: Row, answers: readonly CellResult[]): unknown {
  return {
    row: row.number,
    values: row.values,
    expected: row.expected,
    messages: messagesOf(row.prompt),
    samples: answers.map(({ text, answer, correct, votes, problem, generation, stages, cached }) => ({
      text,
      answer,
      correct,
      votes,
      problem: problem?.message,
      cached,
      finishReason: generation.finishReason,
      firstTokenMs: rounded(stages[0]?.generation.firstTokenMs),
      usage: generation.usage,
      latencyMs: Math.round(stages.reduce((sum, stage) => sum + stage.generation.latencyMs, 0)),
      model: generation.model,
      revision: generation.revision,
      options: generation.options,
      repeat: generation.repeat,
    })),
  };
}

export function asText(template: Template, row: Row, answers: readonly CellResult[]): string {
  const head = template.inputs.map(input => `${input.name}: ${oneLine(row.values[input.name])}`).join('\n');
  const body = answers.map(result => `${indented(result.text.trim())}\n${verdict(result, row)}`).join('');
  return `${row.number === undefined ? '' : `#${row.number}  `}${head}\n${body}\n`;
}

/** A mark and the answer that was read, where there is something to say. */
export function verdict({ answer, correct, text, generation }: CellResult, row: Row): string {
  const cut = generation.finishReason === 'length' ? `  ${l10n.t('(cut off: more --max-tokens)')}\n` : '';
  if (correct !== undefined)
    return `${cut}${correct ? '✓' : '✗'} ${answer ?? '–'}${correct ? '' : ` (${oneLine(row.expected)})`}\n`;
  return answer === undefined || answer === text.trim() ? cut : `${cut}= ${answer}\n`;
}

export function summarise(cli: Cli, grades: readonly boolean[], json: boolean): void {
  if (grades.length === 0) return;
  const correct = grades.filter(Boolean).length;
  const { estimate, low, high } = wilson(correct, grades.length);
  if (json) {
    cli.out(`${JSON.stringify({ summary: { accuracy: { estimate, low, high, correct, n: grades.length } } })}\n`);
    return;
  }
  if (grades.length === 1) return;
  const percent = (share: number): string => (share * 100).toFixed(0);
  cli.out(
    l10n.t(
      '{0} % {1}/{2}, {3}–{4} (Wilson, 95 %)',
      percent(estimate),
      correct,
      grades.length,
      percent(low),
      percent(high),
    ) + '\n',
  );
}

export function showPrompt(prompt: RenderedPrompt): string {
  const blocks = prompt.messages.map(({ role, content }) => `${role}:\n${content}\n`);
  return `${blocks.join('\n')}${prompt.continueLast ? '…\n' : ''}\n`;
}

const oneLine = (value: unknown): string => {
  const text = typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value);
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > 200 ? `${line.slice(0, 199)}…` : line;
};

const indented = (text: string): string => text.replace(/^/gm, '  ');

const rounded = (milliseconds: number | undefined): number | undefined =>
  milliseconds === undefined ? undefined : Math.round(milliseconds);
