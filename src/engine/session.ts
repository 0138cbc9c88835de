/** Runs graphs with ONNX Runtime: the only file that imports it. It belongs in a child process (it has crashed editors). */
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { allocate, type DType, type Precision, rendered, type TensorData } from './dtype.ts';
import type { Provider } from './emitter.ts';
import { Graph, type InputSpec, type Value } from './graph.ts';
import { doneOutput, encodeModel, neededInputs } from './onnxProto.ts';
import { elementCount, resolve, shapeText } from './shape.ts';
import { verify } from './verify.ts';

export type { Provider } from './emitter.ts';

/** Numbers with their shape. The array is read where it lies: nothing is copied on the way in. */
export interface Tensor {
  readonly dtype: DType;
  readonly dims: readonly number[];
  readonly data: TensorData;
}

export const tensor = (dtype: DType, data: TensorData, dims: readonly number[]): Tensor => ({ dtype, data, dims });
/** Whole numbers as an int64 tensor. */
export const int64 = (values: ArrayLike<number>, dims: readonly number[] = [values.length]): Tensor =>
  tensor(
    'int64',
    BigInt64Array.from({ length: values.length }, (_, i) => BigInt(values[i]!)),
    dims,
  );
export const float32 = (values: ArrayLike<number>, dims: readonly number[] = [values.length]): Tensor =>
  tensor('float32', values instanceof Float32Array ? values : Float32Array.from(values), dims);

export interface SessionOptions {
  readonly precision?: Precision;
  /** Default `cpu`. A driver that fails can take the process with it: who asks for `webgpu` has tried it in another process. */
  readonly provider?: Provider;
  /** Threads inside one operator; ONNX Runtime's own choice when left out. */
  readonly threads?: number;
  /** Graph optimisation of ONNX Runtime. Default `all`. */
  readonly optimization?: 'disabled' | 'basic' | 'extended' | 'all';
  /** Reuse of activation memory by a plan made at the first run of a shape. Costs memory, saves time. Default true. */
  readonly memoryPattern?: boolean;
  /** Keep freed activation memory for the next run. Default true. */
  readonly memoryArena?: boolean;
  /** Private packed copies of constant weights, which make products faster. Default true. */
  readonly prepack?: boolean;
  /**
   * Microseconds for which idle threads wait for the next operator by spinning before they sleep. A few dozen make graphs of
   * small operators faster; more is much slower on a busy machine. Default 0.
   */
  readonly spinning?: number;
  /** Take outputs as the binding's copies even where they could be written in place. Default false. */
  readonly copyOutputs?: boolean;
}

export interface Session {
  readonly inputs: ReadonlyMap<string, InputSpec>;
  readonly outputs: Readonly<Record<string, InputSpec>>;
  /**
   * Runs the graph. `into` gives arrays that outputs are written to (they may be the arrays of inputs where the operator
   * allows it); the others get fresh ones. Runs on the calling thread: the event loop waits.
   */
  run(
    feeds: Readonly<Record<string, Tensor>>,
    into?: Readonly<Record<string, TensorData>>,
  ): Promise<Record<string, Tensor>>;
  dispose(): Promise<void>;
}

type Ort = typeof import('onnxruntime-node');
let loading: Promise<Ort> | undefined;
let trick: Promise<boolean> | undefined;

const load = (): Promise<Ort> => {
  loading ??= import('onnxruntime-node').then(module => {
    const ort = ('default' in module ? module.default : module) as Ort;
    ort.env.logLevel = 'error';
    return ort;
  });
  return loading;
};

/** What the binding says, after a run has completed, when the first output is a sequence: nothing gets copied then. */
const SEQUENCE_ERROR = 'Non tensor type is temporarily not supported.';

/** Whether outputs can be written in place: undocumented behaviour of the binding, tried out once in each process. */
export function writesOutputsInPlace(): Promise<boolean> {
  trick ??= probe();
  return trick;
}

async function probe(): Promise<boolean> {
  const graph = new Graph();
  const x = graph.input('x', 'float32', ['N']);
  const y = graph.add('Neg', [x], {}, [{ dtype: 'float32', shape: ['N'] }]).outputs[0]!;
  const session = await open(graph, { y }, {}, true);
  try {
    const target = new Float32Array(3);
    await session.run({ x: float32([1, 2, 3]) }, { y: target });
    return target.join() === '-1,-2,-3';
  } catch {
    return false;
  } finally {
    await session.dispose();
  }
}

/** The version of ONNX Runtime. */
export const runtimeVersion = async (): Promise<string> => `onnxruntime ${(await load()).env.versions.node}`;

/** Encodes the part of the graph that `outputs` need and makes it ready to run. Names of outputs are the caller's. */
export async function createSession(
  graph: Graph,
  outputs: Readonly<Record<string, Value>>,
  options: SessionOptions = {},
): Promise<Session> {
  verify(graph, outputs);
  return open(graph, outputs, options, !options.copyOutputs && (await writesOutputsInPlace()));
}

