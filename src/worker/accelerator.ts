/**
 * Which provider runs models on this machine: WebGPU where it answers rightly and is clearly faster than the processor.
 * That is measured once, in a process of its own because drivers crash, and remembered for this machine and its drivers.
 */
import { fork } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { type Provider, runtimeVersion } from '../engine/index.ts';
import { replaceJsonFile } from '../storage/fileSystem.ts';
import { readTextFile, userFolder } from '../storage/workspaceLayout.ts';
import { siblingProgram, yieldTo } from './siblingProgram.ts';

/** The setting `tunesmith.accelerator`: `webgpu` takes it wherever it answers rightly, however fast it is. */
export type AcceleratorSetting = 'auto' | Provider;

/** Milliseconds from the start to measuring: the first answer is there then, and a process for one answer has ended. */
const QUIET = 20_000;

export interface Accelerator {
  readonly provider: Provider;
  /** Measures later in this process's life where nothing is known yet; what is found counts from the next start on. */
  measureWhenQuiet(): void;
}

/** The provider for this process, by the setting and by what is remembered. Nothing is tried before it answers. */
export async function findAccelerator(value: string | undefined): Promise<Accelerator> {
  const setting: AcceleratorSetting = value === 'cpu' || value === 'webgpu' ? value : 'auto';
  const file = calibrationFile();
  const machine = machineKey(await runtimeVersion());
  const known = await readCalibration(file, machine);
  return {
    provider: chooseProvider(setting, known),
    measureWhenQuiet() {
      if (known || setting === 'cpu') return;
      // What cannot be remembered is measured again next time.
      setTimeout(() => void calibrate(file, machine).catch(() => {}), QUIET).unref();
    },
  };
}

/** What the measuring process says of one provider. */
export const MeasurementSchema = v.object({
  provider: v.picklist(['cpu', 'webgpu']),
  milliseconds: v.number(),
  /** Log-probabilities of the tokens that it generated: both providers have to give the same. */
  logProbs: v.array(v.number()),
});
export type Measurement = v.InferOutput<typeof MeasurementSchema>;

const CalibrationSchema = v.object({
  /** For which machine, drivers and runtime it holds: `machineKey`. */
  machine: v.string(),
  /** Milliseconds of the same work; none where the provider is absent, crashed, was too slow or answered wrongly. */
  cpu: v.nullable(v.number()),
  webgpu: v.nullable(v.number()),
});
export type Calibration = v.InferOutput<typeof CalibrationSchema>;

/** WebGPU has to be this many times as fast: a narrow lead can be chance, and the processor is the better-tried way. */
const CLEAR_MARGIN = 1.3;
/** Log-probabilities, in nats, of two providers that compute the same. */
const SAME_ANSWER = 1e-2;
/** Milliseconds that the measuring process has. */
const PROBE_LIMIT = 60_000;

/** The provider to use by what was measured; the processor where nothing was. */
export function chooseProvider(setting: AcceleratorSetting, measured: Calibration | undefined): Provider {
  if (setting === 'cpu' || !measured || measured.webgpu === null) return 'cpu';
  if (setting === 'webgpu') return 'webgpu';
  return measured.cpu !== null && measured.cpu >= CLEAR_MARGIN * measured.webgpu ? 'webgpu' : 'cpu';
}

/** What measurements of one machine come to. A provider whose answers differ from the processor's counts as absent. */
export function calibrationOf(machine: string, measurements: readonly Measurement[]): Calibration {
  const [cpu, webgpu] = (['cpu', 'webgpu'] as const).map(name => measurements.find(one => one.provider === name));
  const agrees =
    cpu !== undefined &&
    webgpu !== undefined &&
    cpu.logProbs.length === webgpu.logProbs.length &&
    cpu.logProbs.every((value, i) => Math.abs(value - webgpu.logProbs[i]!) <= SAME_ANSWER);
  return { machine, cpu: cpu?.milliseconds ?? null, webgpu: agrees ? webgpu.milliseconds : null };
}

/** Where the result is kept. */
export const calibrationFile = (): string => join(userFolder(), 'accelerator.json');

/** What was measured for this machine; undefined when nothing was, or the file is damaged or another machine's. */
export async function readCalibration(file: string, machine: string): Promise<Calibration | undefined> {
  try {
    const known = v.parse(CalibrationSchema, JSON.parse((await readTextFile(file)) ?? 'null'));
    return known.machine === machine ? known : undefined;
  } catch {
    return undefined;
  }
}

/** Measures and remembers. `probe` answers with what it got out of a process that may have crashed or hung. */
export async function calibrate(
  file: string,
  machine: string,
  probe: () => Promise<readonly Measurement[]> = probeProviders,
): Promise<Calibration> {
  const result = calibrationOf(machine, hasDrivers() ? await probe() : []);
  await replaceJsonFile(file, result);
  return result;
}

export interface ProbeOptions {
  /** The program; tests bring their own. */
  readonly program?: string;
  /** Milliseconds. */
  readonly limit?: number;
}

/** Runs the measuring process and gives what it had said when it ended, crashed or was stopped for taking too long. */
export function probeProviders({
  program = siblingProgram('calibration'),
  limit = PROBE_LIMIT,
}: ProbeOptions = {}): Promise<Measurement[]> {
  const measurements: Measurement[] = [];
  const child = fork(program, [], {
    env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
    execArgv: [],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  return new Promise(done => {
    const end = (): void => {
      clearTimeout(timer);
      done(measurements);
    };
    const timer = setTimeout(() => child.kill('SIGKILL'), limit);
    child.on('message', message => {
      const parsed = v.safeParse(MeasurementSchema, message);
      if (parsed.success) measurements.push(parsed.output);
    });
    // What is being measured must not slow down what a person waits for.
    child.once('spawn', () => yieldTo(child.pid));
    child.once('exit', end);
    child.once('error', end);
  });
}

/** Changes with the processor, the system, its graphics drivers and ONNX Runtime: then it is measured anew. */
export function machineKey(runtime: string): string {
  const processor = os.cpus()[0]?.model.trim() ?? '';
  return [runtime, os.platform(), os.arch(), os.release(), processor, os.cpus().length, ...vulkanDrivers()].join(' | ');
}

/** On Linux WebGPU needs a Vulkan driver; elsewhere the system brings what it needs. */
const hasDrivers = (): boolean => os.platform() !== 'linux' || vulkanDrivers().length > 0;

/** The manifests of Vulkan's drivers with their times: where its loader looks for them. */
function vulkanDrivers(): string[] {
  if (os.platform() !== 'linux') return [];
  const named = process.env.VK_DRIVER_FILES ?? process.env.VK_ICD_FILENAMES;
  const files = named
    ? named.split(':')
    : ['/etc/vulkan/icd.d', '/usr/share/vulkan/icd.d', '/usr/local/share/vulkan/icd.d'].flatMap(manifestsIn);
  return files.filter(file => existsSync(file)).map(file => `${file} ${statSync(file).mtimeMs}`);
}

function manifestsIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter(name => name.endsWith('.json'))
    .sort()
    .map(name => join(folder, name));
}
