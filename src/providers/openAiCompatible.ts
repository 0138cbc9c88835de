/** Models of a server that speaks OpenAI's chat completions: OpenAI, Ollama, llama.cpp, vLLM, LM Studio and many more. */
import * as v from 'valibot';
import { HumanError } from '../base/errors.ts';
import { GrowingText } from '../base/growingText.ts';
import { l10n } from '../base/l10n.ts';
import type { FinishReason, GeneratedToken, Generation, Usage } from '../core/generation.ts';
import { ProviderError } from '../core/providerError.ts';
import type {
  GenerateContext,
  GenerateRequest,
  ModelDescription,
  Scored,
  ScoreRequest,
  TextGenerator,
} from '../core/textGenerator.ts';
import { anthropicHeaders, anthropicModel } from './anthropic.ts';
import { type EndpointModel, endpointIdentity, type Quirks, seedOf } from './endpointModel.ts';
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
import { listOllamaModels, ollamaModel } from './ollama.ts';
import type { ModelProvider } from './registry.ts';
import { sameOriginFetch } from './sameOriginFetch.ts';
import { TextFrames } from './textFrames.ts';

export interface Endpoint {
  /** Up to and with the version: `http://localhost:11434/v1`. */
  readonly baseUrl: string;
  readonly models: readonly string[];
  readonly contextLength?: number;
  /** What it speaks. Default: OpenAI's, Anthropic's at api.anthropic.com, Ollama's own where the address has no /v1 and port 11434. */
  readonly kind?: EndpointKind;
  /** Sent with each request; secrets are keys and never stand here. */
  readonly headers?: Readonly<Record<string, string>>;
  /** False for one that cannot stream; without it, that is found out. */
  readonly stream?: boolean;
}

export type EndpointKind = 'openai' | 'ollama' | 'anthropic';

export interface EndpointOptions {
  /** Endpoints that the person configured; never those of a workspace's own settings. */
  readonly endpoints: () => readonly Endpoint[];
  readonly keys: KeyStore;
  /** Asked before each request to an endpoint that the person did not configure (a template names it); who answers remembers. */
  readonly approve: (origin: string, model: string) => Promise<boolean>;
  readonly fetch?: Fetch;
}

export const endpointModelId = (baseUrl: string, model: string): string => `${trimmed(baseUrl)}|${model}`;

export function endpointProvider(options: EndpointOptions): ModelProvider {
  const quirks = new Map<string, Quirks>();
  return {
    list: async () =>
      options
        .endpoints()
        .flatMap(endpoint => endpoint.models.map(model => describe(endpoint.baseUrl, model, endpoint))),
    async get(id) {
      const bar = id.indexOf('|');
      if (bar < 0 || !/^https?:/i.test(id)) return undefined;
      const baseUrl = trimmed(id.slice(0, bar));
      const name = id.slice(bar + 1);
      const origin = originOf(baseUrl);
      const configured = options.endpoints().find(endpoint => trimmed(endpoint.baseUrl) === baseUrl);
      const model: EndpointModel = {
        baseUrl,
        name,
        endpoint: configured,
        quirks: quirksOf(quirks, id),
        keys: options.keys,
        fetch: options.fetch,
        mayAsk: async () => {
          if (configured) return;
          if (!(await options.approve(origin, name))) {
            throw new HumanError(l10n.t('Nothing was sent to {0}, because you did not allow it.', origin));
          }
        },
      };
      const describing = describe(baseUrl, name, configured);
      switch (kindOf(baseUrl, configured)) {
        case 'anthropic':
          return anthropicModel(describing, model);
        case 'ollama':
          return ollamaModel(describing, model);
        case 'openai':
          return openAiModel(describing, model);
      }
    },
  };
}

