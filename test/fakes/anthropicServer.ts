/** Anthropic's messages interface as its documentation describes it: events with their names, pings between them. */
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { Handler } from './httpServer.ts';

export interface AnthropicRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Record<string, unknown>;
}

type Send = (type: string, value?: object) => void;

/** Answers with these words, then ends as `ending` says. */
export function anthropic(
  words: readonly string[],
  requests: AnthropicRequest[],
  ending: (response: ServerResponse, send: Send) => void = (response, send) => {
    send('content_block_stop', { index: 0 });
    send('message_delta', { delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 5 } });
    send('message_stop');
    response.end();
  },
): Handler {
  return (request, response, body) => {
    requests.push({ path: request.url!, headers: request.headers, body });
    if (request.method === 'GET') {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ data: [{ type: 'model', id: 'claude-x' }], has_more: false }));
      return;
    }
    const usage = { input_tokens: 12, output_tokens: 1 };
    const message = { id: 'msg_1', type: 'message', role: 'assistant', model: 'claude-x-20260101', usage };
    if (body.stream === false) {
      response.writeHead(200, { 'content-type': 'application/json' });
      const content = [{ type: 'text', text: words.join('') }];
      response.end(JSON.stringify({ ...message, content, stop_reason: 'max_tokens' }));
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    const send: Send = (type, value = {}) =>
      void response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...value })}\n\n`);
    send('message_start', { message: { ...message, content: [], stop_reason: null } });
    send('content_block_start', { index: 0, content_block: { type: 'text', text: '' } });
    send('ping');
    for (const text of words) send('content_block_delta', { index: 0, delta: { type: 'text_delta', text } });
    send('an_event_of_the_future', { whatever: 1 });
    ending(response, send);
  };
}
