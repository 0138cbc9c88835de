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
}

export const loraScale = (lora: LoraConfig): number => lora.alpha / (lora.useRslora ? Math.sqrt(lora.r) : lora.r);

export const loraNames = (path: string): { readonly a: string; readonly b: string } => ({
  a: `base_model.model.${path}.lora_A.weight`,
  b: `base_model.model.${path}.lora_B.weight`,
});

export interface LoraTarget {
  /** Module path, e.g. `model.layers.0.self_attn.q_proj`. */
  readonly path: string;
  readonly inSize: number;
  readonly outSize: number;
}

/** The layers that the adapter changes. Throws a HumanError for a module name that the model does not have. */
export function loraTargets(config: ModelConfig, lora: LoraConfig): LoraTarget[] {
  if (!Number.isInteger(lora.r) || lora.r < 1) {
    throw new HumanError(l10n.t('The rank of an adapter has to be a whole number above 0, not {0}.', lora.r));
  }
  const layers = [...linearLayers(config)].map(([path, [inSize, outSize]]) => ({ path, inSize, outSize }));
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
function wantsAll(modules: LoraConfig['targetModules']): modules is 'all-linear' {
  return modules === 'all-linear' || (modules.length === 1 && modules[0] === 'all-linear');
}

/** Last parts of the names of all linear layers. */
const layerNames = (config: ModelConfig): string[] => [
  ...new Set([...linearLayers(config).keys()].map(path => path.split('.').at(-1)!)),
];

/** Adapter weight name → shape, in the order of the layers: A (r, in), B (out, r). */
export function loraParameters(config: ModelConfig, lora: LoraConfig): Map<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>();
  for (const { path, inSize, outSize } of loraTargets(config, lora)) {
    const names = loraNames(path);
    shapes.set(names.a, [lora.r, inSize]);
    shapes.set(names.b, [outSize, lora.r]);
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

/** Base weights with the adapter added in: W + scale·B·A, or its transpose where the family stores (in, out). Layers without an adapter are the same arrays. */
export function mergeLora(
  config: ModelConfig,
  weights: ReadonlyMap<string, Float32Array>,
  lora: LoraConfig,
  adapter: ReadonlyMap<string, Float32Array>,
): Map<string, Float32Array> {
  const merged = new Map(weights);
  const scale = loraScale(lora);
  for (const { path, inSize, outSize } of loraTargets(config, lora)) {
    const names = loraNames(path);
    const base = weights.get(`${path}.weight`);
    const a = adapter.get(names.a);
    const b = adapter.get(names.b);
    if (!base || !a || !b) throw new HumanError(l10n.t('The adapter does not fit the model: {0} is missing.', path));
    const sum = Float32Array.from(base);
    const [rowStep, columnStep] = fanInFanOut(config) ? [1, outSize] : [inSize, 1];
    for (let row = 0; row < outSize; row++) {
      for (let k = 0; k < lora.r; k++) {
        const factor = scale * b[row * lora.r + k]!;
        if (factor === 0) continue;
        for (let column = 0; column < inSize; column++) {
          sum[row * rowStep + column * columnStep]! += factor * a[k * inSize + column]!;
        }
      }
    }
    merged.set(`${path}.weight`, sum);
  }
  return merged;
}

/** The `adapter_config.json` that PEFT reads. */
export function formatAdapterConfig(
  lora: LoraConfig,
  options: {
    readonly base: string;
    readonly taskType: 'CAUSAL_LM' | 'SEQ_CLS';
    /** The base model. */
    readonly model: ModelConfig;
  },
): Record<string, unknown> {
  return {
    peft_type: 'LORA',
    task_type: options.taskType,
    base_model_name_or_path: options.base,
    r: lora.r,
    lora_alpha: lora.alpha,
    lora_dropout: 0,
    bias: 'none',
    fan_in_fan_out: fanInFanOut(options.model),
    use_rslora: lora.useRslora ?? false,
    // Spelled out: `all-linear` means something else to PEFT where a model has a score head.
    target_modules: wantsAll(lora.targetModules) ? layerNames(options.model) : [...lora.targetModules],
    modules_to_save: options.taskType === 'SEQ_CLS' ? ['score'] : null,
    rank_pattern: {},
    alpha_pattern: {},
    inference_mode: true,
  };
}

/** Reads an `adapter_config.json`. Throws a HumanError for an adapter that would compute something else here. */
export function parseAdapterConfig(json: unknown, file: string): LoraConfig {
  const refuse = (message: string): HumanError => new HumanError(message, { place: { file } });
  const fields = (typeof json === 'object' && json !== null ? json : {}) as Record<string, unknown>;
  if (fields.peft_type !== 'LORA') {
    throw refuse(l10n.t('Only LoRA adapters are supported, not “{0}”.', String(fields.peft_type ?? '')));
  }
  const { r, lora_alpha: alpha, target_modules: modules } = fields;
  if (typeof r !== 'number' || !Number.isInteger(r) || r < 1 || r > 4096) {
    throw refuse(l10n.t('r has to be a whole number from 1 to 4096, not {0}.', String(r)));
  }
  if (typeof alpha !== 'number' || !Number.isFinite(alpha)) throw refuse(l10n.t('lora_alpha has to be a number.'));
  const empty = (value: unknown): boolean =>
    value == null || value === false || (typeof value === 'object' && Object.keys(value).length === 0);
  // fan_in_fan_out says how the base stores its matrices, which the base's own family decides (as in PEFT).
  for (const name of ['use_dora', 'rank_pattern', 'alpha_pattern', 'layers_to_transform']) {
    if (!empty(fields[name])) throw refuse(l10n.t('This adapter uses {0}, which is not supported.', name));
  }
  if (fields.bias !== undefined && fields.bias !== 'none') {
    throw refuse(l10n.t('This adapter uses {0}, which is not supported.', 'bias'));
  }
  const list = Array.isArray(modules) && modules.every(name => typeof name === 'string') ? modules : undefined;
  if (modules !== 'all-linear' && (!list || list.length === 0)) {
    throw refuse(l10n.t('target_modules has to be a list of layer names.'));
  }
  return { r, alpha, targetModules: list ?? 'all-linear', ...(fields.use_rslora === true ? { useRslora: true } : {}) };
}
