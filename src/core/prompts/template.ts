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
  | 'leaked-example'
  | 'over-budget'
  | 'bad-row'
  | 'no-message'
  | 'old-version'
  | 'unknown-key'
  | 'unused-input'
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
  /** A connection that stands in a file of its own: `$` + `{file:…}`. */
  readonly connectionFile?: string;
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

/**
 * Which examples are shown. `fixed`: the bank's first rows; `random`: drawn by `seed`; `similar`: nearest to the question;
 * `diverse`: near to the question and far from each other (MMR); `balanced`: as many of each label.
 */
export const Selections = ['fixed', 'random', 'similar', 'diverse', 'balanced'] as const;
export type Selection = (typeof Selections)[number];

/** What nearness is measured by: words that are shared (BM25), or vectors of a local model. */
export const Similarities = ['bm25', 'embedding'] as const;
export type Similarity = (typeof Similarities)[number];

/** In which order the chosen examples stand. */
export const ExampleOrders = ['selected', 'similar-last', 'similar-first', 'random', 'label-interleaved'] as const;
export type ExampleOrder = (typeof ExampleOrders)[number];

/** Which examples go first where the prompt does not fit into the context; `fail` sends nothing. */
export const BudgetPolicies = ['drop-first', 'drop-last', 'drop-least-similar', 'fail'] as const;
export type BudgetPolicy = (typeof BudgetPolicies)[number];

export interface ExampleSettings {
  /** Path of the bank, relative to the template. */
  readonly bank: string;
  readonly shots: number;
  readonly selection: Selection;
  /** Of random selection, of random order and of equal choices. */
  readonly seed: number;
  readonly similarity: Similarity;
  /** The local model whose vectors are compared. */
  readonly embeddingModel: string;
  /** λ of `diverse`: 1 looks at nearness to the question alone, 0 at distance between the examples alone. */
  readonly lambda: number;
  /** Column of the bank that holds the label. */
  readonly label: string;
  readonly order: ExampleOrder;
  /** Examples this alike to a test row (Jaccard, 0 … 1) are passed over; equal ones always are. */
  readonly leakage: number;
  readonly overBudget: BudgetPolicy;
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

/** What is scored: given candidates, or the word that completes the prompt. */
export const ScoreTasks = ['candidates', 'last-word'] as const;
export type ScoreTask = (typeof ScoreTasks)[number];

/** Which sum of log-probabilities decides: all of it, its mean over tokens, or its mean over characters. */
export const ScoreMeasures = ['total', 'per-token', 'per-character'] as const;
export type ScoreMeasure = (typeof ScoreMeasures)[number];

/** Where a candidate stands inside the text: what follows it is scored given the rest, or the whole text (Trinh & Le 2018). */
export const ScoreMethods = ['partial', 'full'] as const;
export type ScoreMethod = (typeof ScoreMethods)[number];

/** As a plain text, or as a conversation in the model's chat template. */
export const ScoreForms = ['text', 'chat'] as const;
export type ScoreForm = (typeof ScoreForms)[number];

/** How given texts are compared by their likelihood (evaluation/score.ts). */
export interface ScoreSettings {
  readonly task: ScoreTask;
  /** The same for all rows, or the column of a row that lists its own. */
  readonly candidates?: readonly string[] | { readonly column: string };
  /** The input whose place each candidate takes; left out: candidates continue the prompt. */
  readonly input?: string;
  readonly method: ScoreMethod;
  readonly by: ScoreMeasure;
  readonly as: ScoreForm;
  readonly range: TextRange;
}

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

/** One of several texts that are compared, with a short name. */
export interface TextChoice {
  readonly label: string;
  /** Empty: nothing is added. */
  readonly text: string;
}

/** What is varied, each axis against all others (evaluation/variants.ts). */
export interface Axes {
  /** Before the system message. */
  readonly persona?: readonly TextChoice[];
  /** Before and after the question. */
  readonly prefix?: readonly TextChoice[];
  readonly suffix?: readonly TextChoice[];
  readonly trigger?: readonly TextChoice[];
  readonly strategy?: readonly Strategy[];
  readonly shots?: readonly number[];
  readonly temperature?: readonly number[];
  readonly model?: readonly string[];
}

export const AxisNames = [
  'model',
  'strategy',
  'trigger',
  'persona',
  'prefix',
  'suffix',
  'shots',
  'temperature',
] as const satisfies readonly (keyof Axes)[];
export type AxisName = (typeof AxisNames)[number];

/** Texts that a variant puts around the template's own. */
export interface Wrap {
  readonly persona?: string;
  readonly prefix?: string;
  readonly suffix?: string;
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
  readonly axes: Axes;
  readonly score?: ScoreSettings;
}

/** A role marker of the body's own text; markers inside values are never one. */
export interface RoleMarker {
  readonly role: Role;
  /** Where it was written as something else. */
  readonly writtenRole?: 'developer';
  /** `user[name="Alice"]:` */
  readonly metadata?: Readonly<Record<string, string | number | boolean>>;
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
  /** Set by a variant, never by the file. */
  readonly wrap?: Wrap;
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
  /** As the template's marker has it, where that is more than the role. */
  readonly writtenRole?: 'developer';
  readonly metadata?: Readonly<Record<string, string | number | boolean>>;
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
  /** Where examples were left out so that it fits into the model's context: how many and why, in a sentence. */
  readonly cut?: string;
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
