/** The choice of a provider: by measurements, remembered, and safe from drivers that crash, hang or answer wrongly. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {
  type Calibration,
  calibrate,
  calibrationOf,
  chooseProvider,
  type Measurement,
  machineKey,
  probeProviders,
  readCalibration,
} from '../../../src/worker/accelerator.ts';

const program = path.join(import.meta.dirname, '..', '..', 'fakes', 'calibrationProbe.ts');
const measured = (cpu: number | null, webgpu: number | null): Calibration => ({ machine: 'this', cpu, webgpu });
const said = (provider: 'cpu' | 'webgpu', milliseconds: number, logProbs: number[]): Measurement => ({
  provider,
  milliseconds,
  logProbs,
});

describe('accelerator', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'tunesmith-accelerator-'));
    file = path.join(folder, 'accelerator.json');
  });
  const variables = ['FAKE_PROBE', 'FAKE_PROBE_RUNS', 'VK_DRIVER_FILES'] as const;
  const before = Object.fromEntries(variables.map(name => [name, process.env[name]]));
  afterEach(() => {
    rmSync(folder, { recursive: true });
    for (const name of variables) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
  });

  it('takes WebGPU only when it is clearly faster, or asked for and present', () => {
    const cases = [
      ['auto', undefined, 'cpu'],
      ['auto', measured(100, 20), 'webgpu'],
      ['auto', measured(100, 90), 'cpu'],
      ['auto', measured(100, 5000), 'cpu'],
      ['auto', measured(100, null), 'cpu'],
      ['auto', measured(null, 20), 'cpu'],
      ['cpu', measured(100, 20), 'cpu'],
      ['webgpu', measured(100, 5000), 'webgpu'],
      ['webgpu', measured(100, null), 'cpu'],
      ['webgpu', undefined, 'cpu'],
    ] as const;
    for (const [setting, calibration, expected] of cases) {
      assert.equal(chooseProvider(setting, calibration), expected, JSON.stringify([setting, calibration]));
    }
  });

  it('counts a provider that answers something else as absent', () => {
    const cpu = said('cpu', 100, [-1, -2]);
    assert.deepEqual(calibrationOf('this', [cpu, said('webgpu', 20, [-1.0001, -2])]), measured(100, 20));
    for (const wrong of [[-1, -2.5], [-1], [Number.NaN, -2], []]) {
      assert.deepEqual(calibrationOf('this', [cpu, said('webgpu', 20, wrong)]), measured(100, null));
    }
    assert.deepEqual(calibrationOf('this', [said('webgpu', 20, [-1, -2])]), measured(null, null));
  });

  const faults = { crash: 'crashes', hang: 'hangs', nonsense: 'talks nonsense' };
  for (const [fault, what] of Object.entries(faults)) {
    it(`outlives a measuring process that ${what}`, async () => {
      process.env.FAKE_PROBE = fault;
      const result = await probeProviders({ program, limit: fault === 'hang' ? 5000 : 20_000 });
      assert.deepEqual(calibrationOf('this', result), measured(100, null));
    });
  }

  it('outlives a measuring process that does not start', async () => {
    assert.deepEqual(await probeProviders({ program: path.join(folder, 'missing.mjs') }), []);
  });

  it('remembers what it measured, for this machine only', async () => {
    process.env.VK_DRIVER_FILES = program;
    process.env.FAKE_PROBE_RUNS = path.join(folder, 'runs');
    const result = await calibrate(file, 'this', () => probeProviders({ program }));
    assert.deepEqual(result, measured(100, 20));
    assert.deepEqual(await readCalibration(file, 'this'), result);
    assert.equal(await readCalibration(file, 'with another driver'), undefined);
    assert.equal(readFileSync(path.join(folder, 'runs'), 'utf8'), '.');
    for (const damaged of ['', '{', '[]', '{"machine": "this", "cpu": "1", "webgpu": null}']) {
      writeFileSync(file, damaged);
      assert.equal(await readCalibration(file, 'this'), undefined);
    }
  });

  it('starts nothing where there is no driver, and remembers that as well', async function () {
    if (process.platform !== 'linux') this.skip();
    process.env.VK_DRIVER_FILES = path.join(folder, 'missing.json');
    const result = await calibrate(file, 'this', () => assert.fail('it was measured'));
    assert.deepEqual(result, measured(null, null));
    assert.deepEqual(await readCalibration(file, 'this'), result);
  });

  it('measures anew with another runtime or driver', function () {
    if (process.platform !== 'linux') this.skip();
    process.env.VK_DRIVER_FILES = '';
    const key = machineKey('onnxruntime 1.30.0');
    assert.equal(machineKey('onnxruntime 1.30.0'), key);
    assert.notEqual(machineKey('onnxruntime 1.31.0'), key);
    process.env.VK_DRIVER_FILES = program;
    assert.notEqual(machineKey('onnxruntime 1.30.0'), key);
  });
});
