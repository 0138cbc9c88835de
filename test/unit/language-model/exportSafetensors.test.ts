/** Models written as safetensors and read again, in one part and in several; the configuration beside them. */
import assert from 'node:assert/strict';
import { formatModelConfig, type ModelConfig, parseModelConfig } from '../../../src/language-model/config.ts';
import { exportedConfig, planShards, writeSafetensors } from '../../../src/language-model/exportSafetensors.ts';
import type { MergedModel } from '../../../src/language-model/mergedModel.ts';
import { modelParameters } from '../../../src/language-model/model.ts';
import { openSafetensorsFolder } from '../../../src/language-model/weights/safetensors.ts';
import { join, memoryFolder } from '../../fakes/memoryFile.ts';
import { tinyGpt2Config } from '../../fakes/tinyGpt2.ts';
import { tinyConfig, tinyWeights } from '../../fakes/tinyLlama.ts';

const modelOf = (config: ModelConfig, weights = tinyWeights(config)): MergedModel => ({
  config,
  shapes: modelParameters(config),
  read: async name => weights.get(name)!,
});

async function files(model: MergedModel, type: 'F32' | 'BF16', limit?: number) {
  const { shards, index } = planShards(model, type, limit);
  const made: Record<string, Uint8Array | string> = index
    ? { 'model.safetensors.index.json': JSON.stringify(index) }
    : {};
  for (const shard of shards) {
    const pieces: Uint8Array[] = [];
    await writeSafetensors(model, shard, type, async bytes => void pieces.push(bytes.slice()));
    made[shard.file] = join(...pieces);
  }
  return made;
}

describe('export to safetensors', () => {
  const config = tinyConfig({ tie_word_embeddings: false });
  const weights = tinyWeights(config);

  for (const limit of [undefined, 6000]) {
    it(`reads back from ${limit ? 'several parts' : 'one part'}`, async () => {
      const made = await files(modelOf(config, weights), 'F32', limit);
      const names = Object.keys(made).sort();
      if (limit) {
        assert.match(names[0]!, /^model-00001-of-0000[2-9]\.safetensors$/);
        for (const name of names.slice(0, -1)) assert.ok((made[name] as Uint8Array).length < limit + 2000);
      } else assert.deepEqual(names, ['model.safetensors']);
      const read = await openSafetensorsFolder(memoryFolder(made));
      assert.equal(read.tensors.size, weights.size);
      for (const [name, values] of weights) assert.deepEqual(await read.read(name), values);
    });
  }

  it('gives a weight larger than a part its own', () => {
    const { shards } = planShards(modelOf(config), 'F32', 1);
    assert.equal(shards.length, weights.size);
  });

  it('says the type in the header', async () => {
    const read = await openSafetensorsFolder(memoryFolder(await files(modelOf(config, weights), 'BF16')));
    assert.ok([...read.tensors.values()].every(({ type }) => type === 'BF16'));
  });

  it('keeps what the base’s config.json says, but for what has changed', () => {
    const original = { ...formatModelConfig(tinyConfig()), pad_token_id: 0, dtype: 'float32', quantization_config: {} };
    const json = exportedConfig(modelOf(config), original, 'BF16');
    assert.deepEqual([json.pad_token_id, json.torch_dtype, json.dtype], [0, 'bfloat16', undefined]);
    assert.equal(json.quantization_config, undefined);
    assert.deepEqual(parseModelConfig(json, 'config.json'), config);
    const gpt2 = tinyGpt2Config();
    assert.deepEqual(parseModelConfig(exportedConfig(modelOf(gpt2), {}, 'F32'), 'config.json'), gpt2);
  });
});
