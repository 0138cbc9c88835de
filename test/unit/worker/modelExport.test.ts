/** Exported models on disk: whole or not at all, never over something that is there. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { ExportFormat, ExportType } from '../../../src/protocol/inference.ts';
import { exportModel } from '../../../src/worker/modelExport.ts';
import { openModel } from '../../../src/worker/openModel.ts';
import { tinyWeights } from '../../fakes/tinyLlama.ts';
import { tinyAdapterFiles, tinyModelConfig, tinyModelFiles } from '../../fakes/tinyModel.ts';

describe('exportModel', () => {
  let folder: string;
  const config = tinyModelConfig();
  const weights = tinyWeights(config);
  const at = (...names: string[]): string => path.join(folder, ...names);
  const put = (name: string, files: Readonly<Record<string, Uint8Array | string>>): void => {
    mkdirSync(at(name));
    for (const [file, content] of Object.entries(files)) writeFileSync(at(name, file), content);
  };
  const run = (to: string, format: ExportFormat, type: ExportType, base = 'base', adapter?: string) => {
    const location = { base: at(base), ...(adapter === undefined ? {} : { adapter: at(adapter) }) };
    const messages: number[] = [];
    const onProgress = (_: string, fraction = 0) => void messages.push(fraction);
    return exportModel(
      { location, to: at(to), format, type },
      { signal: new AbortController().signal, onProgress },
    ).then(made => ({ ...made, messages }));
  };
  before(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'tunesmith-export-'));
    put('base', {
      ...tinyModelFiles(config, weights),
      'generation_config.json': '{"eos_token_id": 2}',
      'notes.md': '',
    });
    put('adapter', tinyAdapterFiles(config));
    const score = { 'base_model.model.score.weight': [1, config.hiddenSize] };
    put('reward', tinyAdapterFiles(config, { tensors: score }));
  });
  after(() => rmSync(folder, { recursive: true }));

  it('writes a folder with the tokenizer’s files, and a GGUF file that becomes the same folder again', async () => {
    const { path: made, bytes, messages } = await run('one', 'safetensors', 'F32');
    assert.equal(made, at('one'));
    assert.equal(bytes, readFileSync(at('one', 'model.safetensors')).length);
    assert.deepEqual([messages[0], messages.at(-1)], [0, 1]);
    assert.deepEqual(readdirSync(at('one')).sort(), [
      'config.json',
      'generation_config.json',
      'model.safetensors',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
    const gguf = await run('two', 'gguf', 'F32', 'one');
    assert.equal(gguf.path, at('two', 'two.F32.gguf'));
    await run('three', 'safetensors', 'F32', 'two/two.F32.gguf');
    const opened = await openModel({ base: at('three') });
    assert.deepEqual(await opened.files.readWeights(), weights);
    const first = await openModel({ base: at('base') });
    assert.deepEqual(opened.tokenizer.encode('hello <|start|> ½'), first.tokenizer.encode('hello <|start|> ½'));
    assert.deepEqual(opened.tokenizer.endIds, first.tokenizer.endIds);
    for (const { files } of [opened, first]) await files.close();
  });

  it('adds an adapter in', async () => {
    await run('tuned', 'safetensors', 'F32', 'base', 'adapter');
    const { files } = await openModel({ base: at('tuned') });
    const read = await files.readWeights();
    await files.close();
    assert.deepEqual(read.get('model.norm.weight'), weights.get('model.norm.weight'));
    const name = 'model.layers.0.self_attn.q_proj.weight';
    assert.notDeepEqual(read.get(name), weights.get(name));
  });

  it('refuses a reward model, a type of the other format, and a place that is taken', async () => {
    await assert.rejects(run('no', 'safetensors', 'F32', 'base', 'reward'), {
      name: 'HumanError',
      message: /reward model/,
    });
    await assert.rejects(run('no', 'safetensors', 'Q8_0'), { name: 'HumanError', message: /not as Q8_0/ });
    await assert.rejects(run('adapter', 'gguf', 'F16'), { name: 'HumanError', message: /already something here/ });
    assert.ok(!existsSync(at('no')));
  });

  it('leaves nothing behind when it is cancelled', async () => {
    const before = readdirSync(folder);
    const controller = new AbortController();
    const context = { signal: controller.signal, onProgress: () => controller.abort() };
    const request = { location: { base: at('base') }, to: at('never'), format: 'gguf', type: 'F16' } as const;
    await assert.rejects(exportModel(request, context), { name: 'AbortError' });
    assert.deepEqual(readdirSync(folder), before);
  });
});
