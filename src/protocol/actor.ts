/**
 * The contract between a job's learner and an actor, a process that samples answers for it (`src/worker/actorMain.ts`, started by
 * `src/worker/actorPool.ts` with `child_process.fork`, advanced serialisation: typed arrays come as they are). The learner says `open`
 * once; the actor answers with `ready`, and every `sample` with `sampled`. `failed` is the last that it says.
 */
import * as v from 'valibot';

const ids = v.array(v.number());
/** Numbers by name. */
const WeightsSchema = v.custom<ReadonlyMap<string, Float32Array>>(
  value => value instanceof Map && [...value.values()].every(array => array instanceof Float32Array),
);

/** `LoraConfig` of `language-model/lora.ts`. */
const LoraSchema = v.object({
  r: v.number(),
  alpha: v.number(),
  targetModules: v.union([v.array(v.string()), v.literal('all-linear')]),
  useRslora: v.exactOptional(v.boolean()),
  rankPattern: v.exactOptional(v.record(v.string(), v.number())),
  alphaPattern: v.exactOptional(v.record(v.string(), v.number())),
});

export const ActorRequestSchema = v.variant('method', [
  v.object({
    method: v.literal('open'),
    /** Path of the base; the adapter's weights come with the first `sample`. */
    base: v.string(),
    lora: LoraSchema,
    threads: v.number(),
  }),
  v.object({
    method: v.literal('sample'),
    id: v.number(),
    /** Adapter weights by name, where they are not those of the request before. */
    weights: v.optional(WeightsSchema),
    requests: v.array(
      v.object({
        prompt: ids,
        stream: v.number(),
        options: v.object({ temperature: v.number(), maxNewTokens: v.number(), seed: v.number(), endIds: ids }),
      }),
    ),
  }),
]);
export type ActorRequest = v.InferOutput<typeof ActorRequestSchema>;

export const ActorReplySchema = v.variant('type', [
  v.object({ type: v.literal('ready') }),
  v.object({
    type: v.literal('sampled'),
    id: v.number(),
    sequences: v.array(
      v.object({ tokens: ids, logProbs: ids, finishReason: v.picklist(['end', 'length', 'stopped', 'cancelled']) }),
    ),
  }),
  v.object({ type: v.literal('failed'), message: v.string() }),
]);
export type ActorReply = v.InferOutput<typeof ActorReplySchema>;
