/** Real servers on this computer for tests of providers: each request goes to a handler with its body read. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Handler = (request: IncomingMessage, response: ServerResponse, body: Record<string, unknown>) => void;

export class HttpServers {
  readonly #servers: Server[] = [];

  /** Its origin. */
  async serve(handler: Handler): Promise<string> {
    const server = createServer(async (request, response) => {
      let text = '';
      for await (const chunk of request) text += chunk;
      handler(request, response, text === '' ? {} : JSON.parse(text));
    });
    this.#servers.push(server.listen(0, '127.0.0.1'));
    await once(server, 'listening');
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  close(): void {
    for (const server of this.#servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  }
}
