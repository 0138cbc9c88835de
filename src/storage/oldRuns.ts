/** Cells as runs of format 1 kept them: a whole generation, with what its owner needed beside it. */
import * as v from 'valibot';
import type { Generation, Message } from '../core/generation.ts';
import type { KeptCell } from '../core/runs/runRecord.ts';

const OldSchema = v.looseObject({
  key: v.string(),
  generation: v.optional(v.unknown()),
  error: v.optional(v.string()),
});

interface OldGeneration extends Generation {
  /** The playground's: what was sent. */
  readonly messages?: readonly Message[];
  /** The command line's. */
  readonly rest?: {
    readonly answer?: string;
    readonly correct?: boolean;
    readonly votes?: KeptCell['votes'];
    readonly cached?: boolean;
    readonly stages?: readonly { readonly name: string; readonly generation: Generation }[];
  };
}

/** Undefined for a cell of a newer format. */
export function oldCell(record: unknown): KeptCell | undefined {
  const read = v.safeParse(OldSchema, record);
  if (!read.success || 'text' in read.output) return undefined;
  const { key, error } = read.output;
  const generation = read.output.generation as OldGeneration | undefined;
  if (!generation) return error === undefined ? undefined : { key, text: '', failure: error };
  const { text, finishReason, usage, latencyMs, firstTokenMs, model, revision, options, rest } = generation;
  const stages = rest?.stages ?? [];
  return {
    key,
    text,
    finishReason,
    usage,
    latencyMs,
    firstTokenMs,
    model,
    revision,
    options,
    seed: options.seed,
    answer: rest?.answer,
    right: rest?.correct,
    votes: rest?.votes,
    cached: rest?.cached,
    stages: stages.length > 1 ? stages.map(({ name, generation: made }) => ({ name, text: made.text })) : undefined,
  };
}

export function oldMessages(record: unknown): readonly Message[] | undefined {
  return (record as { generation?: OldGeneration } | undefined)?.generation?.messages;
}
