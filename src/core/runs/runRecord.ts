/** What a run on disk says of itself and of each of its cells: the records of `.tunesmith/runs/<id>/` (docs/formats.md). */
import * as v from 'valibot';
import type { FinishReason, GeneratedToken, Message, SamplingOptions, Usage } from '../generation.ts';
import type { RenderedPrompt, Strategy, Template } from '../prompts/template.ts';
import type { KeptScores } from './keptScores.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));

const FileSchema = v.object({
  /** Relative to the workspace folder, with `/`. */
  file: v.string(),
  /** SHA-256 of its bytes. */
  hash: v.string(),
});

const TemplateFileSchema = v.object({ ...FileSchema.entries, text: v.string() });
const DataFileSchema = v.object({
  ...FileSchema.entries,
  rows: count,
  /** Whether a copy of its bytes lies in `inputs/`, from which they can be put back. */
  kept: v.boolean(),
});

const ColumnSchema = v.object({
  /** `<model>#<variant>`: the first part of the key of its cells. */
  id: v.string(),
  model: v.string(),
  modelLabel: v.string(),
  /** 0 is the template as it stands. */
  variant: count,
  label: v.string(),
  detail: v.string(),
  /** Honours temperature and seed. */
  controlled: v.optional(v.boolean(), true),
  strategy: v.string(),
  /** Temperature, seed and the rest, as this column asked. */
  sampling: v.record(v.string(), v.unknown()),
  /** What varies in this column beyond strategy and sampling, in words: prefix, trigger, shots. */
  settings: v.optional(v.record(v.string(), v.unknown())),
});
export type RunColumnRecord = v.InferOutput<typeof ColumnSchema>;

/** What a run was for: answers in the matrix, likelihoods of given texts, or accuracy against the number of examples. */
export const RunKinds = ['answers', 'scores', 'sweep'] as const;
export type RunKind = (typeof RunKinds)[number];

export const SpecificationSchema = v.object({
  /** Without it: answers. */
  kind: v.optional(v.picklist(RunKinds)),
  by: v.picklist(['playground', 'command line']),
  /** Version of Tunesmith. */
  tool: v.string(),
  template: TemplateFileSchema,
  /** Other templates that columns come from. */
  others: v.array(TemplateFileSchema),
  /** The file of rows; null where the template's own defaults are the one row. */
  data: v.nullable(DataFileSchema),
  bank: v.nullable(DataFileSchema),
  /** Values that were given by hand, beside the file. */
  inputs: v.optional(v.record(v.string(), v.unknown())),
  models: v.array(
    v.object({
      id: v.string(),
      label: v.string(),
      /** What it resolved to: content hash or revision, precision; absent where it does not tell. */
      identity: v.optional(v.string()),
    }),
  ),
  columns: v.array(ColumnSchema),
  samples: count,
  /** Of a sweep; its columns are `<model>#shots=<number>&order=<number from 1>`. */
  sweep: v.optional(
    v.object({
      shots: v.array(count),
      orders: count,
      /** The first rows only; null: all. */
      rows: v.nullable(count),
      /** Of the orders beyond the template's own, and of the bootstrap. */
      seed: v.number(),
    }),
  ),
  /** What was chosen in the playground, in its shape, so that it can be chosen again. */
  setup: v.optional(v.unknown()),
  /** Of everything that the cells depend on; for the command line's `--resume`. */
  hash: v.optional(v.string()),
});
export type RunSpecification = v.InferOutput<typeof SpecificationSchema>;

/** The specification of a run, or undefined for runs that kept less (before format 2) or something else (prompt search). */
export function readSpecification(specification: unknown): RunSpecification | undefined {
  const read = v.safeParse(SpecificationSchema, specification);
  return read.success ? read.output : undefined;
}

/** What a run was for; undefined for other things that lie beside runs. */
export function kindOf(specification: unknown): RunKind | undefined {
  const { kind = 'answers' } = (specification ?? {}) as { kind?: unknown };
  return RunKinds.find(known => known === kind);
}

/** The template that a run is of, old runs too; undefined where it does not say. */
export function templateOf(specification: unknown): string | undefined {
  const { template, file } = (specification ?? {}) as { template?: unknown; file?: unknown };
  if (typeof template === 'string') return template;
  if (typeof file === 'string') return file;
  const inside = (template as { file?: unknown } | undefined)?.file;
  return typeof inside === 'string' ? inside : undefined;
}

export interface KeptStage {
  readonly name: string;
  readonly text: string;
  readonly usage?: Usage;
  /** Milliseconds. */
  readonly latencyMs?: number;
  readonly firstTokenMs?: number;
}