async function open(
  graph: Graph,
  outputs: Readonly<Record<string, Value>>,
  options: SessionOptions,
  inPlace: boolean,
): Promise<Session> {
  const ort = await load();
  const { precision = 'float32', provider = 'cpu' } = options;
  const model = encodeModel(graph, outputs, { precision, provider, withDone: inPlace });
  const native = await ort.InferenceSession.create(model, {
    executionProviders: [provider],
    intraOpNumThreads: options.threads ?? 0,
    // Higher levels put scales into float32 attributes, which a float64 rendition must not rest on.
    graphOptimizationLevel: options.optimization ?? (precision === 'float64' ? 'basic' : 'all'),
    enableMemPattern: options.memoryPattern ?? true,
    enableCpuMemArena: options.memoryArena ?? true,
    executionMode: 'sequential',
    logSeverityLevel: 3,
    extra: {
      session: {
        // Threads that wait by spinning take processors from whoever else works on this machine.
        'intra_op.allow_spinning': options.spinning ? '1' : '0',
        ...(options.spinning ? { 'intra_op.spin_duration_us': String(options.spinning) } : {}),
        ...(options.prepack === false ? { disable_prepacking: '1' } : {}),
      },
    },
  });
  // Types and shapes only: a value would keep its graph, and that the arrays of all constants, for the session's life.
  const spec = ({ dtype, shape }: Value): InputSpec => ({ dtype, shape });
  const inputSpecs = new Map([...neededInputs(graph, outputs)].map(([name, value]) => [name, spec(value)]));
  const outputSpecs = Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, spec(value)]));
  return new OrtSession(ort, native, inputSpecs, outputSpecs, precision, inPlace);
}

class OrtSession implements Session {
  readonly inputs: ReadonlyMap<string, InputSpec>;
  readonly outputs: Readonly<Record<string, InputSpec>>;
  readonly #ort: Ort;
  readonly #native: InferenceSession;
  readonly #precision: Precision;
  readonly #inPlace: boolean;
  readonly #wrapped = new WeakMap<Tensor, OrtTensor>();
  readonly #wrappedOutputs = new WeakMap<TensorData, OrtTensor>();

  constructor(
    ort: Ort,
    native: InferenceSession,
    inputs: ReadonlyMap<string, InputSpec>,
    outputs: Readonly<Record<string, InputSpec>>,
    precision: Precision,
    inPlace: boolean,
  ) {
    this.#ort = ort;
    this.#native = native;
    this.inputs = inputs;
    this.outputs = outputs;
    this.#precision = precision;
    this.#inPlace = inPlace;
  }

  async run(
    feeds: Readonly<Record<string, Tensor>>,
    into: Readonly<Record<string, TensorData>> = {},
  ): Promise<Record<string, Tensor>> {
    const sizes = new Map<string, number>();
    const given: Record<string, OrtTensor> = {};
    for (const [name, value] of this.inputs) {
      const feed = feeds[name];
      if (!feed) throw new Error(`the input ${name} is missing`);
      this.#check(name, value, feed, sizes);
      given[`in:${name}`] = this.#wrap(feed);
    }
    const results: Record<string, Tensor> = {};
    const fetches: Record<string, OrtTensor | null> = this.#inPlace ? { [doneOutput]: null } : {};
    for (const [name, value] of Object.entries(this.outputs)) {
      const dtype = rendered(value.dtype, this.#precision);
      const dims = resolve(value.shape, sizes);
      const data = into[name] ?? allocate(dtype, elementCount(dims));
      if (data.length !== elementCount(dims)) {
        throw new Error(`the output ${name} has shape ${shapeText(dims)}, but its array holds ${data.length} numbers`);
      }
      results[name] = { dtype, dims, data };
      fetches[name] = this.#inPlace ? this.#wrapOutput(results[name], name in into) : null;
    }
    if (this.#inPlace) {
      try {
        await this.#native.run(given, fetches);
      } catch (error) {
        if (!(error instanceof Error) || !error.message.includes(SEQUENCE_ERROR)) throw error;
      }
    } else {
      const copies = await this.#native.run(given, fetches);
      for (const [name, { data }] of Object.entries(results)) {
        (data as Float32Array).set(copies[name]!.data as Float32Array);
      }
    }
    return results;
  }

  #check(name: string, value: InputSpec, feed: Tensor, sizes: Map<string, number>): void {
    const dtype = rendered(value.dtype, this.#precision);
    if (feed.dtype !== dtype) throw new Error(`the input ${name} is ${feed.dtype}, not ${dtype}`);
    const fits =
      feed.dims.length === value.shape.length &&
      feed.data.length === elementCount(feed.dims) &&
      value.shape.every((dim, i) => {
        const size = feed.dims[i]!;
        if (typeof dim === 'number') return dim === size;
        if (!sizes.has(dim)) sizes.set(dim, size);
        return sizes.get(dim) === size;
      });
    if (!fits) {
      throw new Error(
        `the input ${name} has shape ${shapeText(feed.dims)} and ${feed.data.length} numbers, not ${shapeText(value.shape)}`,
      );
    }
  }

  /** The binding's own object for a tensor, made once for weights that are fed again and again. */
  #wrap(feed: Tensor): OrtTensor {
    let wrapped = this.#wrapped.get(feed);
    if (!wrapped) {
      wrapped = this.#ortTensor(feed);
      this.#wrapped.set(feed, wrapped);
    }
    return wrapped;
  }

  /** Likewise for arrays that are written again and again. */
  #wrapOutput(output: Tensor, again: boolean): OrtTensor {
    const known = again ? this.#wrappedOutputs.get(output.data) : undefined;
    if (known && known.dims.length === output.dims.length && known.dims.every((dim, i) => dim === output.dims[i])) {
      return known;
    }
    const wrapped = this.#ortTensor(output);
    if (again) this.#wrappedOutputs.set(output.data, wrapped);
    return wrapped;
  }

  #ortTensor({ dtype, data, dims }: Tensor): OrtTensor {
    return new this.#ort.Tensor(dtype as 'float32', data as Float32Array, dims);
  }

  async dispose(): Promise<void> {
    await this.#native.release();
  }
}
