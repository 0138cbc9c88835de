/**
 * The WebGPU provider, on a Vulkan driver in software: operators, training steps and decoding agree with the processor, and
 * the measurement at first use ends with the processor.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ensureChromium } from '../../scripts/vscode/browser.ts';
import { Rng } from '../../src/base/rng.ts';
import { defaultSampling } from '../../src/core/generation.ts';
import { runtimeVersion } from '../../src/engine/index.ts';
import { InferenceProcess } from '../../src/jobs/inferenceProcess.ts';
import { createGenerator } from '../../src/language-model/generate.ts';
import { predictFrom } from '../../src/language-model/trainable.ts';
import { LocalModel } from '../../src/providers/local.ts';
import {
  type Calibration,
  calibrate,
  chooseProvider,
  machineKey,
  readCalibration,
} from '../../src/worker/accelerator.ts';
import { compareFused, computeFused, fusedOps } from '../fakes/fusedOps.ts';
import { tinyGpt2Config } from '../fakes/tinyGpt2.ts';
import { randomIds, tinyConfig, tinyWeights } from '../fakes/tinyLlama.ts';
import { openTrainingGraph, type Results, relativeDistance, type TestModel } from '../fakes/trainingGraphs.ts';
import { quick, recordFigures } from './figures.ts';

const root = path.join(import.meta.dirname, '..', '..');

/** Drivers in software: Mesa's, and the one that comes with Chromium. */
const drivers = [
  process.env.VK_DRIVER_FILES,
  '/usr/share/vulkan/icd.d/lvp_icd.x86_64.json',
  '/usr/lib/chromium/vk_swiftshader_icd.json',
].filter(file => file !== undefined);

/** Chromium brings a driver in software; the loader of drivers is a package of its own. Installed where we are root. */
function install(): void {
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return;
  try {
    ensureChromium();
  } catch {
    return;
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  spawnSync('apt-get', ['update', '-qq'], { stdio: 'ignore', env });
  spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'libvulkan1'], { stdio: 'ignore', env });
}

/** A driver with which a session on WebGPU can be made, tried in another process; or why there is none. */
function usableDriver(): { readonly driver: string } | { readonly missing: string } {
  const engine = path.join(root, 'src', 'engine', 'index.ts');
  const program = `
    const { Graph, createSession, neg } = await import(${JSON.stringify(engine)});
    const graph = new Graph();
    await createSession(graph, { y: neg(graph.input('x', 'float32', ['N'])) }, { provider: 'webgpu' });`;
  const reasons: string[] = [];
  for (const driver of drivers) {
    if (!existsSync(driver)) {
      reasons.push(`${driver} is not there (Debian: apt-get install libvulkan1 chromium)`);
      continue;
    }
    const tried = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      env: { ...process.env, VK_DRIVER_FILES: driver, VK_ICD_FILENAMES: driver },
      encoding: 'utf8',
      timeout: 60_000,
    });
    if (tried.status === 0) return { driver };
    reasons.push(
      `${driver}: ${/Failed to get[^\n]*|Warning: [^\n]*/.exec(tried.stderr)?.[0] ?? tried.signal ?? 'failed'}`,
    );
  }
  return { missing: reasons.join('; ') };
}

const lora = { r: 2, alpha: 4, targetModules: ['q_proj', 'down_proj'] };
const models: Readonly<Record<string, TestModel>> = {
  Llama: testModel(tinyConfig()),
  'Qwen2 under a score': testModel(tinyConfig({ model_type: 'qwen2' }), 'score'),
  'GPT-2': testModel(tinyGpt2Config()),
  'Llama with LoRA': {
    ...testModel(tinyConfig({ max_position_embeddings: 128 })),
    trainable: { kind: 'lora', lora },
  },
};

function testModel(config: TestModel['config'], head: TestModel['head'] = 'lm'): TestModel {
  const weights = tinyWeights(config, 1, head);
  const rng = Rng.seeded(9);
  for (let layer = 0; layer < config.layers; layer++) {
    for (const [module, sizes] of [
      ['self_attn.q_proj', [16, 16]],
      ['mlp.down_proj', [24, 16]],
    ] as const) {
      const name = `base_model.model.model.layers.${layer}.${module}`;
      const drawn = (count: number) => Float32Array.from({ length: count }, () => rng.normal() * 0.3);
      weights.set(`${name}.lora_A.weight`, drawn(lora.r * sizes[0]));
      weights.set(`${name}.lora_B.weight`, drawn(lora.r * sizes[1]));
    }
  }
  return { config, head, trainable: { kind: 'full' }, weights };
}

async function step(model: TestModel, provider: 'cpu' | 'webgpu'): Promise<Results> {
  const graph = await openTrainingGraph(model, provider === 'cpu' ? 'float64' : 'float32', { provider });
  const ids = randomIds(Rng.seeded(3), [30, 7, 12, 1, 25], model.config.vocabSize);
  const results = await graph.run({ ids, predictions: predictFrom(ids, [1, 3, 1, 1, 1]) });
  await graph.dispose();
  return results;
}

