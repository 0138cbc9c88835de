/** A server on this computer that speaks the Hugging Face hub's protocol, with storage at another origin and faults to order. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HubFaults {
  /** Close the connection after this many bytes of a large file, once a entry. */
  breakAfter: number[];
  /** Send other bytes than the hash says. */
  corrupt: boolean;
  /** Answer ranges with the whole file. */
  ignoreRanges: boolean;
  /** Only with this token. */
  token: string | undefined;
}

export interface Visit {
  readonly server: 'hub' | 'storage';
  readonly path: string;
  readonly authorization: string | undefined;
  readonly range: string | undefined;
}

export const commit = 'c'.repeat(40);

export class HubServer {
  readonly faults: HubFaults = { breakAfter: [], corrupt: false, ignoreRanges: false, token: undefined };
  readonly visits: Visit[] = [];
  readonly files: Map<string, Buffer>;
  readonly #servers: Server[] = [];
  readonly repository: string;
  hub = '';
  #storage = '';

  constructor(repository: string, files: Readonly<Record<string, Buffer | string>>) {
    this.repository = repository;
    this.files = new Map(Object.entries(files).map(([name, content]) => [name, Buffer.from(content)]));
  }

  async start(): Promise<void> {
    this.hub = await this.#serve('hub', (request, response) => this.#answer(request, response));
    this.#storage = await this.#serve('storage', (request, response) => {
      const name = decodeURIComponent(request.url!.slice(1));
      this.#send(request, response, this.files.get(name)!);
    });
  }

  stop(): void {
    for (const server of this.#servers) {
      server.closeAllConnections();
      server.close();
    }
  }

  async #serve(name: Visit['server'], handler: (request: IncomingMessage, response: ServerResponse) => void) {
    const server = createServer((request, response) => {
      const { authorization, range } = request.headers;
      this.visits.push({ server: name, path: request.url!, authorization, range });
      handler(request, response);
    });
    this.#servers.push(server.listen(0, '127.0.0.1'));
    await once(server, 'listening');
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname } = new URL(request.url!, this.hub);
    const json = (status: number, value: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    const { token } = this.faults;
    if (token && request.headers.authorization !== `Bearer ${token}`) {
      return void json(401, { error: 'Access to this model is restricted' });
    }
    if (pathname === `/api/models/${this.repository}/revision/main`) {
      return void json(200, { _id: '1', id: this.repository, sha: commit, private: false, likes: 0, downloads: 0 });
    }
    if (pathname === `/api/models/${this.repository}/tree/${commit}`) return void json(200, this.#tree());
    const file = pathname.split(`/${this.repository}/resolve/${commit}/`)[1];
    const content = file && this.files.get(file);
    if (!content) return void json(404, { error: 'Repository not found' });
    if (!isLarge(content)) {
      this.#send(request, response, content);
      return;
    }
    response
      .writeHead(302, {
        location: `${this.#storage}/${file}`,
        'x-linked-etag': `"${sha256(content)}"`,
        'x-linked-size': content.length,
        'x-repo-commit': commit,
      })
      .end();
  }

  #tree() {
    return [...this.files].map(([path, content]) => ({
      type: 'file',
      path,
      size: content.length,
      oid: createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex'),
      ...(isLarge(content) && { lfs: { oid: sha256(content), size: content.length, pointerSize: 130 } }),
    }));
  }

  #send(request: IncomingMessage, response: ServerResponse, content: Buffer): void {
    const bytes = Buffer.from(content);
    if (this.faults.corrupt && isLarge(content)) bytes[bytes.length >> 1]! ^= 1;
    const start = this.faults.ignoreRanges ? 0 : Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const part = bytes.subarray(start);
    response.writeHead(start > 0 ? 206 : 200, {
      'content-length': part.length,
      etag: `"${sha256(content)}"`,
      'accept-ranges': 'bytes',
      ...(start > 0 && { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` }),
    });
    const cut = isLarge(content) ? this.faults.breakAfter.shift() : undefined;
    if (cut === undefined) response.end(part);
    else response.write(part.subarray(0, cut), () => setTimeout(() => response.destroy(), 20));
  }
}

const isLarge = (content: Buffer): boolean => content.length > 10_000;
export const sha256 = (content: Buffer): string => createHash('sha256').update(content).digest('hex');
