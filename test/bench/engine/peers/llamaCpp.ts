/** llama.cpp through node-llama-cpp: one context with a sequence for each prompt, stepped as one batch, greedy. */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { type DecodingPeerRequest, decodingPeer, type TokenCallback } from './decodingPeer.ts';

/** The part of node-llama-cpp that is used. */
interface NodeLlamaCpp {
  getLlama(options: Record<string, unknown>): Promise<Llama>;
}
interface Llama {
  readonly llamaCppRelease: { readonly release: string };
  loadModel(options: { modelPath: string; gpuLayers: number }): Promise<LlamaModel>;
}
interface LlamaModel {
  createContext(options: Record<string, unknown>): Promise<LlamaContext>;
}
interface LlamaContext {
  getSequence(): LlamaSequence;
  dispose(): Promise<void>;
}
interface LlamaSequence {
  evaluate(tokens: readonly number[], options: object): AsyncIterable<number>;
  controlledEvaluate(input: readonly (number | [number, object])[]): Promise<{ next: { token: number } }[]>;
  clearHistory(): Promise<void>;
}

await decodingPeer(async (request: DecodingPeerRequest) => {
  const packages = path.join(process.env.BENCH_PEERS!, 'node_modules');
  const { getLlama } = (await import(
    pathToFileURL(path.join(packages, 'node-llama-cpp', 'dist', 'index.js')).href
  )) as NodeLlamaCpp;
  const { threads, ids, newTokens } = request;
  const llama = await getLlama({ gpu: false, build: 'never', maxThreads: threads, logLevel: 'error' });
  const model = await llama.loadModel({ modelPath: request.model, gpuLayers: 0 });
  const generate = async (flashAttention: boolean) => {
    const context = await model.createContext({
      sequences: ids.length,
      contextSize: ids[0]!.length + newTokens + 1,
      batchSize: Math.max(512, ids.length * 8),
      threads: { ideal: threads, min: threads },
      flashAttention,
    });
    const sequences = ids.map(() => context.getSequence());
    return {
      dispose: () => context.dispose(),
      run: async (count: number, onToken: TokenCallback) => {
        for (const sequence of sequences) await sequence.clearHistory();
        if (sequences.length === 1) await runAlone(sequences[0]!, ids[0]!, count, onToken);
        else await runTogether(sequences, ids, count, onToken);
      },
    };
  };
  return {
    version: `llama.cpp ${llama.llamaCppRelease.release}`,
    variants: {
      'plain attention': () => generate(false),
      'flash attention': () => generate(true),
    },
  };
});

async function runAlone(
  sequence: LlamaSequence,
  prompt: readonly number[],
  newTokens: number,
  onToken: TokenCallback,
): Promise<void> {
  let produced = 0;
  for await (const token of sequence.evaluate(prompt, { temperature: 0, yieldEogToken: true })) {
    onToken(0, token);
    if (++produced === newTokens) return;
  }
  throw new Error(`the sequence ended after ${produced} tokens`);
}

/**
 * All sequences take a step at once, which fills the batch. With an `evaluate` loop for each sequence the batches fall
 * apart: 70 instead of 165 tokens/s at 16 sequences.
 */
async function runTogether(
  sequences: readonly LlamaSequence[],
  prompts: readonly (readonly number[])[],
  newTokens: number,
  onToken: TokenCallback,
): Promise<void> {
  let inputs = prompts;
  for (let n = 0; n < newTokens; n++) {
    const tokens = await Promise.all(sequences.map((sequence, i) => next(sequence, inputs[i]!)));
    tokens.forEach((token, i) => {
      onToken(i, token);
    });
    inputs = tokens.map(token => [token]);
  }
}

/** The likeliest token after the sequence so far and `tokens`. */
async function next(sequence: LlamaSequence, tokens: readonly number[]): Promise<number> {
  const last: [number, object] = [tokens.at(-1)!, { generateNext: { token: true, options: { temperature: 0 } } }];
  return (await sequence.controlledEvaluate([...tokens.slice(0, -1), last])).at(-1)!.next.token;
}
