/** Models behind Anthropic's messages interface: server-sent events, the key in a header of its own, no seed and no log-probabilities. */
import { createParser } from 'eventsource-parser';
import * as v from 'valibot';
import { HumanError } from '../base/errors.ts';
import { parseJson } from '../base/jsonLines.ts';
import { l10n } from '../base/l10n.ts';
import type { FinishReason, Generation, Usage } from '../core/generation.ts';
import { ProviderError } from '../core/providerError.ts';
import type { GenerateContext, GenerateRequest, ModelDescription, TextGenerator } from '../core/textGenerator.ts';
import { type EndpointModel, endpointIdentity } from './endpointModel.ts';
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

/** The version of the interface that this file speaks. */
const Version = '2023-06-01';

const UsageSchema = v.object({ input_tokens: v.optional(v.number()), output_tokens: v.optional(v.number()) });
const EventSchema = v.object({
  type: v.string(),
  message: v.nullish(v.object({ model: v.nullish(v.string()), usage: v.nullish(UsageSchema) })),
  delta: v.nullish(v.object({ text: v.nullish(v.string()), stop_reason: v.nullish(v.string()) })),
  usage: v.nullish(UsageSchema),
  error: v.nullish(v.object({ type: v.optional(v.string(), ''), message: v.optional(v.string(), '') })),
});
const MessageSchema = v.object({
  type: v.literal('message'),
  model: v.nullish(v.string()),
  content: v.array(v.object({ type: v.string(), text: v.optional(v.string(), '') })),
  stop_reason: v.nullish(v.string()),
  usage: v.nullish(UsageSchema),
});

export function anthropicModel(model: ModelDescription, server: EndpointModel): TextGenerator {
  const { baseUrl, name, endpoint, keys, fetch, mayAsk } = server;
  const origin = originOf(baseUrl);
  const own = ownHeaders(endpoint?.headers);
  const identity = endpointIdentity(endpoint, own);
  const address = /\/v\d+$/.test(baseUrl) ? `${baseUrl}/messages` : `${baseUrl}/v1/messages`;
  return {
    model,
    identity: async () => identity,
    async generate(request, context = {}) {
      const began = performance.now();
      const answer = new Answer(context, origin);
      try {
        const body = bodyOf(name, request, endpoint?.stream ?? true);
        await mayAsk();
        context.signal?.throwIfAborted();
        const headers = { ...own, ...(await anthropicHeaders(address, keys)) };
        const response = await post({ address, headers, body, signal: context.signal, fetch });
        if (!response.ok) throw await refusal(response, address, headers);
        await answer.read(response);
      } catch (error) {
        if (!isCancelled(error, context.signal)) throw error;
        answer.finishReason = 'cancelled';
      }
      return answer.generation(model.id, request, began);
    },
  };
}

export const anthropicHeaders = async (address: string, keys: KeyStore): Promise<Readonly<Record<string, string>>> => ({
  'anthropic-version': Version,
  ...(await authorization(address, keys, secret => ({ 'x-api-key': secret }))),
});

function bodyOf(model: string, { prompt, options }: GenerateRequest, stream: boolean): object {
  if (prompt.kind === 'text')
    throw new HumanError(
      l10n.t('Anthropic’s models take conversations, not a plain text to continue. Give the template roles.'),
    );
  const { temperature, topP, topK, maxOutputTokens, stopSequences } = options;
  const system = prompt.messages.filter(({ role }) => role === 'system').map(({ content }) => content);
  const messages = prompt.messages
    .filter(({ role }) => role !== 'system')
    .map(({ role, content }) => ({ role, content }));
  const last = messages.at(-1);
  // An answer that is begun may not end in blanks there.
  if (last?.role === 'assistant') last.content = last.content.trimEnd();
  return {
    model,
    max_tokens: maxOutputTokens,
    ...(system.length > 0 && { system: system.join('\n\n') }),
    messages,
    stream,
    // Its range ends at 1; and models want one of the two, not both.
    temperature: Math.min(1, temperature),
    ...(topP < 1 && { top_p: topP }),
    ...(topK > 0 && { top_k: topK }),
    ...(stopSequences.length > 0 && { stop_sequences: stopSequences }),
  };
}

