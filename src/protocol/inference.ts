/**
 * The contract with the child process that runs local models (`src/worker/inferenceMain.ts`, started by
 * `src/jobs/inferenceProcess.ts` with `child_process.fork`, JSON serialisation). Every request gets exactly one
 * `reply` or `failure` with its id, also after `cancel`; deltas come before it.
 */
import * as v from 'valibot';

export const MessageSchema = v.object({
  role: v.picklist(['system', 'user', 'assistant']),
  content: v.string(),
});

export const PromptSchema = v.variant('kind', [
  v.object({ kind: v.literal('messages'), messages: v.array(MessageSchema), continueLast: v.optional(v.boolean()) }),
  v.object({ kind: v.literal('text'), text: v.string() }),
]);

export const SamplingSchema = v.object({
  temperature: v.pipe(v.number(), v.minValue(0), v.maxValue(100)),
  topP: v.pipe(v.number(), v.minValue(0), v.maxValue(1)),
  topK: v.pipe(v.number(), v.integer(), v.minValue(0)),
  maxOutputTokens: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1_000_000)),
  seed: v.pipe(v.number(), v.safeInteger()),
  stopSequences: v.array(v.string()),
});

/** Where a model's bytes lie: a Hugging Face folder or a `.gguf` file, and the PEFT folder of a tuned model. */
export const ModelLocationSchema = v.object({
  base: v.string(),
  adapter: v.optional(v.string()),
});
export type ModelLocation = v.InferOutput<typeof ModelLocationSchema>;

/** What a model can be written as, and the types of its numbers there (`Q8_0` in GGUF alone). */
export const ExportFormats = ['safetensors', 'gguf'] as const;
export type ExportFormat = (typeof ExportFormats)[number];
export const ExportTypes = ['F32', 'F16', 'BF16', 'Q8_0'] as const;
export type ExportType = (typeof ExportTypes)[number];
/** What weights are held in: 32, 8 or 4 bits. Adapters always have 32. */
export const precisions = ['float32', 'int8', 'int4'] as const;
/** `auto`: 8 bits, but 32 for small models. */
export const PrecisionChoiceSchema = v.picklist(['auto', ...precisions]);
export type PrecisionChoice = v.InferOutput<typeof PrecisionChoiceSchema>;
/** What someone wrote into a setting; anything else counts as `auto`. */
export const precisionOf = (text: unknown): PrecisionChoice => (v.is(PrecisionChoiceSchema, text) ? text : 'auto');

export const InferenceRequestSchema = v.variant('method', [
  v.object({
    id: v.number(),
    method: v.literal('load'),
    location: ModelLocationSchema,
    precision: PrecisionChoiceSchema,
  }),
  v.object({ id: v.number(), method: v.literal('unload'), model: v.string() }),
  /** Generates for all items as one batch. `stream` of an item keys its random numbers with the seed (the repeat index). */
  v.object({
    id: v.number(),
    method: v.literal('generate'),
    model: v.string(),
    items: v.array(
      v.object({
        prompt: PromptSchema,
        options: SamplingSchema,
        stream: v.pipe(v.number(), v.integer(), v.minValue(0)),
      }),
    ),
    /** −1: no log-probs; n ≥ 0: each token's log-prob and its n likeliest alternatives. */
    alternatives: v.pipe(v.number(), v.integer(), v.minValue(-1), v.maxValue(50)),
  }),
  /** Token counts of plain texts. */
  v.object({ id: v.number(), method: v.literal('count'), model: v.string(), texts: v.array(v.string()) }),
  /** The exact text and token count that a prompt becomes through the chat template. */
  v.object({ id: v.number(), method: v.literal('render'), model: v.string(), prompt: PromptSchema }),
  /** Log-likelihood of each continuation given its prefix. */
  v.object({
    id: v.number(),
    method: v.literal('score'),
    model: v.string(),
    items: v.array(v.object({ prompt: PromptSchema, continuation: v.string() })),
    /** The likeliest tokens to tell in each place; none where it is left out. */
    alternatives: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(50))),
  }),
  /** Writes a model, its adapter merged in, into a new folder: safetensors for `transformers`, or one GGUF file. */
  v.object({
    id: v.number(),
    method: v.literal('export'),
    location: ModelLocationSchema,
    to: v.string(),
    format: v.picklist(ExportFormats),
    type: v.picklist(ExportTypes),
  }),
  /** Each text as a vector of length 1: texts that are alike have vectors that are close. */
  v.object({ id: v.number(), method: v.literal('embed'), model: v.string(), texts: v.array(v.string()) }),
  /** The reward that a trained reward model (base and adapter) gives to each answer to its prompt. */
  v.object({
    id: v.number(),
    method: v.literal('reward'),
    location: ModelLocationSchema,
    items: v.array(v.object({ prompt: PromptSchema, answer: v.string() })),
  }),
  /** Ends request `target` within one token; it then replies with what it has, finishReason `cancelled`. */
  v.object({ id: v.number(), method: v.literal('cancel'), target: v.number() }),
  v.object({ id: v.number(), method: v.literal('shutdown') }),
]);
export type InferenceRequest = v.InferOutput<typeof InferenceRequestSchema>;

