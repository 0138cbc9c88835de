/** A training step in TensorFlow.js on its WASM backend: the same Llama written in its operators, AdamW, clipping. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { serve } from '../serve.ts';

const require = createRequire(path.join(process.env.BENCH_PEERS, 'package.json'));
const tf = require('@tensorflow/tfjs');
const wasm = require('@tensorflow/tfjs-backend-wasm');

const learningRate = 1e-3;
const weightDecay = 0.1;
let step;
let tokens = 0;

await serve({
  async prepare({ folder, ids, config }) {
    wasm.setWasmPaths(path.join(path.dirname(require.resolve('@tensorflow/tfjs-backend-wasm')), path.sep));
    await tf.setBackend('wasm');
    step = trainingStep(readWeights(folder), ids, config);
    tokens = ids.length * ids[0].length;
    return { loss: step(), variant: 'wasm SIMD, one thread', version: `TensorFlow.js ${tf.version.tfjs}` };
  },
  async round({ steps }) {
    const start = performance.now();
    for (let i = 0; i < steps; i++) step();
    return { tokens: tokens * steps, seconds: (performance.now() - start) / 1000 };
  },
});

/** Variables by name from `model.safetensors` in float32. */
function readWeights(folder) {
  const bytes = readFileSync(path.join(folder, 'model.safetensors'));
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, start));
  const weights = {};
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const [from, to] = entry.data_offsets;
    const at = bytes.byteOffset + start;
    const values = new Float32Array(bytes.buffer.slice(at + from, at + to));
    weights[name] = tf.variable(tf.tensor(values, entry.shape), true, name);
  }
  return weights;
}

function trainingStep(weights, ids, config) {
  const oneHot = tokens => tf.cast(tf.oneHot(tf.tensor1d(tokens, 'int32'), config.vocabSize), 'float32');
  const inputs = oneHot(ids.flat());
  const targets = oneHot(ids.flatMap(row => row.slice(1)));
  const tables = attentionTables(ids[0].length, config);
  const optimizer = tf.train.adam(learningRate, 0.9, 0.999, 1e-8);
  const loss = () => {
    const logits = llama(weights, inputs, tables, [ids.length, ids[0].length], config);
    const used = tf.reshape(tf.slice(logits, [0, 0, 0], [-1, ids[0].length - 1, -1]), [-1, config.vocabSize]);
    return tf.mean(tf.sub(tf.logSumExp(used, -1), tf.sum(tf.mul(used, targets), -1)));
  };
  return () =>
    tf.tidy(() => {
      const { value, grads } = tf.variableGrads(loss);
      const squares = Object.values(grads).map(gradient => tf.sum(tf.square(gradient)));
      const scale = tf.minimum(1, tf.div(1, tf.sqrt(tf.addN(squares))));
      for (const [name, gradient] of Object.entries(grads)) {
        grads[name] = tf.mul(gradient, scale);
        const weight = weights[name];
        if (weight.rank > 1) weight.assign(tf.mul(weight, 1 - learningRate * weightDecay));
      }
      optimizer.applyGradients(grads);
      return value.dataSync()[0];
    });
}

/** Rotations (T, headDim/2) and the causal mask (T, T). */
function attentionTables(time, { headDim, ropeTheta }) {
  const half = headDim / 2;
  const angles = Array.from({ length: time }, (_, t) =>
    Array.from({ length: half }, (_, i) => t / ropeTheta ** (i / half)),
  );
  const of = compute => tf.tensor2d(angles.map(row => row.map(compute)));
  const mask = Array.from({ length: time }, (_, t) => Array.from({ length: time }, (_, s) => (s > t ? -1e9 : 0)));
  return { cos: of(Math.cos), sin: of(Math.sin), mask: tf.tensor2d(mask) };
}

/** One-hot tokens (B·T, V) → logits (B, T, V). */
function llama(weights, inputs, tables, [batch, time], config) {
  const { hiddenSize, heads, headDim } = config;
  const linear = (x, name) => tf.matMul(x, weights[`${name}.weight`], false, true);
  const norm = (x, name) =>
    tf.mul(tf.mul(x, tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), config.rmsNormEps))), weights[`${name}.weight`]);
  const split = x => tf.transpose(tf.reshape(x, [batch, time, heads, headDim]), [0, 2, 1, 3]);
  const rotate = x => {
    const [a, b] = tf.split(x, 2, -1);
    const { cos, sin } = tables;
    return tf.concat([tf.sub(tf.mul(a, cos), tf.mul(b, sin)), tf.add(tf.mul(b, cos), tf.mul(a, sin))], -1);
  };
  let x = tf.matMul(inputs, weights['model.embed_tokens.weight']);
  for (let i = 0; i < config.layers; i++) {
    const at = `model.layers.${i}`;
    const h = norm(x, `${at}.input_layernorm`);
    const q = rotate(split(linear(h, `${at}.self_attn.q_proj`)));
    const k = rotate(split(linear(h, `${at}.self_attn.k_proj`)));
    const v = split(linear(h, `${at}.self_attn.v_proj`));
    const scores = tf.add(tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(headDim)), tables.mask);
    const mixed = tf.reshape(tf.transpose(tf.matMul(tf.softmax(scores), v), [0, 2, 1, 3]), [-1, hiddenSize]);
    x = tf.add(x, linear(mixed, `${at}.self_attn.o_proj`));
    const m = norm(x, `${at}.post_attention_layernorm`);
    const gate = linear(m, `${at}.mlp.gate_proj`);
    const inner = tf.mul(tf.mul(gate, tf.sigmoid(gate)), linear(m, `${at}.mlp.up_proj`));
    x = tf.add(x, linear(inner, `${at}.mlp.down_proj`));
  }
  return tf.reshape(linear(norm(x, 'model.norm'), 'lm_head'), [batch, time, config.vocabSize]);
}
