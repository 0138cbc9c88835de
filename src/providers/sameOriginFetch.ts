/** Requests that stay with the origin they were meant for: what a server redirects elsewhere is refused, key and prompt stay home. */
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import { ProviderError } from '../core/providerError.ts';
import { type Fetch, nodeFetch } from './nodeFetch.ts';

/** Nothing is there; other failures are of the way. */
const gone: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ERR_INVALID_URL']);

/** As `fetch` does, with redirects followed within the origin only. Rejects with a HumanError when the server cannot be reached. */
export async function sameOriginFetch(
  address: string,
  init: RequestInit,
  request: Fetch = nodeFetch,
): Promise<Response> {
  const { origin } = new URL(address);
  let url = address;
  for (let hops = 0; hops <= 5; hops++) {
    let response: Response;
    try {
      response = await request(url, { ...init, redirect: 'manual' });
    } catch (error) {
      if (init.signal?.aborted) throw init.signal.reason;
      throw unreachable(origin, error);
    }
    if (![301, 302, 303, 307, 308].includes(response.status)) return response;
    const location = response.headers.get('location');
    await response.body?.cancel();
    if (!location) break;
    const next = new URL(location, url);
    if (next.origin !== origin) {
      throw new HumanError(
        l10n.t(
          '{0} wants to send this request on to {1}, so it was not sent there. If you trust that server, use its address.',
          origin,
          next.origin,
        ),
      );
    }
    if (response.status !== 307 && response.status !== 308 && init.method === 'POST') break;
    url = next.href;
  }
  throw new HumanError(l10n.t('{0} redirects in a way that leads nowhere. Check the address.', origin));
}

function unreachable(origin: string, error: unknown): ProviderError {
  const cause = (error as { cause?: { code?: string; message?: string } }).cause;
  const reason = cause?.code ?? cause?.message ?? (error as Error).message;
  return new ProviderError(
    l10n.t('{0} could not be reached ({1}). Check that it is running, and the address.', origin, reason),
    { cause: error, trouble: gone.has(cause?.code ?? '') ? 'unreachable' : 'network' },
  );
}
