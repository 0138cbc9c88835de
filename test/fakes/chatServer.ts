/** A server that speaks OpenAI's chat completions, answers by a function, and remembers what it was asked. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ChatRequest {
  readonly model: string;
  readonly messages: readonly { readonly role: string; readonly content: string }[];
  readonly seed?: number;
  readonly temperature?: number;
}

export interface ChatServer {
  readonly url: string;
  readonly requests: { readonly body: ChatRequest; readonly authorization?: string }[];
  close(): Promise<void>;
}

export async function startChatServer(answer: (request: ChatRequest) => string): Promise<ChatServer> {
  const requests: ChatServer['requests'] = [];
  const server: Server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    const body = JSON.parse(text) as ChatRequest;
    requests.push({ body, authorization: request.headers.authorization });
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const part of answer(body).match(/[\s\S]{1,5}/g) ?? [])
      response.write(`data: ${JSON.stringify({ choices: [{ delta: { content: part } }] })}\n\n`);
    response.write(`data: ${JSON.stringify({ choices: [{ delta: {}, finish_reason: 'stop' }] })}\n\n`);
    response.end('data: [DONE]\n\n');
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    close: () =>
      new Promise(resolve => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
