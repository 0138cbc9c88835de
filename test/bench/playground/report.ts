/** What the benchmark says: the six numbers with their limits, a table of all that was measured, docs/performance-playground.md. */
import os from 'node:os';
import { median, spread } from '../engine/statistics.ts';
import { AnswerTokens } from './answers.ts';
import { quantile } from './frames.ts';
import type { Round } from './measure.ts';

import { Cells, Models, Rows, Samples } from './workspace.ts';

export interface Measured {
  readonly rounds: readonly Round[];
  /** Milliseconds for 10,000 rows, each round. */
  readonly renderMs: readonly number[];
}

/** The numbers of `--json`: medians of the rounds. */
export interface Numbers {
  readonly render10kMs: number;
  readonly peakMiB: number;
  readonly scrollFps: number;
  readonly secondRunCalls: number;
  readonly keystrokeMs: number;
  readonly activationMs: number;
}

export interface Line {
  readonly what: string;
  readonly values: readonly number[];
  readonly unit: string;
  /** What it has to be at most or at least; none where the figure is there to be understood. */
  readonly limit?: { readonly most: number } | { readonly least: number };
}

/** Frames a second that a 95th-percentile frame makes. Times of frames come in tenths of a millisecond, so whole numbers are meant. */
export const framesPerSecond = (frames: readonly number[]): number => Math.round(1000 / quantile(frames, 0.95));

/** Every figure with its value in each round. The first six are the numbers that have limits. */
export function lines({ rounds, renderMs }: Measured): Line[] {
  const of = (pick: (round: Round) => number): number[] => rounds.map(pick);
  const p95 = (pick: (round: Round) => readonly number[]): number[] => of(round => quantile(pick(round), 0.95));
  return [
    { what: 'rendering 10,000 rows', values: renderMs, unit: 'ms', limit: { most: 1000 } },
    { what: 'peak memory of the run', values: of(({ peakMiB }) => peakMiB), unit: 'MiB', limit: { most: 350 } },
    {
      what: 'scrolling, 95th-percentile frame',
      values: of(({ frames }) => framesPerSecond(frames.scroll)),
      unit: 'frames/s',
      limit: { least: 60 },
    },
    { what: 'model calls of a second run', values: of(round => round.secondRunCalls), unit: '', limit: { most: 0 } },
    { what: 'keydown to paint', values: of(({ keys }) => median(keys.rest)), unit: 'ms', limit: { most: 16 } },
    { what: 'activation', values: of(round => median(round.activationMs)), unit: 'ms', limit: { most: 50 } },
    { what: 'peak: extension host', values: of(({ peakParts }) => peakParts[0]!), unit: 'MiB' },
    { what: 'peak: renderers', values: of(({ peakParts }) => peakParts[1]!), unit: 'MiB' },
    { what: 'at rest: extension host', values: of(({ idleMiB }) => idleMiB[0]!), unit: 'MiB' },
    { what: 'at rest: renderers', values: of(({ idleMiB }) => idleMiB[1]!), unit: 'MiB' },
    {
      what: 'an empty page, 95th-percentile frame',
      values: of(r => framesPerSecond(r.frames.empty)),
      unit: 'frames/s',
    },
    { what: 'scrolling during the run', values: of(({ frames }) => framesPerSecond(frames.run)), unit: 'frames/s' },
    { what: 'keydown to paint, 95th percentile', values: p95(({ keys }) => keys.rest), unit: 'ms' },
    { what: 'the same during the run, median', values: of(({ keys }) => median(keys.run)), unit: 'ms' },
    { what: 'a plain text field, median', values: of(({ keys }) => median(keys.empty)), unit: 'ms' },
    { what: 'a plain text field, 95th percentile', values: p95(({ keys }) => keys.empty), unit: 'ms' },
    { what: 'the run', values: of(({ runSeconds }) => runSeconds), unit: 's' },
    { what: 'the second run', values: of(({ secondRunSeconds }) => secondRunSeconds), unit: 's' },
  ];
}

