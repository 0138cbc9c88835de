/** Models of Ollama through its own interface: `/api/chat` and `/api/generate`, one JSON object a line, what runs told by digest. */
import * as v from 'valibot';
import { parseJson } from '../base/jsonLines.ts';
import { l10n } from '../base/l10n.ts';
import type { FinishReason, GeneratedToken, Generation, Usage } from '../core/generation.ts';
import { ProviderError } from '../core/providerError.ts';
import type { GenerateContext, GenerateRequest, ModelDescription, TextGenerator } from '../core/textGenerator.ts';
import { type EndpointModel, endpointIdentity, seedOf } from './endpointModel.ts';
import {
  brokeOff,
  isCancelled,
  jsonOf,
  OutputLimit,
  ownHeaders,
  post,
  refusal,
  saidInStream,
  textOf,
  tooLong,
} from './http.ts';
import { authorization, type KeyStore, originOf } from './keys.ts';
import { TokenLogProbSchema, tokenOf } from './logProbs.ts';
import type { Fetch } from './nodeFetch.ts';
import { sameOriginFetch } from './sameOriginFetch.ts';

/** Milliseconds for which a digest is taken for what runs. */
const DigestHolds = 30_000;

const TagsSchema = v.object({ models: v.array(v.object({ name: v.string(), digest: v.optional(v.string(), '') })) });
const LineSchema = v.object({
  /** Of /api/chat. */
  message: v.nullish(v.object({ content: v.optional(v.string(), '') })),
  /** Of /api/generate. */
  response: v.nullish(v.string()),
  done: v.optional(v.boolean(), false),
  done_reason: v.nullish(v.string()),
  prompt_eval_count: v.nullish(v.number()),
  eval_count: v.nullish(v.number()),
  logprobs: v.nullish(v.array(TokenLogProbSchema)),
  error: v.nullish(v.string()),
});

export function ollamaModel(model: ModelDescription, server: EndpointModel): TextGenerator {
  const { baseUrl, name, endpoint, keys, fetch, mayAsk } = server;
  const origin = originOf(baseUrl);
  const own = ownHeaders(endpoint?.headers);
  let digest: { readonly at: number; readonly value: string } | undefined;
  const headersFor = async (address: string) => ({ ...own, ...(await authorization(address, keys)) });
  return {
    model,
    async identity() {
      if (!digest || performance.now() - digest.at > DigestHolds) {
        await mayAsk();
        const address = `${baseUrl}/api/tags`;
        const tags = await tagsOf(address, await headersFor(address), { fetch });
        const found = tags.find(tag => tag.name === name || tag.name === `${name}:latest`);
        digest = { at: performance.now(), value: found?.digest ?? '' };
      }
      return `${digest.value} ${endpointIdentity(endpoint, own)}`;
    },
    async generate(request, context = {}) {
      const began = performance.now();
      const answer = new Answer(context, origin);
      try {
        await mayAsk();
        context.signal?.throwIfAborted();
        const address = `${baseUrl}/api/${request.prompt.kind === 'text' ? 'generate' : 'chat'}`;
        const headers = await headersFor(address);
        const body = bodyOf(name, request, endpoint?.stream ?? true);
        const response = await post({ address, headers, body, signal: context.signal, fetch });
        if (!response.ok) throw await refusal(response, address, headers);
        await answer.read(response);
      } catch (error) {
        if (!isCancelled(error, context.signal)) throw error;
        answer.finishReason = 'cancelled';
      }
      return answer.generation(model.id, request, began, digest?.value);
    },
  };
}

/** Names of the models that an Ollama has. */
export async function listOllamaModels(
  baseUrl: string,
  { keys, fetch, signal }: { readonly keys: KeyStore; readonly fetch?: Fetch; readonly signal?: AbortSignal },
): Promise<string[]> {
  const address = `${baseUrl}/api/tags`;
  const tags = await tagsOf(address, await authorization(address, keys), { fetch, signal });
  return tags.map(({ name }) => name).sort();
}