/** A cell as it is kept: everything that was measured, and what it was made from. */
export interface KeptCell {
  /** `<column>|<row>|<repeat>`, row and repeat from 0. */
  readonly key: string;
  /** Hash of everything that was sent and of how the answer was graded; an equal one need not be asked again. */
  readonly request?: string;
  /** Id of its prompt's record. */
  readonly prompt?: string;
  readonly text: string;
  /** Extracted answer. */
  readonly answer?: string;
  readonly right?: boolean;
  /** Why there is no answer: the provider's words. */
  readonly failure?: string;
  /** Why none could be read from the text, which stands. */
  readonly problem?: string;
  /** What of the prompt was left out so that it fits, in a sentence. */
  readonly warning?: string;
  readonly finishReason?: FinishReason;
  /** Of all stages together. */
  readonly usage?: Usage;
  /** Milliseconds. */
  readonly latencyMs?: number;
  readonly firstTokenMs?: number;
  /** US dollars. */
  readonly cost?: number;
  readonly seed?: number;
  readonly cached?: boolean;
  readonly model?: string;
  readonly revision?: string;
  readonly options?: SamplingOptions;
  readonly votes?: readonly { readonly answer: string; readonly count: number }[];
  /** Where the strategy asked more than once. */
  readonly stages?: readonly KeptStage[];
  /** Only where the probabilities of tokens were asked for. */
  readonly tokens?: CompactTokens;
  /** Of a run of scores: its text is empty. */
  readonly scores?: KeptScores;
}

/** A prompt that one or several cells are answers to. */
export interface KeptPrompt {
  readonly id: string;
  readonly messages: readonly Message[];
  /** Rows of the bank that were shown as examples, in order, from 0. */
  readonly shots: readonly number[];
}

/** How a conversation went on after a cell's answer. */
export interface KeptTurns {
  readonly key: string;
  readonly turns: readonly { readonly role: 'user' | 'assistant'; readonly text: string }[];
}

/** Cells that were asked for: each of these columns with each row and repeat. */
export interface Asked {
  readonly columns: readonly string[];
  /** First and last row of each stretch. */
  readonly rows: readonly (readonly [first: number, last: number])[];
  readonly repeats: number | readonly number[];
}

/** A token as `[text, log-probability]`, with the alternatives as text and log-probability by turns behind it. */
export type CompactTokens = readonly (readonly [text: string, logProb: number, ...alternatives: (string | number)[]])[];

/** Nats to four decimals: finer than anything that is shown, a third of the bytes. */
const rounded = (logProb: number): number => Math.round(logProb * 1e4) / 1e4;

export const compactTokens = (tokens: readonly GeneratedToken[]): CompactTokens =>
  tokens.map(({ text, logProb, alternatives = [] }) => [
    text,
    rounded(logProb),
    ...alternatives.flatMap(other => [other.text, rounded(other.logProb)]),
  ]);

export const expandTokens = (tokens: CompactTokens): GeneratedToken[] =>
  tokens.map(([text, logProb, ...rest]) => ({
    text,
    logProb,
    alternatives: Array.from({ length: rest.length / 2 }, (_, i) => ({
      text: String(rest[2 * i]),
      logProb: Number(rest[2 * i + 1]),
    })),
  }));

/** Column, row and repeat of a cell's key; undefined where it is none. */
export function partsOf(key: string): { column: string; row: number; repeat: number } | undefined {
  const parts = /^(.*)\|(\d+)\|(\d+)$/s.exec(key);
  return parts ? { column: parts[1]!, row: Number(parts[2]), repeat: Number(parts[3]) } : undefined;
}

/** Everything that a cell's answer and its grade hang on, as one text; its hash is the cell's `request`. */
export function requestText(
  model: string,
  template: Template,
  strategy: Strategy,
  prompt: RenderedPrompt,
  { options, repeat, expected }: { options: SamplingOptions; repeat: number; expected: unknown },
): string {
  const { reasoning, grade } = template.tunesmith;
  const { answerRange: _, ...asked } = reasoning;
  const messages = prompt.messages.map(({ role, content }) => [role, content]);
  return JSON.stringify([
    model,
    messages,
    prompt.continueLast,
    options,
    repeat,
    { ...asked, strategy },
    grade,
    expected ?? null,
  ]);
}

const keyLine =
  /^(\s*(?:-\s+)?["']?(?:api[-_]?key|access[-_]?token|auth[-_]?token|secret|password)["']?\s*:[ \t]*)(?!["']?\$\{)(?=\S).*$/gim;

/** A template's text as a run keeps it: keys that someone wrote into the front matter are left out. References such as `${env:NAME}` stay. */
export function keptText(text: string): string {
  const end = text.startsWith('---') ? text.indexOf('\n---', 3) : -1;
  return end === -1 ? text : text.slice(0, end).replace(keyLine, '$1"(left out)"') + text.slice(end);
}
