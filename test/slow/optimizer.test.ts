/** AdamW, clipping by the global norm and schedules against PyTorch and transformers, on given gradients. */
import assert from 'node:assert/strict';
import { Rng } from '../../src/base/rng.ts';
import { createSimdArena } from '../../src/engine/kernels/adamwSimd.ts';
import {
  AdamW,
  type AdamWArrays,
  type AdamWKernel,
  type AdamWSettings,
  plainKernel,
} from '../../src/engine/optimizers/adamw.ts';
import { type ScheduleSettings, scheduleFactor } from '../../src/engine/optimizers/schedules.ts';
import { recordFigures } from './figures.ts';
import { askPython, pythonWithTorch } from './python.ts';

/** Two matrices, which decay, and three vectors, which do not; their sizes are no multiples of 4. */
const sizes = [91, 34, 13, 1, 7];
const decayed = 2;
const steps = 40;

type Schedule = Required<ScheduleSettings>;
const schedules: readonly Schedule[] = [
  { kind: 'constant', warmupSteps: 5, totalSteps: 12, floor: 0 },
  { kind: 'linear', warmupSteps: 0, totalSteps: 20, floor: 0 },
  { kind: 'linear', warmupSteps: 7, totalSteps: 40, floor: 0 },
  { kind: 'cosine', warmupSteps: 0, totalSteps: 9, floor: 0 },
  { kind: 'cosine', warmupSteps: 4, totalSteps: 40, floor: 0 },
  { kind: 'cosine', warmupSteps: 3, totalSteps: 21, floor: 0.1 },
];

type Settings = Required<AdamWSettings>;
interface Run extends Settings {
  readonly name: string;
  readonly parameters: readonly (readonly number[])[];
  readonly gradients: readonly (readonly (readonly number[])[])[];
  readonly decayed: number;
  readonly rates: readonly number[];
}

interface Step {
  readonly norm: number;
  readonly parameters: readonly (readonly number[])[];
  readonly m: readonly (readonly number[])[];
  readonly v: readonly (readonly number[])[];
}

/** Gradients whose norm passes the limit at some steps and stays below it at others. */
function drawnRun(name: string, settings: Settings, schedule: Schedule, peak: number): Run {
  const rng = Rng.seeded(12).stream(name);
  const drawn = (deviation: number): number[][] =>
    sizes.map(size => Array.from({ length: size }, () => Math.fround(rng.normal() * deviation)));
  return {
    name,
    ...settings,
    parameters: drawn(1),
    gradients: Array.from({ length: steps }, (_, step) => drawn(10 ** ((step % 5) - 3))),
    decayed,
    rates: Array.from({ length: steps }, (_, step) => peak * scheduleFactor(schedule, step)),
  };
}

const usual: Settings = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, maxGradNorm: 1 };
const runs = [
  drawnRun('defaults, clipped', usual, schedules[4]!, 1e-2),
  drawnRun('decay 0.1, β₂ 0.95', { ...usual, beta2: 0.95, weightDecay: 0.1, maxGradNorm: 0.3 }, schedules[2]!, 3e-2),
  drawnRun('no clipping, large ε', { ...usual, epsilon: 1e-3, weightDecay: 0.01, maxGradNorm: 0 }, schedules[0]!, 1e-2),
];

/** Where each tensor starts, each on a multiple of `alignment`, and the length of all. */
function layout(alignment: number): { starts: number[]; total: number } {
  const starts: number[] = [];
  let total = 0;
  for (const size of sizes) {
    starts.push(total);
    total += Math.ceil(size / alignment) * alignment;
  }
  return { starts, total };
}

interface Kernel {
  readonly kernel: AdamWKernel;
  readonly arrays: readonly Float32Array[];
  readonly alignment: number;
}

const kernels: Readonly<Record<string, () => Kernel>> = {
  plain: () => ({
    kernel: plainKernel,
    arrays: Array.from({ length: 4 }, () => new Float32Array(layout(1).total)),
    alignment: 1,
  }),
  SIMD: () => {
    const arena = createSimdArena(4, layout(4).total);
    assert.ok(arena);
    return { ...arena, alignment: 4 };
  },
};

