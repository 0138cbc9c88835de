/** What the playground tells of a template: what it says, what is wrong with it, what it would send. */
import * as v from 'valibot';
import {
  AxisNames,
  BudgetPolicies,
  ExampleOrders,
  Selections,
  Similarities,
  Strategies,
} from '../core/prompts/template.ts';
import { ScoreSettingsSchema } from './playgroundScores.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));

const RangeSchema = v.object({ start: count, end: count });

export const StrategySchema = v.picklist(Strategies);

export type Strategy = v.InferOutput<typeof StrategySchema>;

export const DiagnosticSchema = v.object({
  severity: v.picklist(['error', 'warning', 'information']),
  message: v.string(),
  range: RangeSchema,
  /** Shown where the place is another file: `banks/x.jsonl:3`. */
  place: v.nullable(v.string()),
});

/** One of several texts that are compared; numbers and names stand as texts too. */
export const TextChoiceSchema = v.object({ label: v.string(), text: v.string() });

const SamplingSchema = v.object({
  temperature: v.number(),
  topP: v.number(),
  topK: v.number(),
  maxOutputTokens: v.number(),
  seed: v.number(),
  stopSequences: v.array(v.string()),
});

/** What the template says. */
export const TemplateStateSchema = v.object({
  name: v.string(),
  fileName: v.string(),
  folder: v.string(),
  strategy: StrategySchema,
  sampling: SamplingSchema,
  inputs: v.array(v.object({ name: v.string(), kind: v.string(), description: v.string(), required: v.boolean() })),
  /** Columns are the inputs in order; the first row is the template's own defaults where there is no file of rows. */
  rows: v.object({
    file: v.nullable(v.string()),
    values: v.array(v.array(v.string())),
    expected: v.nullable(v.array(v.string())),
    total: count,
    /** Names of all fields of the file's rows. */
    columns: v.array(v.string()),
  }),
  examples: v.nullable(
    v.object({
      bank: v.string(),
      total: count,
      shots: count,
      selection: v.picklist(Selections),
      seed: v.number(),
      similarity: v.picklist(Similarities),
      embeddingModel: v.string(),
      lambda: v.number(),
      label: v.string(),
      order: v.picklist(ExampleOrders),
      leakage: v.number(),
      overBudget: v.picklist(BudgetPolicies),
      /** Fields of the bank's rows. */
      columns: v.array(v.string()),
      /** Examples that say what a graded row says, and are never shown: the first of them, and how many. */
      leaks: v.object({
        total: count,
        first: v.array(v.object({ line: count, row: count, similarity: v.number() })),
      }),
    }),
  ),
  /** How the short answer is read from what a model wrote, and when it counts as right. */
  answer: v.object({
    rule: v.string(),
    /** What the rule looks for: a pattern, a marker, a path, letters. */
    detail: v.string(),
    /** Of a pattern. */
    flags: v.string(),
    /** The column of the right answer; empty where nothing is graded. */
    expected: v.string(),
    grade: v.string(),
    threshold: v.number(),
  }),
  /** Settings of the strategies, as they count: defaults where the template says nothing. */
  reasoning: v.object({
    trigger: v.string(),
    extract: v.string(),
    /** Known ones, to choose from. */
    triggers: v.array(v.string()),
    samples: count,
    of: v.string(),
    critique: v.string(),
    revise: v.string(),
    decompose: v.string(),
  }),
  /** What the template varies, in the order in which variants are made. */
  axes: v.array(v.object({ axis: v.picklist(AxisNames), values: v.array(TextChoiceSchema) })),
  /** How many variants these axes make, and why they cannot be run. */
  variants: v.object({ count, problem: v.nullable(v.string()) }),
  /** Which texts are compared by their likelihood; null where the template does not say. */
  score: v.nullable(ScoreSettingsSchema),
  roles: v.array(v.object({ role: v.picklist(['system', 'user', 'assistant']), range: RangeSchema })),
  /** Where the body names a variable. */
  variables: v.array(v.object({ name: v.string(), range: RangeSchema })),
  diagnostics: v.array(DiagnosticSchema),
  /** What the template wants and may not have yet, each with what allowing it means. */
  approvals: v.array(v.object({ id: v.string(), message: v.string() })),
});

export type TemplateState = v.InferOutput<typeof TemplateStateSchema>;

/** What a change of the template tells; `rows` is null where they are those told before: they may be many, and keys come fast. */
export const TemplateChangeSchema = v.object({
  ...TemplateStateSchema.entries,
  rows: v.nullable(TemplateStateSchema.entries.rows),
});

/** The selected row rendered for the first model, with token counts where its tokenizer is at hand. */
export const PreviewSchema = v.object({
  row: count,
  model: v.string(),
  contextLength: v.nullable(count),
  /** Tokens by part; null when not countable. */
  tokens: v.nullable(v.object({ system: count, shots: count, input: count, reserved: count })),
  /** Tokens of each role's section of the body, in the order of `roles`; −1 where not countable. */
  sections: v.array(v.pipe(v.number(), v.integer())),
  shots: v.array(v.object({ user: v.string(), assistant: v.string() })),
  /** What was left out so that it fits, in a sentence. */
  cut: v.nullable(v.string()),
  error: v.nullable(v.string()),
});

export type Preview = v.InferOutput<typeof PreviewSchema>;
