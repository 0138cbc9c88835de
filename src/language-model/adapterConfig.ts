/** `adapter_config.json`: how PEFT writes down what an adapter is. Source: huggingface/peft, `LoraConfig`. */
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import type { ModelConfig } from './config.ts';
import { type LoraConfig, layerNames, wantsAll } from './lora.ts';
import { fanInFanOut } from './model.ts';

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
    rank_pattern: { ...lora.rankPattern },
    alpha_pattern: { ...lora.alphaPattern },
    inference_mode: true,
  };
}

type Fields = Readonly<Record<string, unknown>>;
type Refuse = (message: string) => HumanError;

/** Fields that change what is computed and are not understood here. */
const UNSUPPORTED = [
  'use_dora',
  'use_qalora',
  'target_parameters',
  'trainable_token_indices',
  'layer_replication',
  'alora_invocation_tokens',
  'lora_bias',
  'use_bdlora',
  'monteclora_config',
  'arrow_config',
  'kasa_config',
] as const;

/** Ways to begin that leave the base model as it is; others take the adapter's beginning out of the base. */
const PLAIN_STARTS: readonly unknown[] = [undefined, null, true, false, 'gaussian', 'eva', 'orthogonal'];

/**
 * Reads an `adapter_config.json`. `adapted` are the paths of the modules that the adapter's file has matrices for: they
 * count where the configuration names its targets by a pattern. Throws a HumanError for an adapter that would compute
 * something else here.
 */
export function parseAdapterConfig(json: unknown, file: string, adapted: readonly string[] = []): LoraConfig {
  const refuse: Refuse = message => new HumanError(message, { place: { file } });
  const fields = (typeof json === 'object' && json !== null ? json : {}) as Fields;
  if (fields.peft_type !== 'LORA') {
    throw refuse(l10n.t('Only LoRA adapters are supported, not “{0}”.', String(fields.peft_type ?? '')));
  }
  const { r, lora_alpha: alpha } = fields;
  if (!isRank(r)) throw refuse(l10n.t('{0} has to be a whole number from 1 to 4096, not {1}.', 'r', String(r)));
  if (!isAlpha(alpha)) throw refuse(l10n.t('lora_alpha has to be a number.'));
  // fan_in_fan_out says how the base stores its matrices, which the base's own family decides (as in PEFT).
  for (const name of UNSUPPORTED) {
    if (!isEmpty(fields[name])) throw refuse(l10n.t('This adapter uses {0}, which is not supported.', name));
  }
  if (fields.bias !== undefined && fields.bias !== 'none') {
    throw refuse(l10n.t('This adapter uses {0}, which is not supported.', 'bias'));
  }
  if (!PLAIN_STARTS.includes(fields.init_lora_weights)) {
    const name = `init_lora_weights: ${String(fields.init_lora_weights)}`;
    throw refuse(l10n.t('This adapter uses {0}, which is not supported.', name));
  }
  const rankPattern = parsePattern(fields, 'rank_pattern', isRank, refuse);
  const alphaPattern = parsePattern(fields, 'alpha_pattern', isAlpha, refuse);
  return {
    r,
    alpha,
    targetModules: parseTargets(fields, adapted, refuse),
    ...(fields.use_rslora === true ? { useRslora: true } : {}),
    ...(rankPattern ? { rankPattern } : {}),
    ...(alphaPattern ? { alphaPattern } : {}),
  };
}

const isRank = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 4096;
const isAlpha = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
const isEmpty = (value: unknown): boolean =>
  value == null || value === false || (typeof value === 'object' && Object.keys(value).length === 0);

function parseTargets(fields: Fields, adapted: readonly string[], refuse: Refuse): LoraConfig['targetModules'] {
  const { target_modules: modules } = fields;
  const narrowed = !isEmpty(fields.exclude_modules) || !isEmpty(fields.layers_to_transform);
  if (!narrowed && modules === 'all-linear') return 'all-linear';
  const list = Array.isArray(modules) && modules.every(name => typeof name === 'string') ? modules : undefined;
  if (!narrowed && list && list.length > 0) return list;
  if ((narrowed || typeof modules === 'string') && adapted.length > 0) return adapted;
  throw refuse(l10n.t('target_modules has to be a list of layer names.'));
}

/** A text that people write for patterns; more could keep the matcher busy without end. */
const MAX_PATTERN = 200;
const MAX_PATTERNS = 10_000;
/** A repeated group that holds a repetition, or a reference back: what makes matching slow. */
const SLOW = /\([^)]*[*+{][^)]*\)[*+{?]|\\[1-9]/;

function parsePattern(
  fields: Fields,
  name: string,
  isValue: (value: unknown) => value is number,
  refuse: Refuse,
): Record<string, number> | undefined {
  const value = fields[name];
  if (isEmpty(value)) return undefined;
  if (typeof value !== 'object' || Array.isArray(value)) throw refuse(l10n.t('{0} has to be a JSON object.', name));
  const entries = Object.entries(value as object);
  if (entries.length > MAX_PATTERNS) throw refuse(l10n.t('{0} has more than {1} entries.', name, MAX_PATTERNS));
  const found: Record<string, number> = {};
  for (const [pattern, number] of entries) {
    if (!isValue(number)) throw refuse(l10n.t('{0} has an impossible value for “{1}”.', name, pattern));
    if (pattern.length > MAX_PATTERN || SLOW.test(pattern) || !compiles(pattern)) {
      throw refuse(l10n.t('The pattern “{0}” in {1} is not supported.', pattern.slice(0, MAX_PATTERN), name));
    }
    found[pattern] = number;
  }
  return found;
}

function compiles(pattern: string): boolean {
  try {
    new RegExp(`^(.*\\.)?(${pattern})$`);
    return true;
  } catch {
    return false;
  }
}
