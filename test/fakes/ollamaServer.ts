/** Ollama's own interface as its documentation describes it: `/api/tags`, `/api/chat` and `/api/generate` with one object a line. */
import type { ServerResponse } from 'node:http';
import type { Handler } from './httpServer.ts';

export interface OllamaRequest {
  readonly path: string;
  readonly body: Record<string, unknown>;
}

/** Answers with these words, then ends as `ending` says. */
export function ollama(
  words: readonly string[],
  requests: OllamaRequest[],
  ending: (response: ServerResponse, line: (value: object) => string) => void = (response, line) => {
    const counts = { total_duration: 9e6, prompt_eval_count: 11, eval_count: words.length, eval_duration: 5e6 };
    response.end(line({ done: true, done_reason: 'stop', ...counts }));
  },
): Handler {
  return (request, response, body) => {
    requests.push({ path: request.url!, body });
    if (request.url === '/api/tags') {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(
        JSON.stringify({ models: [{ name: 'tiny:latest', digest: 'd1', size: 1, details: {} }, { name: 'a:1b' }] }),
      );
      return;
    }
    const chat = request.url === '/api/chat';
    const line = (value: object): string =>
      `${JSON.stringify({ model: body.model, created_at: '2026-01-01T00:00:00Z', ...(chat ? { message: { role: 'assistant', content: '' } } : { response: '' }), done: false, ...value })}\n`;
    const withWord = (word: string): object => ({
      ...(chat ? { message: { role: 'assistant', content: word } } : { response: word }),
      ...(body.logprobs === true && {
        logprobs: [
          {
            token: word,
            logprob: -0.5,
            bytes: [],
            top_logprobs: [
              { token: word, logprob: -0.5 },
              { token: 'x', logprob: -2 },
            ],
          },
        ],
      }),
    });
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    if (body.stream === false) {
      response.end(line({ ...withWord(words.join('')), done: true, done_reason: 'length', eval_count: 2 }));
      return;
    }
    for (const word of words) {
      // Frames do not respect lines.
      const text = line(withWord(word));
      response.write(text.slice(0, 9));
      response.write(text.slice(9));
    }
    ending(response, line);
  };
}