/** An answer as it comes in. */
class Answer {
  finishReason: FinishReason | undefined;
  readonly #context: GenerateContext;
  readonly #origin: string;
  #text = '';
  #usage: Usage = { promptTokens: 0, completionTokens: 0 };
  #counted = false;
  #revision: string | undefined;
  #firstAt: number | undefined;

  constructor(context: GenerateContext, origin: string) {
    this.#context = context;
    this.#origin = origin;
  }

  async read(response: Response): Promise<void> {
    const { signal } = this.#context;
    if (!response.headers.get('content-type')?.includes('text/event-stream')) {
      this.#whole(await jsonOf(response, this.#origin, signal));
      return;
    }
    let ended = false;
    const parser = createParser({
      maxBufferSize: OutputLimit,
      onEvent: ({ data }) => {
        ended = this.#take(parseJson(data)) || ended;
      },
      onError: error => {
        if (error.type === 'max-buffer-size-exceeded') throw tooLong(this.#origin);
      },
    });
    for await (const text of textOf(response, this.#origin, { signal })) parser.feed(text);
    if (!ended || this.finishReason === undefined) throw brokeOff(this.#origin);
  }

  #whole(value: unknown): void {
    const parsed = v.safeParse(MessageSchema, value);
    if (!parsed.success) throw this.#notAnthropic(parsed.issues);
    const { content, stop_reason: reason, usage, model } = parsed.output;
    this.#revision = model ?? undefined;
    this.#count(usage);
    this.#add(content.map(({ text }) => text).join(''));
    this.#finish(reason ?? 'end_turn');
  }

  /** True for the last event. Events of kinds that came later are passed over. */
  #take(value: unknown): boolean {
    const parsed = v.safeParse(EventSchema, value);
    if (!parsed.success) throw this.#notAnthropic(parsed.issues);
    const { type, message, delta, usage, error } = parsed.output;
    if (type === 'error')
      throw saidInStream(this.#origin, error, error?.type === 'overloaded_error' ? 'overload' : 'server');
    if (message?.model) this.#revision = message.model;
    this.#count(message?.usage);
    this.#count(usage);
    if (type === 'content_block_delta') this.#add(delta?.text ?? '');
    if (delta?.stop_reason) this.#finish(delta.stop_reason);
    return type === 'message_stop';
  }

  #add(text: string): void {
    if (text === '') return;
    this.#firstAt ??= performance.now();
    this.#text += text;
    if (this.#text.length > OutputLimit) throw tooLong(this.#origin);
    this.#context.onDelta?.(text);
  }

  #finish(reason: string): void {
    this.finishReason = reason === 'max_tokens' ? 'length' : reason === 'stop_sequence' ? 'stop-sequence' : 'stop';
  }

  /** Counts of the answer's end replace those of its start. */
  #count(usage: v.InferOutput<typeof UsageSchema> | null | undefined): void {
    if (!usage) return;
    this.#counted = true;
    this.#usage = {
      promptTokens: usage.input_tokens ?? this.#usage.promptTokens,
      completionTokens: usage.output_tokens ?? this.#usage.completionTokens,
    };
  }

  #notAnthropic(issues: [v.BaseIssue<unknown>, ...v.BaseIssue<unknown>[]]): ProviderError {
    return new ProviderError(
      l10n.t('{0} does not answer as Anthropic’s messages interface does. Check the address.', this.#origin),
      {
        trouble: this.#text === '' ? 'refused' : 'broken',
        cause: new v.ValiError(issues),
      },
    );
  }

  generation(model: string, { options, repeat }: GenerateRequest, began: number): Generation {
    return {
      text: this.#text,
      finishReason: this.finishReason ?? 'stop',
      usage: this.#counted ? this.#usage : undefined,
      latencyMs: performance.now() - began,
      firstTokenMs: this.#firstAt === undefined ? undefined : this.#firstAt - began,
      model,
      revision: this.#revision,
      options,
      repeat,
    };
  }
}
