/**
 * Requests over Node's own `http`, as `fetch` answers them. With `fetch`, each of the tens of thousands of tokens a second is a chunk of a
 * web stream of its own, with its copy and its promises, and what a request has made is held by weak references until the next full
 * collection of garbage; here, what came in one packet is read as one piece, and nothing outlives its answer.
 */
import type { Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
// Without `node:`: only so does the editor give an extension its own, which knows the person's proxy and certificates.
// biome-ignore lint/style/useNodejsImportProtocol: the reason stands above
import http from 'http';
// biome-ignore lint/style/useNodejsImportProtocol: the reason stands above
import https from 'https';

/** What of `fetch` the providers use. */
export type Fetch = (address: string, init: RequestInit) => Promise<Response>;

/** Redirects are not followed. Rejects with a TypeError whose cause is the system's error, as `fetch` does. */
export const nodeFetch: Fetch = (address, { method = 'GET', headers, body, signal }) =>
  new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const url = new URL(address);
    const { request: send } = url.protocol === 'https:' ? https : http;
    const text = typeof body === 'string' ? body : undefined;
    const request = send(url, { method, headers: sent(headers, text) });
    const abort = (): void => void request.destroy(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    request.once('close', () => signal?.removeEventListener('abort', abort));
    request.on('error', error => reject(signal?.aborted ? signal.reason : failed(error)));
    request.once('response', message => {
      try {
        resolve(responseOf(message));
      } catch (error) {
        message.destroy();
        reject(failed(error));
      }
    });
    request.end(text);
  });

const failed = (cause: unknown): TypeError => new TypeError('fetch failed', { cause });

function sent(headers: RequestInit['headers'], body: string | undefined): Record<string, string> {
  const all = Object.fromEntries(new Headers(headers));
  return body === undefined ? all : { ...all, 'content-length': String(Buffer.byteLength(body)) };
}

function responseOf(message: http.IncomingMessage): Response {
  const { statusCode: status = 0, statusMessage: statusText, rawHeaders } = message;
  const headers = new Headers();
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) headers.append(rawHeaders[i]!, rawHeaders[i + 1]!);
  const none = status === 204 || status === 205 || status === 304;
  if (none) message.resume();
  return new Response(none ? null : streamOf(plain(message)), { status, statusText, headers });
}

/** Nothing is asked to be packed, and some servers pack all the same. */
function plain(message: http.IncomingMessage): Readable {
  const unpack = { gzip: createGunzip, 'x-gzip': createGunzip, deflate: createInflate, br: createBrotliDecompress }[
    message.headers['content-encoding']?.toLowerCase() ?? ''
  ];
  if (!unpack) return message;
  const unpacked = unpack();
  // What breaks off ends both.
  message.once('error', error => unpacked.destroy(error));
  unpacked.once('close', () => message.destroy());
  return message.pipe(unpacked);
}

/** All that has come so far is one piece. */
function streamOf(body: Readable): ReadableStream<Uint8Array<ArrayBuffer>> {
  const pieces: AsyncIterator<Buffer<ArrayBuffer>> = body[Symbol.asyncIterator]();
  // Whoever reads hears of it; nobody may read.
  body.on('error', () => {});
  return new ReadableStream(
    {
      async pull(controller) {
        try {
          const { done, value } = await pieces.next();
          if (done) controller.close();
          else controller.enqueue(value);
        } catch (cause) {
          controller.error(new TypeError('terminated', { cause }));
        }
      },
      cancel: () => void body.destroy(),
    },
    { highWaterMark: 0 },
  );
}
