/** Graphs that choose the next token from logits: no probability of the vocabulary ever leaves them. */
import {
  type DType,
  type Graph,
  logSoftmax,
  mul,
  pad,
  reshape,
  type Shape,
  softmax,
  tokenLogProbs,
  type Value,
} from '../engine/index.ts';

/**
 * `greedy` takes the likeliest token, `plain` samples at temperature 1, `tempered` at others, `narrow` and `nucleus` after
 * cuts; `nucleus` where a top-p refers to the whole vocabulary. `targets` and `likeliest` only report; `penalty` makes tokens
 * less likely that a sequence already has.
 */
export type SamplingKind = 'greedy' | 'plain' | 'tempered' | 'narrow' | 'nucleus' | 'targets' | 'likeliest' | 'penalty';

const FLOAT = 1;
const DOUBLE = 11;
const UINT8 = 2;
const rowShape: Shape = ['N', 1];

const one = (graph: Graph, op: string, inputs: Value[], dtype: DType, shape: Shape, attributes = {}): Value =>
  graph.raw(op, inputs, [{ dtype, shape }], { attributes })[0]!;
/** Sums and comparisons of probabilities are made in double precision; only there do values have this type. */
const double = (x: Value): Value => one(x.graph, 'Cast', [x], 'float64', x.shape, { to: { int: DOUBLE } });
const doubles = (op: string, inputs: Value[], shape: Shape, attributes = {}): Value =>
  one(inputs[0]!.graph, op, inputs, 'float64', shape, attributes);
const axis = (graph: Graph, at: number): Value => graph.constant([at], [1], 'int64');
const runningSum = (x: Value, exclusive: boolean): Value =>
  doubles('CumSum', [x, axis(x.graph, 1)], x.shape, { exclusive: { int: exclusive ? 1 : 0 } });
/** Of each row: the first place where `test` holds, else 0. */
const firstPlace = (test: Value): Value => {
  const bits = one(test.graph, 'Cast', [test], 'uint8', test.shape, { to: { int: UINT8 } });
  return one(test.graph, 'ArgMax', [bits], 'int64', rowShape, { axis: { int: 1 }, keepdims: { int: 1 } });
};
const pick = (x: Value, places: Value): Value =>
  one(x.graph, 'GatherElements', [x, places], x.dtype, rowShape, { axis: { int: 1 } });

/** A uniform number of [0, 1) per row, given as two floats whose sum it is. */
const uniforms = (graph: Graph): Value =>
  doubles('ReduceSum', [double(graph.input('uniforms', 'float32', ['N', 2])), axis(graph, 1)], rowShape, {
    keepdims: { int: 1 },
  });

/**
 * Outputs of one kind for logits float32 (N, V): `ids` int64 (N, 1) and `logProbs` (N, 1), nats, untempered and uncut.
 * Of `narrow` and `nucleus` also `enough` bool (N, 1): the candidates that were looked at include all that the cuts leave.
 */
