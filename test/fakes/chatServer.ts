/** A server that speaks OpenAI's chat completions, answers by a function, and remembers what it was asked. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ChatRequest {
  readonly model: string;
  readonly messages: readonly { readonly role: string; readonly content: string }[];
  readonly seed?: number;
  readonly temperature?: number;
  readonly logprobs?: boolean;
  readonly stream_options?: { readonly include_usage?: boolean };
}

export interface ChatToken {
  readonly text: string;
  readonly logProb: number;
  readonly alternatives: readonly { readonly text: string; readonly logProb: number }[];
}

/** Tokens that stream one by one, with their probabilities where those are asked for; or a refusal. */
export type ChatAnswer =
  | {
      readonly tokens: readonly ChatToken[];
      /** What comes after the first token waits for this. */
      readonly rest?: Promise<unknown>;
      /** The connection goes away after the last token. */
      readonly breaksOff?: boolean;
    }
  | {
      readonly status: number;
      readonly body: string;
      readonly type?: string;
      readonly headers?: Readonly<Record<string, string>>;
    };

export interface ChatServer {
  readonly url: string;
  readonly requests: { readonly body: ChatRequest; readonly authorization?: string }[];
  close(): Promise<void>;
}

/** A text is streamed in pieces of five characters, a list as its tokens. */
export async function startChatServer(
  answer: (request: ChatRequest) => string | readonly string[] | ChatAnswer,
): Promise<ChatServer> {
  const requests: ChatServer['requests'] = [];
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    const body = JSON.parse(text) as ChatRequest;
    requests.push({ body, authorization: request.headers.authorization });
    const said = answer(body);
    if (typeof said === 'object' && !isTokens(said) && 'status' in said) {
      response.writeHead(said.status, { 'content-type': said.type ?? 'application/json', ...said.headers });
      response.end(said.body);
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    if (isTokens(said)) {
      for (const content of said) send(response, { delta: { content } });
      if (body.stream_options?.include_usage) sendUsage(response, said.length);
    } else if (typeof said === 'string')
      for (const content of said.match(/[\s\S]{1,5}/g) ?? []) send(response, { delta: { content } });
    else {
      for (const [i, token] of said.tokens.entries()) {
        send(response, {
          delta: { content: token.text },
          ...(body.logprobs && { logprobs: { content: [entry(token)] } }),
        });
        if (i === 0) await said.rest;
      }
      if (said.breaksOff) {
        // What was written is on its way before the connection goes.
        setImmediate(() => response.destroy());
        return;
      }
      if (body.stream_options?.include_usage) sendUsage(response, said.tokens.length);
    }
    send(response, { delta: {}, finish_reason: 'stop' });
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

const isTokens = (said: string | readonly string[] | ChatAnswer): said is readonly string[] => Array.isArray(said);

const sendUsage = (response: ServerResponse, tokens: number): boolean =>
  response.write(
    `data: ${JSON.stringify({ choices: [], usage: { prompt_tokens: 0, completion_tokens: tokens } })}\n\n`,
  );

const send = (response: ServerResponse, choice: object): boolean =>
  response.write(`data: ${JSON.stringify({ choices: [choice] })}\n\n`);

const entry = ({ text, logProb, alternatives }: ChatToken): object => ({
  token: text,
  logprob: logProb,
  top_logprobs: [{ text, logProb }, ...alternatives].map(other => ({ token: other.text, logprob: other.logProb })),
});