/** Names of the models that a server offers. */
export async function listEndpointModels(
  baseUrl: string,
  options: Pick<EndpointOptions, 'keys' | 'fetch'> & { readonly signal?: AbortSignal },
): Promise<string[]> {
  const origin = originOf(baseUrl);
  const kind = kindOf(trimmed(baseUrl));
  if (kind === 'ollama') return listOllamaModels(trimmed(baseUrl), options);
  const address = `${trimmed(baseUrl)}${kind === 'anthropic' && !/\/v\d+\/*$/.test(baseUrl) ? '/v1' : ''}/models`;
  const headers =
    kind === 'anthropic' ? await anthropicHeaders(address, options.keys) : await authorization(address, options.keys);
  const response = await sameOriginFetch(address, { headers, signal: options.signal }, options.fetch);
  if (!response.ok) throw await refusal(response, address, headers);
  const list = v.safeParse(
    v.object({ data: v.array(v.object({ id: v.string() })) }),
    await jsonOf(response, origin, options.signal),
  );
  if (!list.success) throw new HumanError(l10n.t('{0} does not list its models. Enter a name by hand.', origin));
  return list.output.data.map(model => model.id).sort();
}

const quirksOf = (all: Map<string, Quirks>, id: string): Quirks => {
  const known = all.get(id) ?? { limitName: 'max_tokens', stream: true };
  all.set(id, known);
  return known;
};

/** What an endpoint speaks, by its settings or its address. */
export function kindOf(baseUrl: string, endpoint?: Endpoint): EndpointKind {
  if (endpoint?.kind) return endpoint.kind;
  const { hostname, port, pathname } = new URL(baseUrl);
  if (hostname === 'api.anthropic.com') return 'anthropic';
  return port === '11434' && !pathname.startsWith('/v1') ? 'ollama' : 'openai';
}

function openAiModel(model: ModelDescription, server: EndpointModel): TextGenerator {
  const { baseUrl, name, endpoint, quirks, keys, fetch, mayAsk } = server;
  const origin = originOf(baseUrl);
  const own = ownHeaders(endpoint?.headers);
  const identity = endpointIdentity(endpoint, own);
  const send = async (path: string, make: () => object, signal?: AbortSignal): Promise<Response> => {
    await mayAsk();
    signal?.throwIfAborted();
    const address = `${baseUrl}/${path}`;
    const key = await authorization(address, keys);
    const headers = { Accept: 'text/event-stream, application/json', ...own, ...key };
    for (;;) {
      const response = await post({ address, headers, body: make(), signal, fetch });
      if (response.ok) return response;
      const text = await response.text().catch(() => '');
      if (!learned(quirks, response.status, text)) throw await refusal(new Response(text, response), address, key);
    }
  };
  return {
    model,
    identity: async () => identity,
    async generate(request, context = {}) {
      const began = performance.now();
      const answer = new Answer(context);
      try {
        const path = request.prompt.kind === 'text' ? 'completions' : 'chat/completions';
        const streams = () => endpoint?.stream !== false && quirks.stream;
        const response = await send(path, () => body(name, request, quirks.limitName, streams()), context.signal);
        await answer.read(response, origin);
      } catch (error) {
        if (!isCancelled(error, context.signal)) throw error;
        answer.finishReason = 'cancelled';
      }
      return answer.generation(model.id, request, began);
    },
    async score(items, { signal, alternatives = 0 } = {}) {
      const scored: Scored[] = [];
      for (const item of items) {
        const response = await send('completions', () => echoBody(name, item, alternatives), signal);
        scored.push(echoed(await jsonOf(response, origin, signal), item, origin));
      }
      return scored;
    },
  };
}

/** Learns from a refusal what the server takes instead; false where there is nothing to learn. */
function learned(quirks: Quirks, status: number, text: string): boolean {
  if (status === 400 && quirks.limitName === 'max_tokens' && text.includes('max_completion_tokens')) {
    quirks.limitName = 'max_completion_tokens';
    return true;
  }
  if (quirks.stream && [400, 404, 405, 422, 501].includes(status) && /\bstream(ing)?\b/i.test(text)) {
    quirks.stream = false;
    return true;
  }
  return false;
}

function body(
  model: string,
  { prompt, options, repeat, logProbs }: GenerateRequest,
  limitName: string,
  stream: boolean,
): object {
  const { temperature, topP, topK, maxOutputTokens, seed, stopSequences } = options;
  return {
    model,
    ...(prompt.kind === 'text' ? { prompt: prompt.text } : { messages: prompt.messages }),
    stream,
    ...(stream && { stream_options: { include_usage: true } }),
    temperature,
    top_p: topP,
    ...(topK > 0 && { top_k: topK }),
    [limitName]: maxOutputTokens,
    // Repeats differ, and the same repeat is asked for with the same number.
    seed: seedOf(seed, repeat),
    ...(stopSequences.length > 0 && { stop: stopSequences }),
    ...(logProbs &&
      (prompt.kind === 'text'
        ? { logprobs: logProbs.alternatives }
        : { logprobs: true, ...(logProbs.alternatives > 0 && { top_logprobs: logProbs.alternatives }) })),
  };
}

