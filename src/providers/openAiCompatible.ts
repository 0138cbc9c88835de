/** Models of a server that speaks OpenAI's chat completions: OpenAI, Ollama, llama.cpp, vLLM, LM Studio and many more. */
import { createParser } from 'eventsource-parser';
import * as v from 'valibot';
import { HumanError, isAbort } from '../base/errors.ts';
import { parseJson } from '../base/jsonLines.ts';
import { l10n } from '../base/l10n.ts';
import { Rng } from '../base/rng.ts';
import type { FinishReason, GeneratedToken, Generation, Usage } from '../core/generation.ts';
import type { GenerateContext, GenerateRequest, ModelDescription, TextGenerator } from '../core/textGenerator.ts';
import { authorization, type KeyStore, originOf, withoutKey } from './keys.ts';
import type { ModelProvider } from './registry.ts';
import { type Fetch, sameOriginFetch } from './sameOriginFetch.ts';

export interface Endpoint {
  /** Up to and with the version: `http://localhost:11434/v1`. */
  readonly baseUrl: string;
  readonly models: readonly string[];
  readonly contextLength?: number;
}

export interface EndpointOptions {
  /** Endpoints that the person configured; never those of a workspace's own settings. */
  readonly endpoints: () => readonly Endpoint[];
  readonly keys: KeyStore;
  /** Asked before each request to an endpoint that the person did not configure (a template names it); who answers remembers. */
  readonly approve: (origin: string, model: string) => Promise<boolean>;
  readonly fetch?: Fetch;
}

/** More text than any answer has: a server that goes on and on is cut off. Characters. */
const OutputLimit = 4_000_000;

export const endpointModelId = (baseUrl: string, model: string): string => `${trimmed(baseUrl)}|${model}`;

export function endpointProvider(options: EndpointOptions): ModelProvider {
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
      const generator = openAiModel({
        description: describe(baseUrl, name, configured),
        baseUrl,
        name,
        keys: options.keys,
        fetch: options.fetch,
        mayAsk: async () => {
          if (configured) return;
          if (!(await options.approve(origin, name))) {
            throw new HumanError(l10n.t('Nothing was sent to {0}, because you did not allow it.', origin));
          }
        },
      });
      return generator;
    },
  };
}

/** Names of the models that a server offers. */
export async function listEndpointModels(
  baseUrl: string,
  options: Pick<EndpointOptions, 'keys' | 'fetch'> & { readonly signal?: AbortSignal },
): Promise<string[]> {
  const address = `${trimmed(baseUrl)}/models`;
  const headers = await authorization(address, options.keys);
  const response = await sameOriginFetch(address, { headers, signal: options.signal }, options.fetch);
  if (!response.ok) throw await refusal(response, address, headers);
  const list = v.safeParse(v.object({ data: v.array(v.object({ id: v.string() })) }), await json(response));
  if (!list.success)
    throw new HumanError(l10n.t('{0} does not list its models. Enter a name by hand.', originOf(baseUrl)));
  return list.output.data.map(model => model.id).sort();
}

interface OpenAiModel {
  readonly description: ModelDescription;
  readonly baseUrl: string;
  readonly name: string;
  readonly keys: KeyStore;
  readonly fetch?: Fetch;
  /** Rejects when nothing may be sent. */
  readonly mayAsk: () => Promise<void>;
}

function openAiModel({ description, baseUrl, name, keys, fetch, mayAsk }: OpenAiModel): TextGenerator {
  /** Newer models of OpenAI refuse `max_tokens`, older servers know no other name. */
  let limitName = 'max_tokens';
  return {
    model: description,
    async generate(request, context = {}) {
      const began = performance.now();
      const answer = new Answer(context);
      try {
        await mayAsk();
        context.signal?.throwIfAborted();
        const address = `${baseUrl}/${request.prompt.kind === 'text' ? 'completions' : 'chat/completions'}`;
        const headers = await authorization(address, keys);
        const post = () =>
          sameOriginFetch(
            address,
            {
              method: 'POST',
              headers: { 'Content-Type': 'application/json', Accept: 'text/event-stream', ...headers },
              body: JSON.stringify(body(name, request, limitName)),
              signal: context.signal,
            },
            fetch,
          );
        let response = await post();
        if (response.status === 400 && limitName === 'max_tokens') {
          const text = await response.text();
          if (!text.includes('max_completion_tokens'))
            throw await refusal(new Response(text, response), address, headers);
          limitName = 'max_completion_tokens';
          response = await post();
        }
        if (!response.ok) throw await refusal(response, address, headers);
        await answer.read(response, originOf(address));
      } catch (error) {
        if (!context.signal?.aborted || !(isAbort(error) || error === context.signal.reason)) throw error;
        answer.finishReason = 'cancelled';
      }
      return answer.generation(description.id, request, began);
    },
  };
}

function body(model: string, { prompt, options, repeat, logProbs }: GenerateRequest, limitName: string): object {
  const { temperature, topP, topK, maxOutputTokens, seed, stopSequences } = options;
  return {
    model,
    ...(prompt.kind === 'text' ? { prompt: prompt.text } : { messages: prompt.messages }),
    stream: true,
    stream_options: { include_usage: true },
    temperature,
    top_p: topP,
    ...(topK > 0 && { top_k: topK }),
    [limitName]: maxOutputTokens,
    // Repeats differ, and the same repeat is asked for with the same number.
    seed: Rng.seeded(seed).stream(repeat).int(0x7fffffff),
    ...(stopSequences.length > 0 && { stop: stopSequences }),
    ...(logProbs &&
      (prompt.kind === 'text'
        ? { logprobs: logProbs.alternatives }
        : { logprobs: true, ...(logProbs.alternatives > 0 && { top_logprobs: logProbs.alternatives }) })),
  };
}

