/**
 * The inference process in miniature: it answers through `protocol/inference.ts` by repeating the last message word by word.
 * What it is to do wrong stands in the prompt (`crash`, `hang`, `broken`, `bug`) in the model's path, or in FAKE_INFERENCE.
 */
import type { InferenceEvent, InferenceRequest } from '../../src/protocol/inference.ts';

const send = (event: InferenceEvent) => process.send?.(event);
const cancelled = new Set<number>();
let made = 0;
const models = new Map<string, string>();
const report = {
  runtime: 'fake',
  node: process.version,
  bufferAliasing: true,
  uncopiedOutputs: true,
  memoryGrowth: true,
  provider: 'cpu' as const,
  threads: 1,
};

process.on('disconnect', () => process.exit(0));
if (process.env.FAKE_INFERENCE === 'no-start') {
  console.error('Error: the module was compiled against another version');
  process.exit(3);
}
if (process.env.FAKE_INFERENCE !== 'silent') send({ type: 'hello', protocol: 1, report });

process.on('message', async (request: InferenceRequest) => {
  const { id } = request;
  const reply = (result: unknown) => send({ type: 'reply', id, result });
  switch (request.method) {
    case 'load': {
      const { base } = request.location;
      if (base.includes('missing')) {
        return send({ type: 'failure', id, human: true, message: 'There is no such file.', file: base, line: 1 });
      }
      await new Promise(resolve => setTimeout(resolve, base === 'slow' ? 1500 : 20));
      const model = `m${++made}`;
      models.set(model, base);
      return reply({
        model,
        architecture: 'llama',
        parameters: 1,
        contextLength: 77,
        vocabularySize: 2,
        chat: true,
        revision: `r-${process.pid}`,
        precision: 'float32',
      });
    }
    case 'unload':
      models.delete(request.model);
      return reply({});
    case 'count':
      if (!models.has(request.model)) return send({ type: 'failure', id, human: false, message: 'no such model' });
      return reply({ counts: request.texts.map(text => (text === 'models' ? models.size : text.length)) });
    case 'generate': {
      const items = [];
      for (const [index, { prompt, stream }] of request.items.entries()) {
        const asked = prompt.kind === 'text' ? prompt.text : (prompt.messages.at(-1)?.content ?? '');
        const text = asked === 'environment' ? JSON.stringify(process.env) : asked;
        if (text === 'crash') process.kill(process.pid, 'SIGKILL');
        if (text === 'hang') for (;;);
        if (text === 'broken') return reply({ items: 'none' });
        if (text === 'bug') return send({ type: 'failure', id, human: false, message: 'x is undefined' });
        let made = '';
        for (const word of `${text} #${stream % 1_000_000}`.split(/(?<= )/)) {
          await new Promise(resolve => setTimeout(resolve, 5));
          if (cancelled.has(id)) break;
          made += word;
          send({ type: 'delta', id, item: index, text: word });
        }
        items.push({
          text: made,
          finishReason: cancelled.has(id) ? 'cancelled' : 'stop',
          promptTokens: 1,
          completionTokens: 1,
          latencyMs: 1,
        });
      }
      return reply({ items });
    }
    case 'cancel':
      cancelled.add(request.target);
      return reply({});
    case 'shutdown':
      reply({});
      return process.exit(0);
    default:
      return send({ type: 'failure', id, human: false, message: 'not in miniature' });
  }
});