/** Our float32 trajectory of a run. */
function trajectory(run: Run, { kernel, arrays, alignment }: Kernel): Step[] {
  const { starts } = layout(alignment);
  const [parameters, gradients, m, v] = arrays as [Float32Array, Float32Array, Float32Array, Float32Array];
  const flat: AdamWArrays = { parameters, gradients, m, v };
  const put = (to: Float32Array, tensors: readonly (readonly number[])[]) =>
    tensors.forEach((values, i) => {
      to.set(values, starts[i]!);
    });
  const taken = (from: Float32Array) => starts.map((start, i) => [...from.subarray(start, start + sizes[i]!)]);
  put(parameters, run.parameters);
  const optimizer = new AdamW(flat, starts[run.decayed]!, run, kernel);
  return run.gradients.map((tensors, step) => {
    put(gradients, tensors);
    const { gradNorm } = optimizer.apply(run.rates[step]!);
    return { norm: gradNorm, parameters: taken(parameters), m: taken(m), v: taken(v) };
  });
}

/** ‖a − b‖/‖b‖ over all tensors. */
function distance(a: readonly (readonly number[])[], b: readonly (readonly number[])[]): number {
  const [x, y] = [a.flat(), b.flat()];
  assert.equal(x.length, y.length);
  const norm = (values: readonly number[]) => Math.hypot(...values);
  return norm(x.map((value, i) => value - y[i]!)) / norm(y);
}

describe('the optimizer beside PyTorch', function () {
  this.timeout(600_000);
  let theirs: { readonly schedules: readonly (readonly number[])[]; readonly runs: readonly (readonly Step[])[] };
  before(function () {
    const python = pythonWithTorch();
    if (typeof python !== 'string') {
      console.log(`      skipped: ${python.missing}`);
      return this.skip();
    }
    // Our warm-up leaves out transformers' first step, whose rate is 0 (see schedules.ts).
    const longer = schedules.map(one => ({
      ...one,
      ...(one.warmupSteps > 0 ? { warmupSteps: one.warmupSteps + 1, totalSteps: one.totalSteps + 1 } : {}),
    }));
    theirs = askPython(python, 'optimizer.py', { schedules: longer, runs });
  });

  const rows: string[] = [];
  after(() => {
    if (rows.length === 0) return;
    const table = `| run | kernel | parameters | m | v | norm |\n|---|---|---:|---:|---:|---:|\n${rows.join('\n')}`;
    console.log(table.replaceAll(/^/gm, '      '));
    recordFigures(
      'optimizer',
      `AdamW in float32 after ${steps} steps against torch.optim.AdamW and clip_grad_norm_ in float64: largest relative distance at any step.\n\n${table}`,
    );
  });

  for (const [i, run] of runs.entries()) {
    for (const [name, make] of Object.entries(kernels)) {
      it(`makes PyTorch's steps: ${run.name}, ${name} kernel`, () => {
        const worst = { parameters: 0, m: 0, v: 0, norm: 0 };
        const clipped = new Set<boolean>();
        for (const [step, ours] of trajectory(run, make()).entries()) {
          const expected = theirs.runs[i]![step]!;
          clipped.add(expected.norm > run.maxGradNorm);
          for (const what of ['parameters', 'm', 'v'] as const) {
            worst[what] = Math.max(worst[what], distance(ours[what], expected[what]));
          }
          worst.norm = Math.max(worst.norm, Math.abs(ours.norm / expected.norm - 1));
        }
        assert.equal(clipped.size, run.maxGradNorm > 0 ? 2 : 1, 'the gradients pass the limit at some steps only');
        const figures = Object.values(worst);
        rows.push(`| ${run.name} | ${name} | ${figures.map(value => value.toExponential(1)).join(' | ')} |`);
        for (const [what, value] of Object.entries(worst)) assert.ok(value <= 1e-6, `${what}: ${value}`);
      });
    }
  }

  for (const [i, schedule] of schedules.entries()) {
    const { kind, warmupSteps, totalSteps, floor } = schedule;
    it(`follows transformers' schedule: ${kind}, ${warmupSteps} of ${totalSteps} steps of warm-up, floor ${floor}`, () => {
      const shift = warmupSteps > 0 ? 1 : 0;
      for (let step = 0; step <= totalSteps; step++) {
        const [ours, expected] = [scheduleFactor(schedule, step), theirs.schedules[i]![step + shift]!];
        assert.ok(Math.abs(ours - expected) <= 1e-12, `step ${step}: ${ours} against ${expected}`);
      }
    });
  }

  it('notices decay that is not decoupled', () => {
    const run = runs[1]!;
    const coupled = {
      ...run,
      weightDecay: 0,
      // As in Adam with L2: the decay is part of the gradient.
      gradients: run.gradients.map(tensors =>
        tensors.map((values, t) =>
          values.map((value, j) => value + (t < decayed ? run.weightDecay * run.parameters[t]![j]! : 0)),
        ),
      ),
    };
    const last = trajectory(coupled, kernels.plain!()).at(-1)!;
    assert.ok(distance(last.parameters, theirs.runs[1]!.at(-1)!.parameters) > 1e-4);
  });
});