async function tagsOf(
  address: string,
  headers: Readonly<Record<string, string>>,
  { fetch, signal }: { readonly fetch?: Fetch; readonly signal?: AbortSignal },
): Promise<v.InferOutput<typeof TagsSchema>['models']> {
  const response = await sameOriginFetch(address, { headers, signal }, fetch);
  if (!response.ok) throw await refusal(response, address, headers);
  const tags = v.safeParse(TagsSchema, await jsonOf(response, originOf(address), signal));
  if (tags.success) return tags.output.models;
  throw new ProviderError(
    l10n.t(
      '{0} does not answer as Ollama does. Check the address: for other servers it often ends in /v1.',
      originOf(address),
    ),
    { trouble: 'refused' },
  );
}

function bodyOf(model: string, { prompt, options, repeat, logProbs }: GenerateRequest, stream: boolean): object {
  const { temperature, topP, topK, maxOutputTokens, seed, stopSequences } = options;
  return {
    model,
    // A text for a base model goes in as it is, without the model's chat template.
    ...(prompt.kind === 'text' ? { prompt: prompt.text, raw: true } : { messages: prompt.messages }),
    stream,
    ...(logProbs && { logprobs: true, ...(logProbs.alternatives > 0 && { top_logprobs: logProbs.alternatives }) }),
    options: {
      temperature,
      top_p: topP,
      // Its own default keeps 40.
      top_k: topK,
      num_predict: maxOutputTokens,
      seed: seedOf(seed, repeat),
      ...(stopSequences.length > 0 && { stop: stopSequences }),
    },
  };
}

/** An answer as it comes in. */
class Answer {
  finishReason: FinishReason | undefined;
  readonly #context: GenerateContext;
  readonly #origin: string;
  readonly #tokens: GeneratedToken[] = [];
  #text = '';
  #usage: Usage | undefined;
  #firstAt: number | undefined;

  constructor(context: GenerateContext, origin: string) {
    this.#context = context;
    this.#origin = origin;
  }

  async read(response: Response): Promise<void> {
    let rest = '';
    for await (const part of textOf(response, this.#origin, { signal: this.#context.signal })) {
      const lines = (rest + part).split('\n');
      rest = lines.pop()!;
      if (rest.length > OutputLimit) throw tooLong(this.#origin);
      for (const line of lines) if (line.trim() !== '') this.#take(line);
    }
    if (rest.trim() !== '') this.#take(rest);
    if (this.finishReason === undefined) throw brokeOff(this.#origin);
  }

  #take(line: string): void {
    const parsed = v.safeParse(LineSchema, parseJson(line));
    if (!parsed.success) {
      throw new ProviderError(
        l10n.t(
          '{0} does not answer as Ollama does. Check the address: for other servers it often ends in /v1.',
          this.#origin,
        ),
        { trouble: this.#text === '' ? 'refused' : 'broken', cause: new v.ValiError(parsed.issues) },
      );
    }
    const { message, response, done, done_reason: reason, error, logprobs, ...counts } = parsed.output;
    if (error) throw saidInStream(this.#origin, error);
    const delta = message?.content ?? response ?? '';
    if (delta !== '') {
      this.#firstAt ??= performance.now();
      this.#text += delta;
      if (this.#text.length > OutputLimit) throw tooLong(this.#origin);
      this.#context.onDelta?.(delta);
    }
    this.#tokens.push(...(logprobs ?? []).map(tokenOf));
    if (!done) return;
    this.finishReason = reason === 'length' ? 'length' : 'stop';
    const { prompt_eval_count: promptTokens, eval_count: completionTokens } = counts;
    if (typeof completionTokens === 'number') this.#usage = { promptTokens: promptTokens ?? 0, completionTokens };
  }

  generation(model: string, { options, repeat }: GenerateRequest, began: number, revision?: string): Generation {
    return {
      text: this.#text,
      finishReason: this.finishReason ?? 'stop',
      usage: this.#usage,
      tokens: this.#tokens.length > 0 ? this.#tokens : undefined,
      latencyMs: performance.now() - began,
      firstTokenMs: this.#firstAt === undefined ? undefined : this.#firstAt - began,
      model,
      revision: revision || undefined,
      options,
      repeat,
    };
  }
}
