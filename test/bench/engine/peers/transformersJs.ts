/** transformers.js on ONNX Runtime's CPU provider: `generate` with its cache, greedy, one batch. */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { type DecodingPeerRequest, decodingPeer, type TokenCallback } from './decodingPeer.ts';

/** The part of transformers.js that is used. */
interface TransformersJs {
  readonly env: { allowRemoteModels: boolean; allowLocalModels: boolean; localModelPath: string; version: string };
  readonly AutoModelForCausalLM: {
    from_pretrained(name: string, options: Record<string, unknown>): Promise<CausalModel>;
  };
  readonly Tensor: new (type: 'int64', data: BigInt64Array, dims: readonly number[]) => object;
  readonly BaseStreamer: new () => object;
}
interface CausalModel {
  generate(options: Record<string, unknown>): Promise<unknown>;
}

await decodingPeer(async ({ ids, model: folder, threads }: DecodingPeerRequest) => {
  const file = path.join(
    process.env.BENCH_PEERS!,
    'node_modules',
    '@huggingface',
    'transformers',
    'dist',
    'transformers.node.mjs',
  );
  const { env, AutoModelForCausalLM, Tensor, BaseStreamer } = (await import(
    pathToFileURL(file).href
  )) as TransformersJs;
  env.allowRemoteModels = false;
  env.localModelPath = path.dirname(folder);
  const model = await AutoModelForCausalLM.from_pretrained(path.basename(folder), {
    device: 'cpu',
    dtype: 'fp32',
    subfolder: '',
    use_external_data_format: true,
    session_options: { intraOpNumThreads: threads },
  });
  const dims = [ids.length, ids[0]!.length];
  const tensor = (values: readonly number[]) => new Tensor('int64', BigInt64Array.from(values, BigInt), dims);
  const run = async (newTokens: number, onToken: TokenCallback) => {
    class Streamer extends BaseStreamer {
      #prompt = true;
      put(tokens: readonly (readonly bigint[])[]): void {
        // The prompt comes first.
        if (this.#prompt) this.#prompt = false;
        else for (const [i, row] of tokens.entries()) onToken(i, Number(row.at(-1)));
      }
      end(): void {}
    }
    await model.generate({
      input_ids: tensor(ids.flat()),
      attention_mask: tensor(ids.flat().map(() => 1)),
      max_new_tokens: newTokens,
      min_new_tokens: newTokens,
      do_sample: false,
      streamer: new Streamer(),
    });
  };
  return {
    version: `transformers.js ${env.version}`,
    variants: { generate: async () => ({ run, dispose: async () => {} }) },
  };
});
