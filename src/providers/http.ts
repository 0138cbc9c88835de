/** Requests to servers of models: bounded in time and length, and what goes wrong comes as one sentence that says what to do. */
import * as v from 'valibot';
import { isAbort } from '../base/errors.ts';
import { parseJson } from '../base/jsonLines.ts';
import { l10n } from '../base/l10n.ts';
import { ProviderError, type Trouble } from '../core/providerError.ts';
import { originOf, withoutKey } from './keys.ts';
import type { Fetch } from './nodeFetch.ts';
import { sameOriginFetch } from './sameOriginFetch.ts';

/** More text than any answer has, in characters: a server that goes on and on is cut off. */
export const OutputLimit = 4_000_000;
/** Seconds of silence in the middle of an answer after which it counts as broken. */
const IdleSeconds = 120;

export interface Post {
  readonly address: string;
  /** The key among them. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly signal?: AbortSignal;
  readonly fetch?: Fetch;
}

/** The server's response, whatever its status. */
export function post({ address, headers, body, signal, fetch }: Post): Promise<Response> {
  const init = {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
    signal,
  };
  return sameOriginFetch(address, init, fetch);
}

/** The text of a body as it comes. Rejects with a ProviderError when it stops midway, is silent for too long, or never ends. */
export async function* textOf(
  response: Response,
  origin: string,
  { signal, idleSeconds = IdleSeconds }: { readonly signal?: AbortSignal; readonly idleSeconds?: number } = {},
): AsyncGenerator<string> {
  const reader = response.body?.getReader();
  if (!reader) return;
  const decoder = new TextDecoder();
  let length = 0;
  let waits = false;
  let isSilent = false;
  // One clock for the whole answer: pieces come by thousands a second.
  const clock = setTimeout(() => {
    if (!waits) return;
    isSilent = true;
    reader.cancel().catch(() => {});
  }, idleSeconds * 1000);
  try {
    for (;;) {
      waits = true;
      clock.refresh();
      const { done, value } = await reader.read();
      waits = false;
      if (isSilent) throw silent(origin, idleSeconds);
      if (done) return;
      length += value.length;
      // Protocols wrap a few characters of text into a few hundred of their own.
      if (length > OutputLimit * 100) throw tooLong(origin);
      yield decoder.decode(value, { stream: true });
    }
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    // `terminated`: the connection went away.
    throw error instanceof TypeError ? brokeOff(origin, error) : error;
  } finally {
    clearTimeout(clock);
    reader.cancel().catch(() => {});
  }
}

const silent = (origin: string, seconds: number): ProviderError =>
  new ProviderError(l10n.t('{0} was silent for {1} seconds in the middle of an answer.', origin, seconds), {
    trouble: 'broken',
  });

/** The next piece of an answer. Rejects with a ProviderError when it does not come for `seconds`. */
export async function unlessSilent<T>(read: Promise<T>, origin: string, seconds = IdleSeconds): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(silent(origin, seconds)), seconds * 1000);
  });
  try {
    return await Promise.race([read, silence]);
  } finally {
    clearTimeout(timer);
  }
}

/** A JSON body, or undefined where it is none. */
export async function jsonOf(response: Response, origin: string, signal?: AbortSignal): Promise<unknown> {
  let text = '';
  for await (const part of textOf(response, origin, { signal })) {
    text += part;
    if (text.length > OutputLimit) throw tooLong(origin);
  }
  return parseJson(text);
}

export const tooLong = (origin: string): ProviderError =>
  new ProviderError(l10n.t('The answer of {0} did not end, so it was cut off. Lower the longest answer.', origin), {
    trouble: 'refused',
  });

export const brokeOff = (origin: string, cause?: unknown): ProviderError =>
  new ProviderError(l10n.t('The answer of {0} broke off. Try again.', origin), { trouble: 'broken', cause });

/** An error that came in place of an answer, in a stream that had begun well. */
export const saidInStream = (origin: string, error: unknown, trouble: Trouble = 'server'): ProviderError =>
  new ProviderError(l10n.t('{0} says: {1}', origin, serverWords(JSON.stringify({ error }))), { trouble });

/** What a server said when it refused, as it came, and what to do. */
export async function refusal(
  response: Response,
  address: string,
  headers: Readonly<Record<string, string>>,
): Promise<ProviderError> {
  const origin = originOf(address);
  const { status } = response;
  const body = await response.text().catch(() => '');
  const page = /^\s*<(!doctype|html)/i.test(body);
  const said = page ? textOfPage(body) : body;
  const words = serverWords(withoutKey(said, headers)) || response.statusText;
  const hasKey = 'Authorization' in headers || 'x-api-key' in headers;
  const what =
    status === 401 || status === 403
      ? hasKey
        ? l10n.t('Enter the key for {0} again.', origin)
        : l10n.t('Enter a key for {0}.', origin)
      : status === 404 || (page && status < 500)
        ? l10n.t('Check the name of the model and the address: it often ends in /v1.')
        : status === 429
          ? l10n.t('Wait a little, or ask for fewer answers at once.')
          : status >= 500
            ? l10n.t('Try again later.')
            : l10n.t('Change the options that it names.');
  const requestId = response.headers.get('x-request-id') ?? response.headers.get('request-id') ?? undefined;
  const request = requestId === undefined ? '' : ` ${l10n.t('(request {0})', requestId.slice(0, 100))}`;
  return new ProviderError(`${l10n.t('{0} answered {1}: {2}', origin, status, words)} ${what}${request}`, {
    trouble: troubleOf(status),
    status,
    retryAfterMs: retryAfterOf(response.headers),
    requestId,
  });
}

/** 529 is Anthropic's word for overload. */
function troubleOf(status: number): Trouble {
  if (status === 429 || status === 503 || status === 529) return 'overload';
  return status >= 500 || status === 408 || status === 425 ? 'server' : 'refused';
}

/** Milliseconds: `Retry-After` in seconds or as a date (RFC 9110, 10.2.3), or OpenAI's `retry-after-ms`. */
export function retryAfterOf(headers: Headers, now = Date.now()): number | undefined {
  const exact = Number(headers.get('retry-after-ms') ?? Number.NaN);
  if (exact >= 0) return exact;
  const text = headers.get('retry-after')?.trim();
  if (!text) return undefined;
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
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

/** What a person would read of a web page. */
const textOfPage = (html: string): string =>
  html
    .slice(0, 20_000)
    .replace(/<(script|style)[\s\S]*?<\/\1>/gi, ' ')
    .replace(/<[^>]*>/g, ' ');

/** Whether an error only says that the person wants no answer any more. */
export const isCancelled = (error: unknown, signal: AbortSignal | undefined): boolean =>
  signal?.aborted === true && (isAbort(error) || error === signal.reason);

/** An endpoint's own headers, checked: what is secret is entered as a key. */
export function ownHeaders(headers: Readonly<Record<string, string>> | undefined): Record<string, string> {
  const own: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers ?? {})) {
    if (typeof value !== 'string' || !/^[\w!#$%&'*+.^`|~-]+$/.test(name) || /[^\t\x20-\x7e]/.test(value))
      throw new ProviderError(l10n.t('“{0}” in tunesmith.endpoints is no header that can be sent.', name), {
        trouble: 'refused',
      });
    if (/^(authorization|x-api-key|api-key|cookie|proxy-authorization)$/i.test(name))
      throw new ProviderError(
        l10n.t('The header “{0}” holds a secret, so it may not stand in the settings. Enter it as a key.', name),
        { trouble: 'refused' },
      );
    own[name] = value;
  }
  return own;
}
