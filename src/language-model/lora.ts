/** Low-rank adapters with the meaning and the names of PEFT. Source: arXiv 2106.09685, huggingface/peft. */
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import type { Rng } from '../base/rng.ts';
import type { ModelConfig } from './config.ts';
import { fanInFanOut, linearLayers } from './model.ts';

export interface LoraConfig {
  /** Rank. */
  readonly r: number;
  /** The change is scaled by alpha/r. */
  readonly alpha: number;
  /** Last parts of module names, such as `q_proj`; `all-linear` means every linear layer but the head. */
  readonly targetModules: readonly string[] | 'all-linear';
  /** Scale by alpha/√r instead (rsLoRA, arXiv 2312.03732). */
  readonly useRslora?: boolean;
  /** Other ranks of some layers: regular expressions of the ends of module paths, the first that fits counts. */
  readonly rankPattern?: Readonly<Record<string, number>>;
  /** The same for alpha. */
  readonly alphaPattern?: Readonly<Record<string, number>>;
}

export const loraScale = ({ r, alpha, useRslora }: Pick<LoraConfig, 'r' | 'alpha' | 'useRslora'>): number =>
  alpha / (useRslora ? Math.sqrt(r) : r);

export const loraNames = (path: string): { readonly a: string; readonly b: string } => ({
  a: `base_model.model.${path}.lora_A.weight`,
  b: `base_model.model.${path}.lora_B.weight`,
});

export interface LoraTarget {
  /** Module path, e.g. `model.layers.0.self_attn.q_proj`. */
  readonly path: string;
  readonly inSize: number;
  readonly outSize: number;
  readonly r: number;
  /** What the change of this layer is multiplied by. */
  readonly scale: number;
}

/** The layers that the adapter changes. Throws a HumanError for a module name that the model does not have. */
export function loraTargets(config: ModelConfig, lora: LoraConfig): LoraTarget[] {
  if (!Number.isInteger(lora.r) || lora.r < 1) {
    throw new HumanError(l10n.t('The rank of an adapter has to be a whole number above 0, not {0}.', lora.r));
  }
  const layers = [...linearLayers(config)].map(([path, [inSize, outSize]]) => {
    const r = patternValue(lora.rankPattern, path) ?? lora.r;
    const alpha = patternValue(lora.alphaPattern, path) ?? lora.alpha;
    return { path, inSize, outSize, r, scale: loraScale({ ...lora, r, alpha }) };
  });
  const { targetModules: wanted } = lora;
  if (wantsAll(wanted)) return layers;
  const matches = (path: string, name: string): boolean => path === name || path.endsWith(`.${name}`);
  for (const name of wanted) {
    if (!layers.some(layer => matches(layer.path, name))) {
      const known = layerNames(config).join(', ');
      throw new HumanError(l10n.t('This model has no layer “{0}” for an adapter. It has: {1}.', name, known));
    }
  }
  return layers.filter(layer => wanted.some(name => matches(layer.path, name)));
}

/** `all-linear`, also as the only entry of a list (a setting that is a list can say it so). */
export function wantsAll(modules: LoraConfig['targetModules']): modules is 'all-linear' {
  return modules === 'all-linear' || (modules.length === 1 && modules[0] === 'all-linear');
}

/** Last parts of the names of all linear layers. */
export const layerNames = (config: ModelConfig): string[] => [
  ...new Set([...linearLayers(config).keys()].map(path => path.split('.').at(-1)!)),
];

/** The value of the first pattern that fits a module path, as PEFT matches them: the whole path, or its end after a dot. */
function patternValue(patterns: Readonly<Record<string, number>> | undefined, path: string): number | undefined {
  for (const [pattern, value] of Object.entries(patterns ?? {})) {
    if (new RegExp(`^(.*\\.)?(${pattern})$`).test(path)) return value;
  }
  return undefined;
}

/** Adapter weight name → shape, in the order of the layers: A (r, in), B (out, r). */
export function loraParameters(config: ModelConfig, lora: LoraConfig): Map<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>();
  for (const { path, inSize, outSize, r } of loraTargets(config, lora)) {
    const names = loraNames(path);
    shapes.set(names.a, [r, inSize]);
    shapes.set(names.b, [outSize, r]);
  }
  return shapes;
}

/** A fresh adapter, which changes nothing yet: A kaiming-uniform with a = √5, that is ±1/√in; B zero. */
export function initialLora(config: ModelConfig, lora: LoraConfig, rng: Rng): Map<string, Float32Array> {
  const weights = new Map<string, Float32Array>();
  for (const [name, shape] of loraParameters(config, lora)) {
    const data = new Float32Array(shape[0]! * shape[1]!);
    if (name.endsWith('.lora_A.weight')) {
      const bound = 1 / Math.sqrt(shape[1]!);
      const stream = rng.stream(name);
      for (let i = 0; i < data.length; i++) data[i] = (2 * stream.next() - 1) * bound;
    }
    weights.set(name, data);
  }
  return weights;
}

/**
 * Base weights with the adapter added in: W + scale·B·A, or its transpose where the family stores (in, out).
 * Layers without an adapter are the same arrays.
 */
export function mergeLora(
  config: ModelConfig,
  weights: ReadonlyMap<string, Float32Array>,
  lora: LoraConfig,
  adapter: ReadonlyMap<string, Float32Array>,
): Map<string, Float32Array> {
  const merged = new Map(weights);
  for (const target of loraTargets(config, lora)) {
    const name = `${target.path}.weight`;
    const base = weights.get(name);
    if (!base) throw new HumanError(l10n.t('The adapter does not fit the model: {0} is missing.', target.path));
    merged.set(name, mergeTarget(config, base, target, adapter));
  }
  return merged;
}

/** One layer's weight with its change added in, as a new array. Throws a HumanError when the adapter lacks its matrices. */
export function mergeTarget(
  config: ModelConfig,
  base: Float32Array,
  { path, inSize, outSize, r, scale }: LoraTarget,
  adapter: ReadonlyMap<string, Float32Array>,
): Float32Array {
  const names = loraNames(path);
  const a = adapter.get(names.a);
  const b = adapter.get(names.b);
  if (!a || !b) throw new HumanError(l10n.t('The adapter does not fit the model: {0} is missing.', path));
  const sum = Float32Array.from(base);
  const [rowStep, columnStep] = fanInFanOut(config) ? [1, outSize] : [inSize, 1];
  for (let row = 0; row < outSize; row++) {
    for (let k = 0; k < r; k++) {
      const factor = scale * b[row * r + k]!;
      if (factor === 0) continue;
      for (let column = 0; column < inSize; column++) {
        sum[row * rowStep + column * columnStep]! += factor * a[k * inSize + column]!;
      }
    }
  }
  return sum;
}
