/** Models for tests that answer by a function. */
import type { Generation } from '../../src/core/generation.ts';
import { defaultSampling } from '../../src/core/generation.ts';
import type {
  GenerateContext,
  GenerateRequest,
  ModelDescription,
  TextGenerator,
} from '../../src/core/textGenerator.ts';

export const description = (change: Partial<ModelDescription> = {}): ModelDescription => ({
  id: 'https://models.example/v1|m',
  label: 'm',
  detail: '',
  kind: 'endpoint',
  chat: true,
  logProbs: true,
  controlledSampling: true,
  ...change,
});

export const textRequest = (text: string, repeat = 0): GenerateRequest => ({
  prompt: { kind: 'text', text },
  options: defaultSampling,
  repeat,
});

export const textOf = ({ prompt }: GenerateRequest): string =>
  prompt.kind === 'text' ? prompt.text : prompt.messages.map(({ content }) => content).join('\n');

export const generationOf = (
  { options, repeat }: GenerateRequest,
  text: string,
  change: Partial<Generation> = {},
): Generation => ({ text, finishReason: 'stop', latencyMs: 1, model: 'm', options, repeat, ...change });

/** A server's model; `calls` are the texts that it was asked. */
export function serverModel(
  answer: (request: GenerateRequest, context: GenerateContext) => Promise<string> | string,
  change: Partial<TextGenerator> = {},
): TextGenerator & { readonly calls: string[] } {
  const calls: string[] = [];
  return {
    calls,
    model: description(),
    async generate(request, context = {}) {
      calls.push(textOf(request));
      return generationOf(request, await answer(request, context));
    },
    ...change,
  };
}