const TokenSchema = v.object({
  token: v.string(),
  logprob: v.number(),
  top_logprobs: v.nullish(v.array(v.object({ token: v.string(), logprob: v.number() }))),
});
const ChunkSchema = v.object({
  choices: v.optional(
    v.array(
      v.object({
        delta: v.nullish(v.object({ content: v.nullish(v.string()) })),
        message: v.nullish(v.object({ content: v.nullish(v.string()) })),
        text: v.nullish(v.string()),
        finish_reason: v.nullish(v.string()),
        // Of completions, not chats, the shape differs and is passed over.
        logprobs: v.nullish(v.object({ content: v.nullish(v.array(TokenSchema)) })),
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
  #text = '';
  #tokens: GeneratedToken[] = [];
  #usage: Usage | undefined;
  #revision: string | undefined;
  #firstAt: number | undefined;

  constructor(context: GenerateContext) {
    this.#context = context;
  }

  async read(response: Response, origin: string): Promise<void> {
    if (!response.headers.get('content-type')?.includes('text/event-stream')) {
      this.#take(await json(response), origin);
    } else {
      const parser = createParser({
        maxBufferSize: OutputLimit,
        onEvent: ({ data }) => {
          if (data !== '[DONE]') this.#take(parseJson(data), origin);
        },
        onError: error => {
          if (error.type === 'max-buffer-size-exceeded') throw tooLong(origin);
        },
      });
      const decoder = new TextDecoder();
      try {
        for await (const bytes of response.body ?? []) parser.feed(decoder.decode(bytes, { stream: true }));
      } catch (error) {
        // `terminated`: the connection went away; anything else has its own words.
        if (!(error instanceof TypeError)) throw error;
      }
    }
    if (this.finishReason === undefined) {
      throw new HumanError(l10n.t('The answer of {0} broke off. Try again.', origin));
    }
  }

  #take(value: unknown, origin: string): void {
    const parsed = v.safeParse(ChunkSchema, value);
    if (!parsed.success) {
      throw new HumanError(
        l10n.t(
          '{0} does not answer as a chat completions server does. Check the address: it often ends in /v1.',
          origin,
        ),
        { cause: new v.ValiError(parsed.issues) },
      );
    }
    const { choices, usage, system_fingerprint: fingerprint, error } = parsed.output;
    if (error) throw new HumanError(l10n.t('{0} says: {1}', origin, serverWords(JSON.stringify({ error }))));
    if (usage) this.#usage = { promptTokens: usage.prompt_tokens, completionTokens: usage.completion_tokens };
    if (fingerprint) this.#revision = fingerprint;
    const choice = choices[0];
    if (!choice) return;
    const delta = choice.delta?.content ?? choice.message?.content ?? choice.text ?? '';
    if (delta !== '') {
      this.#firstAt ??= performance.now();
      this.#text += delta;
      if (this.#text.length > OutputLimit) throw tooLong(origin);
      this.#context.onDelta?.(delta);
    }
    for (const { token, logprob, top_logprobs: top } of choice.logprobs?.content ?? []) {
      const alternatives = top?.map(other => ({ text: other.token, logProb: other.logprob }));
      this.#tokens.push({ text: token, logProb: logprob, alternatives });
    }
    if (choice.finish_reason) this.finishReason = choice.finish_reason === 'length' ? 'length' : 'stop';
  }

  generation(model: string, { options, repeat }: GenerateRequest, began: number): Generation {
    return {
      text: this.#text,
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

const tooLong = (origin: string): HumanError =>
  new HumanError(l10n.t('The answer of {0} did not end, so it was cut off. Lower the longest answer.', origin));

function describe(baseUrl: string, model: string, endpoint?: Endpoint): ModelDescription {
  return {
    id: endpointModelId(baseUrl, model),
    label: model,
    detail: new URL(originOf(baseUrl)).host,
    kind: 'endpoint',
    contextLength: endpoint?.contextLength,
    chat: true,
    logProbs: true,
    controlledSampling: true,
  };
}

/** What a server said when it refused, as it came, and what to do. */
async function refusal(
  response: Response,
  address: string,
  headers: Readonly<Record<string, string>>,
): Promise<HumanError> {
  const origin = originOf(address);
  const words = serverWords(withoutKey(await response.text().catch(() => ''), headers));
  const { status } = response;
  const what =
    status === 401 || status === 403
      ? headers.Authorization
        ? l10n.t('Enter the key for {0} again.', origin)
        : l10n.t('Enter a key for {0}.', origin)
      : status === 404
        ? l10n.t('Check the name of the model and the address: it often ends in /v1.')
        : status === 429
          ? l10n.t('Wait a little, or ask for fewer answers at once.')
          : status >= 500
            ? l10n.t('Try again later.')
            : l10n.t('Change the options that it names.');
  return new HumanError(`${l10n.t('{0} answered {1}: {2}', origin, status, words || response.statusText)} ${what}`);
}

/** The message in an error's body, or the body itself, on one line. */
function serverWords(text: string): string {
  const shape = v.safeParse(
    v.object({ error: v.union([v.string(), v.object({ message: v.string() })]) }),
    parseJson(text),
  );
  const message = !shape.success
    ? text
    : typeof shape.output.error === 'string'
      ? shape.output.error
      : shape.output.error.message;
  const line = message.replace(/\s+/g, ' ').trim().slice(0, 500);
  return line === '' || /[.!?…>•]$/.test(line) ? line : `${line}.`;
}

const json = async (response: Response): Promise<unknown> => parseJson(await response.text());
const trimmed = (baseUrl: string): string => baseUrl.replace(/\/+$/, '');