export function samplingGraph(graph: Graph, kind: SamplingKind, vocabSize: number): Record<string, Value> {
  const logits = graph.input('logits', 'float32', ['N', vocabSize]);
  switch (kind) {
    case 'greedy': {
      const ids = one(graph, 'ArgMax', [logits], 'int64', rowShape, { axis: { int: 1 }, keepdims: { int: 1 } });
      return { ids, logProbs: pick(logSoftmax(logits), ids) };
    }
    case 'plain': {
      const probabilities = softmax(logits);
      const ids = drawFromAll(probabilities, vocabSize);
      // In double precision: kernels in float32 round the logarithm of one row in another way than that of many.
      const logProbs = doubles('Log', [double(pick(probabilities, ids))], rowShape);
      return { ids, logProbs: one(graph, 'Cast', [logProbs], 'float32', rowShape, { to: { int: FLOAT } }) };
    }
    case 'tempered': {
      const logProbs = logSoftmax(logits);
      const ids = drawFromAll(softmax(mul(logProbs, inverseTemperatures(graph))), vocabSize);
      return { ids, logProbs: pick(logProbs, ids) };
    }
    case 'narrow':
    case 'nucleus': {
      const logProbs = logSoftmax(logits);
      const { ids, enough } = drawFromLikeliest(logProbs, kind === 'nucleus');
      return { ids, enough, logProbs: pick(logProbs, ids) };
    }
    case 'targets':
      return { logProbs: tokenLogProbs(logits, graph.input('targets', 'int64', ['N'])) };
    case 'penalty': {
      const seen = graph.input('seen', 'int64', ['N', 'S']);
      const penalty = graph.input('penalty', 'float32', []);
      const some = (op: string, inputs: Value[], dtype: DType = 'float32', attributes = {}): Value =>
        one(graph, op, inputs, dtype, seen.shape, attributes);
      const own = some('GatherElements', [logits, seen], 'float32', { axis: { int: 1 } });
      const positive = some('Greater', [own, graph.scalar(0)], 'bool');
      const changed = some('Where', [positive, some('Div', [own, penalty]), some('Mul', [own, penalty])]);
      const attributes = { axis: { int: 1 } };
      return { penalised: one(graph, 'ScatterElements', [logits, seen, changed], 'float32', logits.shape, attributes) };
    }
    case 'likeliest': {
      const [logProbs, ids] = likeliest(logSoftmax(logits));
      return { ids, logProbs };
    }
  }
}

const inverseTemperatures = (graph: Graph): Value =>
  one(graph, 'Reciprocal', [graph.input('temperatures', 'float32', rowShape)], 'float32', rowShape);

/** The numbers 0 … K − 1, an input that says how many candidates are looked at. */
const counted = (graph: Graph): Value => graph.input('counted', 'int64', ['K']);

/** The K largest of each row, equal ones by their place: [values (N, K), places int64 (N, K)]. */
function likeliest(x: Value): readonly [Value, Value] {
  const { graph } = x;
  counted(graph);
  const [values, places] = graph.raw(
    'TopK',
    [x, graph.dimension('K')],
    [
      { dtype: 'float32', shape: ['N', 'K'] },
      { dtype: 'int64', shape: ['N', 'K'] },
    ],
  );
  return [values!, places!];
}

/**
 * Inverts the running sum of probabilities (N, V) in the order of the ids at a uniform number. The sum is taken of blocks
 * first: within the block that the number falls into, token by token.
 */
function drawFromAll(probabilities: Value, vocabSize: number): Value {
  const { graph } = probabilities;
  const width = [256, 512, 128, 1024, 64].find(size => vocabSize % size === 0) ?? 256;
  const blocks = Math.ceil(vocabSize / width);
  const whole = pad(probabilities, 1, 0, blocks * width - vocabSize);
  const sums = one(
    graph,
    'ReduceSum',
    [reshape(whole, ['N', blocks, width]), axis(graph, 2)],
    'float32',
    ['N', blocks],
    {
      keepdims: { int: 0 },
    },
  );
  const blockSums = double(sums);
  const upTo = runningSum(blockSums, false);
  const target = doubles('Mul', [uniforms(graph), largest(upTo)], rowShape);
  const block = firstPlace(one(graph, 'Greater', [upTo, target], 'bool', ['N', blocks]));
  const rest = doubles('Sub', [target, pick(runningSum(blockSums, true), block)], rowShape);
  // Row n's block b is row n·blocks + b of (N·blocks, width).
  const start = one(graph, 'Range', [int(graph, 0), dimension(graph), int(graph, 1)], 'int64', ['N']);
  const row = one(
    graph,
    'Add',
    [one(graph, 'Mul', [reshape(start, rowShape), int(graph, blocks)], 'int64', rowShape), block],
    'int64',
    rowShape,
  );
  const inside = double(
    one(graph, 'Gather', [reshape(whole, [`N*${blocks}`, width]), reshape(row, ['N'])], 'float32', ['N', width]),
  );
  const within = runningSum(inside, false);
  // Sums of blocks and of tokens differ by rounding: the number never falls behind the block's last likely token.
  const last = doubles('Mul', [largest(within), graph.constant([1 - 2 ** -23], [], 'float32')].map(double), rowShape);
  const place = firstPlace(
    one(graph, 'Greater', [within, doubles('Min', [rest, last], rowShape)], 'bool', ['N', width]),
  );
  return one(
    graph,
    'Add',
    [one(graph, 'Mul', [block, int(graph, width)], 'int64', rowShape), place],
    'int64',
    rowShape,
  );
}

