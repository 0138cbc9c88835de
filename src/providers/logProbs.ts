/** How servers tell the log-probabilities of tokens: the form that OpenAI's chats and Ollama share. */
import * as v from 'valibot';
import type { GeneratedToken } from '../core/generation.ts';

const AlternativeSchema = v.object({ token: v.string(), logprob: v.number() });

/** A token with the likeliest ones in its place, where they were asked for. */
export const TokenLogProbSchema = v.object({
  ...AlternativeSchema.entries,
  top_logprobs: v.nullish(v.array(AlternativeSchema)),
});

export const tokenOf = ({
  token,
  logprob,
  top_logprobs: top,
}: v.InferOutput<typeof TokenLogProbSchema>): GeneratedToken => ({
  text: token,
  logProb: logprob,
  ...(top ? { alternatives: top.map(other => ({ text: other.token, logProb: other.logprob })) } : {}),
});