describe('WebGPU', function () {
  this.timeout(900_000);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tunesmith-webgpu-'));
  const rows: string[] = [];
  let driver: string;

  before(function () {
    let found = usableDriver();
    if ('missing' in found) {
      install();
      found = usableDriver();
    }
    if ('missing' in found) {
      console.log(`      skipped: ${found.missing}`);
      return this.skip();
    }
    driver = found.driver;
    process.env.VK_DRIVER_FILES = driver;
    process.env.VK_ICD_FILENAMES = driver;
  });
  after(() => {
    rmSync(folder, { recursive: true, force: true });
    if (rows.length === 0) return;
    const text = `On a driver in software (${path.basename(driver)}):\n\n${rows.map(row => `- ${row}`).join('\n')}`;
    console.log(text.replaceAll(/^/gm, '      '));
    recordFigures('webgpu', text);
  });

  for (const [op, cases] of Object.entries(fusedOps)) {
    it(`computes ${op} and its gradient, to 1e-5`, async () => {
      for (const one of quick ? cases!.slice(0, 1) : cases!) {
        compareFused(await computeFused(one, 'float32', 'webgpu'), await computeFused(one, 'float64'));
      }
    });
  }

  for (const [name, model] of Object.entries(models).slice(0, quick ? 1 : undefined)) {
    it(`computes losses and gradients: ${name}`, async () => {
      const [ours, exact] = [await step(model, 'webgpu'), await step(model, 'cpu')];
      const far = [...exact].map(([result, values]) => [result, relativeDistance(ours.get(result)!, values)] as const);
      const [worst, distance] = far.reduce((a, b) => (b[1] > a[1] ? b : a));
      assert.ok(distance <= 1e-4, `${worst} differs by ${distance}`);
      rows.push(
        `training step of a tiny ${name}: largest ‖Δ‖/‖·‖ from float64 ${distance.toExponential(1)} (${worst})`,
      );
    });
  }

  const decoded = [tinyConfig({ head_dim: 16 }), tinyConfig(), tinyGpt2Config()];
  for (const config of decoded.slice(0, quick ? 1 : undefined)) {
    it(`decodes what the processor does: ${config.modelType}, heads of ${config.headDim}`, async () => {
      const weights = tinyWeights(config);
      const requests = randomIds(Rng.seeded(3), [9, 4, 6], config.vocabSize).map((prompt, stream) => ({
        prompt,
        stream,
        options: { maxNewTokens: 12, temperature: 0, seed: 1 },
      }));
      const [cpu, webgpu] = await Promise.all(
        (['cpu', 'webgpu'] as const).map(async provider => {
          const generator = await createGenerator({ config, weights, provider });
          const sequences = await generator.generate(requests);
          await generator.dispose();
          return sequences;
        }),
      );
      cpu!.forEach(({ tokens, logProbs }, i) => {
        assert.deepEqual([...webgpu![i]!.tokens], [...tokens]);
        for (const [t, value] of [...logProbs].entries()) assert.ok(Math.abs(webgpu![i]!.logProbs[t]! - value) < 1e-4);
      });
    });
  }

  it('serves the inference process, where it is remembered as the faster one', async () => {
    const home = process.env.TUNESMITH_HOME;
    process.env.TUNESMITH_HOME = folder;
    const base = path.join(root, 'models', 'pebble');
    const known: Calibration = { machine: machineKey(await runtimeVersion()), cpu: 100, webgpu: 1 };
    writeFileSync(path.join(folder, 'accelerator.json'), JSON.stringify(known));
    const description = { id: 'local:pebble', label: 'pebble', detail: '', kind: 'local' } as const;
    const answers: string[] = [];
    for (const accelerator of ['auto', 'cpu']) {
      const inference = new InferenceProcess({ root, accelerator });
      assert.equal((await inference.report()).provider, accelerator === 'auto' ? 'webgpu' : 'cpu');
      const model = new LocalModel(
        { ...description, chat: true, logProbs: true, controlledSampling: true },
        { base },
        inference,
      );
      const prompt = { kind: 'text', text: 'The cat' } as const;
      const options = { ...defaultSampling, temperature: 0, maxOutputTokens: 12 };
      answers.push((await model.generate({ prompt, options, repeat: 0 })).text);
      await inference.stop();
    }
    if (home === undefined) delete process.env.TUNESMITH_HOME;
    else process.env.TUNESMITH_HOME = home;
    assert.equal(answers[0], answers[1]);
    assert.ok(answers[0]!.length > 0);
  });

  it('is measured once, remembered, and left alone on a machine without a graphics processor', async () => {
    const file = path.join(folder, 'measured.json');
    const machine = machineKey(await runtimeVersion());
    const measured = await calibrate(file, machine);
    assert.ok(measured.cpu !== null, 'the processor was measured');
    assert.equal(chooseProvider('auto', measured), 'cpu');
    assert.deepEqual(await readCalibration(file, machine), measured);
    assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), measured);
    const webgpu = measured.webgpu === null ? 'absent, too slow or wrong' : `${measured.webgpu.toFixed(0)} ms`;
    rows.push(
      `the measurement at first use: processor ${measured.cpu.toFixed(0)} ms, WebGPU ${webgpu}; the processor is chosen`,
    );
  });
});