const ChunkSchema = v.object({
  choices: v.optional(
    v.array(
      v.object({
        delta: v.nullish(v.object({ content: v.nullish(v.string()) })),
        message: v.nullish(v.object({ content: v.nullish(v.string()) })),
        text: v.nullish(v.string()),
        finish_reason: v.nullish(v.string()),
        // Of chats `content`, of completions parallel lists.
        logprobs: v.nullish(
          v.object({
            content: v.nullish(v.array(TokenLogProbSchema)),
            tokens: v.nullish(v.array(v.string())),
            token_logprobs: v.nullish(v.array(v.nullable(v.number()))),
            top_logprobs: v.nullish(v.array(v.nullable(v.record(v.string(), v.number())))),
            text_offset: v.nullish(v.array(v.number())),
          }),
        ),
      }),
    ),
    [],
  ),
  usage: v.nullish(
    v.object({ prompt_tokens: v.optional(v.number(), 0), completion_tokens: v.optional(v.number(), 0) }),
  ),
  system_fingerprint: v.nullish(v.string()),
  error: v.nullish(v.unknown()),
});

/** An answer as it comes in. */
class Answer {
  finishReason: FinishReason | undefined;
  readonly #context: GenerateContext;
  readonly #text = new GrowingText();
  #tokens: GeneratedToken[] = [];
  #usage: Usage | undefined;
  #revision: string | undefined;
  #firstAt: number | undefined;

  constructor(context: GenerateContext) {
    this.#context = context;
  }

  async read(response: Response, origin: string): Promise<void> {
    const { signal } = this.#context;
    if (!response.headers.get('content-type')?.includes('text/event-stream')) {
      this.#take(await jsonOf(response, origin, signal), origin);
    } else {
      const frames = new TextFrames({
        limit: OutputLimit,
        textOf: value => this.#textAlone(value),
        onText: text => this.#add(text, origin),
        onFrame: value => this.#take(value, origin),
        onTooLong: () => {
          throw tooLong(origin);
        },
      });
      for await (const text of textOf(response, origin, { signal })) frames.feed(text);
    }
    if (this.finishReason === undefined) throw brokeOff(origin);
  }

  #take(value: unknown, origin: string): void {
    const parsed = v.safeParse(ChunkSchema, value);
    if (!parsed.success) {
      throw new ProviderError(
        l10n.t(
          '{0} does not answer as a chat completions server does. Check the address: it often ends in /v1.',
          origin,
        ),
        // One frame of a stream that was good so far is broken; a first one that does not fit never will.
        { trouble: this.#text.length === 0 ? 'refused' : 'broken', cause: new v.ValiError(parsed.issues) },
      );
    }
    const { choices, usage, system_fingerprint: fingerprint, error } = parsed.output;
    if (error) throw saidInStream(origin, error);
    if (usage) this.#usage = { promptTokens: usage.prompt_tokens, completionTokens: usage.completion_tokens };
    if (fingerprint) this.#revision = fingerprint;
    const choice = choices[0];
    if (!choice) return;
    const delta = choice.delta?.content ?? choice.message?.content ?? choice.text ?? '';
    if (delta !== '') this.#add(delta, origin);
    this.#tokens.push(...(choice.logprobs?.content ?? []).map(tokenOf));
    this.#tokens.push(...completionTokens(choice.logprobs).map(({ token }) => token));
    if (choice.finish_reason) this.finishReason = choice.finish_reason === 'length' ? 'length' : 'stop';
  }

