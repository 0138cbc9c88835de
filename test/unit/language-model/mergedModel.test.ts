/** A model with its adapter added in, weight by weight: the same as all at once. */
import assert from 'node:assert/strict';
import { mergeLora } from '../../../src/language-model/lora.ts';
import { mergedModel } from '../../../src/language-model/mergedModel.ts';
import { openModelFolder } from '../../../src/language-model/modelFiles.ts';
import { openAdapter, withReplaced } from '../../../src/language-model/openAdapter.ts';
import { memoryFolder } from '../../fakes/memoryFile.ts';
import { tinyWeights } from '../../fakes/tinyLlama.ts';
import { tinyAdapterFiles, tinyModelConfig, tinyModelFiles } from '../../fakes/tinyModel.ts';

describe('a merged model', () => {
  const config = tinyModelConfig();
  const weights = tinyWeights(config);
  const whole = [config.vocabSize, config.hiddenSize];
  const cases: Readonly<Record<string, Readonly<Record<string, number[]>>>> = {
    'low-rank changes': {},
    'an output matrix of its own': { 'base_model.model.lm_head.weight': whole },
    'new embeddings under the old output matrix': { 'base_model.model.model.embed_tokens.weight': whole },
  };
  for (const [name, tensors] of Object.entries(cases)) {
    it(`is what the adapter makes of the base: ${name}`, async () => {
      const files = await openModelFolder(memoryFolder(tinyModelFiles(config, weights)));
      const adapter = await openAdapter(memoryFolder(tinyAdapterFiles(config, { tensors })), config);
      const base = withReplaced(config, weights, adapter.replaced);
      const expected = mergeLora(base.config, base.weights, adapter.config, adapter.weights);
      const merged = mergedModel(files, adapter);
      assert.deepEqual(merged.config, base.config);
      assert.deepEqual([...merged.shapes.keys()].sort(), [...expected.keys()].sort());
      for (const [weight, values] of expected) assert.deepEqual(await merged.read(weight), values, weight);
    });
  }

  it('without an adapter is the base', async () => {
    const files = await openModelFolder(memoryFolder(tinyModelFiles(config, weights)));
    const merged = mergedModel(files);
    assert.equal(merged.shapes.size, weights.size);
    for (const [name, values] of weights) assert.deepEqual(await merged.read(name), values);
  });
});