export function numbers(measured: Measured): Numbers {
  const [render, peak, scroll, calls, keystroke, activation] = lines(measured).map(({ values }) => median(values));
  return {
    render10kMs: rounded(render!),
    peakMiB: rounded(peak!),
    scrollFps: rounded(scroll!),
    secondRunCalls: calls!,
    keystrokeMs: rounded(keystroke!),
    activationMs: rounded(activation!),
  };
}

const rounded = (value: number): number => Number(value.toFixed(1));

/** Whether a figure holds its limit; undefined where it has none. */
export function holds({ values, limit }: Line): boolean | undefined {
  if (!limit) return undefined;
  const value = rounded(median(values));
  return 'most' in limit ? value <= limit.most : value >= limit.least;
}

/** A Markdown table of all figures. */
export function table(measured: Measured): string {
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const body = lines(measured).map(line => {
    const { what, values, unit, limit } = line;
    const bound = !limit ? '' : 'most' in limit ? `≤ ${limit.most}` : `≥ ${limit.least}`;
    const held = holds(line);
    const middle = median(values);
    return row([
      what,
      `${rounded(middle)}${unit && ` ${unit}`}`,
      bound,
      held === undefined ? '' : held ? 'yes' : '**no**',
      middle === 0 ? '' : `${(100 * spread(values)).toFixed(0)} %`,
    ]);
  });
  return [row(['what', 'measured', 'limit', 'held', 'spread']), '|---|---:|---:|---|---:|', ...body].join('\n');
}

/** The text of docs/performance-playground.md. */
export function document(measured: Measured, commit: string): string {
  const { rounds } = measured;
  const machine = `${os.cpus().length} × ${os.cpus()[0]?.model.trim()}, ${Math.round(os.totalmem() / 2 ** 30)} GiB`;
  return `# Performance of the playground

Written by \`npm run bench:playground\` at commit ${commit}: medians of ${rounds.length} ${rounds.length === 1 ? 'round' : 'rounds'}, each in a fresh editor.

${machine}, Node ${process.versions.node}. Chromium draws without a graphics processor there, so drawing takes the same two processors as everything else.

${table(measured)}

\`spread\`: half the distance between the quartiles of the rounds as a share of the median.

## What each figure means

The packaged extension runs in a real VS Code server, its window in a real Chromium that is driven by its own mouse and keyboard
events; the models are ${Models.length} names on one local server that speaks OpenAI's protocol and streams ${AnswerTokens} tokens an answer. A run has
${Rows.toLocaleString('en')} rows × ${Models.length} models × ${Samples} samples = ${Cells.toLocaleString('en')} cells; each answer is read, graded and kept in the workspace as always.

- **rendering 10,000 rows**: a template with a loop, filters and nested inputs, through the process that templates are
  rendered in, from the first question to the last prompt.
- **peak memory of the run**: resident memory of the extension host and of all of the browser's renderers (the window and its webviews share one)
  above what they have at rest with the playground open; the highest sum of both, looked at ten times a second from the start of the run until its
  table was scrolled after its end.
- **scrolling**: 1000 / the 95th-percentile time between two frames (\`requestAnimationFrame\`, in the page of the table) while the wheel turns a
  notch a frame over the finished run. An empty page in the same browser says what can be reached at all.
- **model calls of a second run**: requests that reached the server when all rows were run again.
- **keydown to paint**: the median over the keys typed into the prompt beside the finished run, from the event's time stamp to the first task after the
  frame that shows it. It includes the wait for the screen's next frame, up to 16.7 ms, as the plain text field on an empty page does.
- **activation**: what VS Code counts for the extension (reading its code and \`activate\`), in *Developer: Show Running Extensions*; the
  window is at rest before, and the first template that is opened activates it.
`;
}