  /**
   * The text of a frame that says nothing else, as nearly all do. The schema would agree, but its checks leave two kilobytes of
   * garbage for each token, and tokens come by tens of thousands a second.
   */
  #textAlone(value: unknown): string | undefined {
    const { choices, usage, error, system_fingerprint } = (value ?? {}) as Record<string, unknown>;
    const same = (system_fingerprint ?? this.#revision) === this.#revision;
    if (usage || error || !same || !Array.isArray(choices) || choices.length !== 1) return undefined;
    const choice: unknown = choices[0];
    if (choice === null || typeof choice !== 'object') return undefined;
    const { delta, message, text, finish_reason, logprobs } = choice as Record<string, unknown>;
    if (message || text || finish_reason || logprobs || delta === null || typeof delta !== 'object') return undefined;
    const { content } = delta as Record<string, unknown>;
    return typeof content === 'string' && content !== '' ? content : undefined;
  }

  #add(delta: string, origin: string): void {
    this.#firstAt ??= performance.now();
    this.#text.add(delta);
    if (this.#text.length > OutputLimit) throw tooLong(origin);
    this.#context.onDelta?.(delta);
  }

  generation(model: string, { options, repeat }: GenerateRequest, began: number): Generation {
    return {
      text: `${this.#text}`,
      finishReason: this.finishReason ?? 'stop',
      usage: this.#usage,
      tokens: this.#tokens.length > 0 ? this.#tokens : undefined,
      latencyMs: performance.now() - began,
      firstTokenMs: this.#firstAt === undefined ? undefined : this.#firstAt - began,
      model,
      revision: this.#revision,
      options,
      repeat,
    };
  }
}

function describe(baseUrl: string, model: string, endpoint?: Endpoint): ModelDescription {
  return {
    id: endpointModelId(baseUrl, model),
    label: model,
    detail: new URL(originOf(baseUrl)).host,
    kind: 'endpoint',
    contextLength: endpoint?.contextLength,
    chat: true,
    // Anthropic's interface has neither seeds nor log-probabilities.
    logProbs: kindOf(baseUrl, endpoint) !== 'anthropic',
    controlledSampling: kindOf(baseUrl, endpoint) !== 'anthropic',
  };
}

type CompletionLogProbs = NonNullable<v.InferOutput<typeof ChunkSchema>['choices'][number]['logprobs']>;

/** Tokens of completions with where each begins in the text; the very first of an echo has no log-probability. */
function completionTokens(
  logProbs: CompletionLogProbs | null | undefined,
): { readonly token: GeneratedToken; readonly offset: number | undefined }[] {
  const values = logProbs?.token_logprobs ?? [];
  return (logProbs?.tokens ?? []).flatMap((text, i) => {
    const logProb = values[i];
    if (logProb === undefined || logProb === null) return [];
    const alternatives = Object.entries(logProbs?.top_logprobs?.[i] ?? {})
      .map(([other, value]) => ({ text: other, logProb: value }))
      .sort((a, b) => b.logProb - a.logProb);
    const token = { text, logProb, ...(alternatives.length > 0 && { alternatives }) };
    return [{ token, offset: logProbs?.text_offset?.[i] }];
  });
}

function echoBody(model: string, { prompt, continuation }: ScoreRequest, alternatives: number): object {
  if (prompt.kind !== 'text')
    throw new HumanError(
      l10n.t('A server can score plain text only, not a conversation. Use a local model for this template.'),
    );
  // With the likeliest token it is known whether greedy decoding takes the one that stands there.
  const logprobs = Math.max(1, alternatives);
  return { model, prompt: prompt.text + continuation, max_tokens: 0, echo: true, logprobs, temperature: 0 };
}

/** The tokens of an echo from the end of the prompt on. A token over the seam belongs to the continuation. */
function echoed(value: unknown, { prompt, continuation }: ScoreRequest, origin: string): Scored {
  const start = prompt.kind === 'text' ? prompt.text.length : 0;
  const end = start + continuation.length;
  const parsed = v.safeParse(ChunkSchema, value);
  const tokens = parsed.success ? completionTokens(parsed.output.choices[0]?.logprobs) : [];
  const own = tokens.flatMap(({ token, offset }) =>
    offset !== undefined && offset + token.text.length > start && offset < end ? [token] : [],
  );
  if (own.length === 0)
    throw new ProviderError(
      l10n.t('{0} does not give log-probabilities of a given text (echo). Use a local model for scores.', origin),
      { trouble: 'refused' },
    );
  return { logLikelihood: own.reduce((sum, { logProb }) => sum + logProb, 0), tokens: own };
}

const trimmed = (baseUrl: string): string => baseUrl.replace(/\/+$/, '');
