/** What a `.prompty` file says, once read, and what it becomes: the parsed template, the rendered prompt, their diagnostics. */
import type { Message, Prompt, Role, SamplingOptions } from '../generation.ts';

/** Offsets in UTF-16 code units into the whole file, end exclusive. */
export interface TextRange {
  readonly start: number;
  readonly end: number;
}

export type Severity = 'error' | 'warning' | 'information';

export type DiagnosticCode =
  | 'front-matter'
  | 'yaml'
  | 'wrong-type'
  | 'unknown-value'
  | 'unsupported'
  | 'missing-file'
  | 'template-syntax'
  | 'render-failed'
  | 'undefined-variable'
  | 'undeclared-variable'
  | 'missing-input'
  | 'missing-bank'
  | 'too-few-examples'
  | 'bad-row'
  | 'no-message'
  | 'old-version'
  | 'approval';

export interface Diagnostic {
  readonly severity: Severity;
  readonly code: DiagnosticCode;
  /** One sentence: what is wrong and what to do. */
  readonly message: string;
  /** In the template's file, or in `file` where that is given. */
  readonly range: TextRange;
  readonly file?: string;
  /** 1-based line in `file`; for the template itself use `lineAt(template.text, range.start)`. */
  readonly line?: number;
}

export const InputKinds = [
  'string',
  'integer',
  'float',
  'boolean',
  'array',
  'object',
  'thread',
  'image',
  'file',
  'audio',
] as const;
export type InputKind = (typeof InputKinds)[number];

export interface TemplateInput {
  readonly name: string;
  readonly kind: InputKind;
  readonly description?: string;
  readonly required: boolean;
  readonly default?: unknown;
  readonly example?: unknown;
  readonly enumValues?: readonly unknown[];
  /** The property's key and value in the file. */
  readonly range: TextRange;
}

export interface TemplateModel {
  readonly id?: string;
  readonly provider?: string;
  readonly apiType: string;
  /** As written; anything it points to needs the user's approval (references.ts). */
  readonly connection?: Readonly<Record<string, unknown>>;
  readonly options: Partial<SamplingOptions>;
  readonly range?: TextRange;
}

export const Strategies = [
  'direct',
  'few-shot-cot',
  'zero-shot-cot',
  'self-consistency',
  'critique-revise',
  'least-to-most',
] as const;
export type Strategy = (typeof Strategies)[number];

/** How a single chain of thought is made; self-consistency takes several of one kind. */
export const SampledStrategies = ['direct', 'few-shot-cot', 'zero-shot-cot'] as const;
export type SampledStrategy = (typeof SampledStrategies)[number];

export interface ExampleSettings {
  /** Path of the bank, relative to the template. */
  readonly bank: string;
  readonly shots: number;
  /** `fixed`: the bank's first rows; `random`: drawn by `seed`. */
  readonly selection: 'fixed' | 'random';
  readonly seed: number;
  /** Template of an example's answer, rendered with the row's fields. */
  readonly answer: string;
  /** The same where the example shows its reasoning (few-shot chain of thought). */
  readonly reasonedAnswer: string;
  readonly range: TextRange;
}

/** How the short answer is read from what a model wrote. */
export type AnswerRule =
  | { readonly rule: 'whole' }
  | { readonly rule: 'last-number' }
  /** A letter of `choices` (default A–E) that stands alone, the last one. */
  | { readonly rule: 'choice'; readonly choices: string }
  /** First group, or the whole match, of the last match. */
  | { readonly rule: 'regex'; readonly pattern: string; readonly flags: string }
  /** What follows the last `marker`, to the end of its line, without closing punctuation. */
  | { readonly rule: 'after-marker'; readonly marker: string }
  /** The value at `path` (`$.items[0].name`) of the last JSON in the text. */
  | { readonly rule: 'json-path'; readonly path: string };

export const Grades = ['equal', 'numbers-equal', 'one-of', 'contains', 'regex', 'json-equal', 'rouge-l'] as const;
export type Grade = (typeof Grades)[number];