const TokenSchema = v.object({
  text: v.string(),
  logProb: v.number(),
  alternatives: v.optional(v.array(v.object({ text: v.string(), logProb: v.number() }))),
  rank: v.optional(v.number()),
});

export const GeneratedItemSchema = v.object({
  text: v.string(),
  finishReason: v.picklist(['stop', 'length', 'stop-sequence', 'cancelled']),
  promptTokens: v.number(),
  completionTokens: v.number(),
  tokens: v.optional(v.array(TokenSchema)),
  firstTokenMs: v.optional(v.number()),
  latencyMs: v.number(),
});

export const LoadedModelSchema = v.object({
  /** Handle for later requests; the same location and precision loaded twice give the same handle. */
  model: v.string(),
  architecture: v.string(),
  parameters: v.number(),
  contextLength: v.number(),
  vocabularySize: v.number(),
  chat: v.boolean(),
  /** Hash of the files' names, sizes and headers: tells two versions under one path apart. */
  revision: v.string(),
  /** What its answers and log-probs are computed in. */
  precision: v.picklist(precisions),
});
export type LoadedModel = v.InferOutput<typeof LoadedModelSchema>;

/** What the start-up self-test of the child found out about this machine. */
export const RuntimeReportSchema = v.object({
  runtime: v.string(),
  node: v.string(),
  bufferAliasing: v.boolean(),
  uncopiedOutputs: v.boolean(),
  memoryGrowth: v.boolean(),
  threads: v.number(),
  /** Where models run. */
  provider: v.picklist(['cpu', 'webgpu']),
});
export type RuntimeReport = v.InferOutput<typeof RuntimeReportSchema>;

export const InferenceEventSchema = v.variant('type', [
  /** First message of the child, once. */
  v.object({ type: v.literal('hello'), protocol: v.literal(1), report: RuntimeReportSchema }),
  v.object({ type: v.literal('delta'), id: v.number(), item: v.number(), text: v.string() }),
  v.object({ type: v.literal('progress'), id: v.number(), message: v.string(), fraction: v.optional(v.number()) }),
  v.object({ type: v.literal('reply'), id: v.number(), result: v.unknown() }),
  v.object({
    type: v.literal('failure'),
    id: v.number(),
    /** True: show as it is. False: a bug, log it. */
    human: v.boolean(),
    message: v.string(),
    file: v.optional(v.string()),
    line: v.optional(v.number()),
    stack: v.optional(v.string()),
  }),
]);
export type InferenceEvent = v.InferOutput<typeof InferenceEventSchema>;

/** Schema of `reply.result` by method. */
export const InferenceResultSchemas = {
  load: LoadedModelSchema,
  unload: v.object({}),
  generate: v.object({ items: v.array(GeneratedItemSchema) }),
  count: v.object({ counts: v.array(v.number()) }),
  render: v.object({ text: v.string(), tokens: v.number() }),
  score: v.object({
    items: v.array(v.object({ logLikelihood: v.number(), tokens: v.array(TokenSchema) })),
  }),
  /** The folder, or the GGUF file in it, and the bytes of its weights. */
  export: v.object({ path: v.string(), bytes: v.number() }),
  embed: v.object({ vectors: v.array(v.array(v.number())) }),
  /** In the order of the items; null where prompt and answer are longer than the model reads. */
  reward: v.object({ rewards: v.array(v.nullable(v.number())) }),
  cancel: v.object({}),
  shutdown: v.object({}),
} as const;
export type InferenceMethod = keyof typeof InferenceResultSchemas;
export type InferenceResult<M extends InferenceMethod> = v.InferOutput<(typeof InferenceResultSchemas)[M]>;