const int = (graph: Graph, value: number): Value => graph.scalar(value, 'int64');
const dimension = (graph: Graph): Value => reshape(graph.dimension('N'), []);
const largest = (x: Value): Value => doubles('ReduceMax', [x, axis(x.graph, 1)], rowShape, { keepdims: { int: 1 } });
const total = (x: Value): Value => doubles('ReduceSum', [x, axis(x.graph, 1)], rowShape, { keepdims: { int: 1 } });

/**
 * Draws from what the cuts leave of the K likeliest tokens: top-k, then top-p of what that left, then min-p. With
 * `whole`, top-p refers to the probabilities of all tokens; else to those of the top-k, which K has to cover.
 */
function drawFromLikeliest(logProbs: Value, whole: boolean): { readonly ids: Value; readonly enough: Value } {
  const { graph } = logProbs;
  const perRow = (name: string): Value => double(graph.input(name, 'float32', rowShape));
  const inverse = inverseTemperatures(graph);
  const [values, places] = likeliest(logProbs);
  const shape = values.shape;
  const best = one(graph, 'Gather', [values, axis(graph, 0)], 'float32', rowShape, { axis: { int: 1 } });
  const scaled = doubles('Mul', [doubles('Sub', [double(values), double(best)], shape), double(inverse)], shape);
  // Relative to the likeliest token, whose weight is 1.
  const weights = doubles('Exp', [scaled], shape);
  const zero = double(graph.constant([0], [], 'float32'));
  const place = counted(graph);
  const within = one(graph, 'Less', [place, graph.input('topK', 'int64', rowShape)], 'bool', shape);
  const kept = doubles('Where', [within, weights, zero], shape);
  const keptSum = total(kept);
  let all = keptSum;
  if (whole) {
    const bestPlace = one(graph, 'Gather', [places, axis(graph, 0)], 'int64', rowShape, { axis: { int: 1 } });
    const highest = pick(softmax(mul(logProbs, inverse)), bestPlace);
    all = doubles('Reciprocal', [double(highest)], rowShape);
  }
  const wanted = doubles('Mul', [perRow('topP'), all], rowShape);
  const first = one(graph, 'Equal', [place, int(graph, 0)], 'bool', ['K']);
  const before = one(graph, 'Less', [runningSum(kept, true), wanted], 'bool', shape);
  const inNucleus = one(graph, 'Or', [before, first], 'bool', shape);
  const minP = perRow('minP');
  const likely = one(graph, 'GreaterOrEqual', [kept, minP], 'bool', shape);
  const survives = one(graph, 'And', [inNucleus, likely], 'bool', shape);
  const sums = runningSum(doubles('Where', [survives, kept, zero], shape), false);
  const target = doubles('Mul', [uniforms(graph), largest(sums)], rowShape);
  const ids = pick(places, firstPlace(one(graph, 'Greater', [sums, target], 'bool', shape)));
  // Enough: the nucleus ends within the candidates, or the last of them is too unlikely for min-p.
  const least = doubles('ReduceMin', [weights, axis(graph, 1)], rowShape, { keepdims: { int: 1 } });
  const unlikely = one(graph, 'Less', [least, minP], 'bool', rowShape);
  if (!whole) return { ids, enough: unlikely };
  const ends = one(graph, 'GreaterOrEqual', [keptSum, wanted], 'bool', rowShape);
  return { ids, enough: one(graph, 'Or', [ends, unlikely], 'bool', rowShape) };
}