/** When an answer counts as right. */
export interface Grading {
  readonly rule: Grade;
  /** `rouge-l`: the least F1 of ROUGE-L, 0 … 1. */
  readonly threshold: number;
}

export interface ReasoningSettings {
  readonly strategy: Strategy;
  /** Starts the answer of zero-shot chain of thought. */
  readonly trigger: string;
  /** Follows the reasoning, for the second stage. */
  readonly extract: string;
  /** Self-consistency: how many chains of thought vote, and of which kind they are. */
  readonly samples: number;
  readonly of: SampledStrategy;
  /** Critique and revision: what the model is asked about its draft, and then. */
  readonly critique: string;
  readonly revise: string;
  /** Least-to-most: what follows the question, so that the model names simpler ones. */
  readonly decompose: string;
  readonly answer: AnswerRule;
  /** Where the template says so; absent for the default. */
  readonly answerRange?: TextRange;
}

/** `metadata.tunesmith` */
export interface TunesmithSettings {
  readonly examples?: ExampleSettings;
  readonly reasoning: ReasoningSettings;
  /** Path of the input rows (JSONL or CSV), relative to the template. */
  readonly rows?: string;
  /** The column of a row that holds the expected answer. */
  readonly expected?: string;
  readonly grade: Grading;
}

/** A role marker of the body's own text; markers inside values are never one. */
export interface RoleMarker {
  readonly role: Role;
  /** The marker's line without its line break. */
  readonly range: TextRange;
}

export type TemplateFormat = 'jinja2' | 'mustache';

export interface Template {
  /** As given to the parser; for messages. */
  readonly file: string;
  /** The whole file. */
  readonly text: string;
  readonly name: string;
  readonly displayName?: string;
  readonly description?: string;
  /** 1 where the file uses the first version's keys; it is read as if it were version 2. */
  readonly version: 1 | 2;
  readonly format: TemplateFormat;
  readonly inputs: readonly TemplateInput[];
  readonly model: TemplateModel;
  readonly tunesmith: TunesmithSettings;
  /** The front matter as plain data, unknown keys kept. */
  readonly frontMatter: Readonly<Record<string, unknown>>;
  /** Between the `---` lines. Empty range at 0 when there is none. */
  readonly frontMatterRange: TextRange;
  readonly bodyRange: TextRange;
  readonly roles: readonly RoleMarker[];
  /** Variables that the body uses and does not define itself, each place. */
  readonly variables: readonly VariableUse[];
  readonly diagnostics: readonly Diagnostic[];
}

export interface VariableUse {
  readonly name: string;
  readonly range: TextRange;
  /** Used in a way that allows for its absence (`is defined`, `default(…)`, a mustache section). */
  readonly guarded: boolean;
}

/** Which part of the template a stretch of a rendered message came from. */
export type SpanPart =
  | { readonly kind: 'text'; readonly range?: TextRange }
  | { readonly kind: 'variable'; readonly name: string; readonly range?: TextRange }
  | { readonly kind: 'reasoning' };

export interface Span {
  /** Offsets into the message's content. Spans are in order and cover the content. */
  readonly start: number;
  readonly end: number;
  readonly part: SpanPart;
}

export interface RenderedMessage extends Message {
  readonly spans: readonly Span[];
  /** 0-based: this message belongs to that worked example. */
  readonly shot?: number;
}

export interface RenderedPrompt {
  readonly messages: readonly RenderedMessage[];
  /** The last message is the start of the answer. */
  readonly continueLast: boolean;
  /** Bank rows used as shots, in order (0-based index in the bank). */
  readonly shots: readonly number[];
}

/** What to send to a model. */
export const promptOf = (rendered: RenderedPrompt): Prompt => ({
  kind: 'messages',
  messages: rendered.messages.map(({ role, content }) => ({ role, content })),
  ...(rendered.continueLast ? { continueLast: true } : {}),
});

/** 1-based line of an offset. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let i = text.indexOf('\n'); i !== -1 && i < offset; i = text.indexOf('\n', i + 1)) line++;
  return line;
}
