/** A model's `config.json`: what the engine computes, checked, or a sentence that says why it cannot. */
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import type { Json } from './configFields.ts';
import { formatGpt2Config, type Gpt2Config, parseGpt2Config } from './gpt2Config.ts';
import { formatLlamaConfig, type LlamaConfig, llamaFamilies, parseLlamaConfig } from './llamaConfig.ts';

/** One family's configuration; `modelType` tells which. */
export type ModelConfig = LlamaConfig | Gpt2Config;

/** Reads a parsed config.json; `file` is named in errors. Throws a HumanError when it is no supported model. */
export function parseModelConfig(json: unknown, file: string): ModelConfig {
  const refuse = (message: string): HumanError => new HumanError(message, { place: { file } });
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw refuse(l10n.t('This is no model configuration: a JSON object is expected.'));
  }
  const fields = json as Json;
  if (fields.model_type === 'gpt2') return parseGpt2Config(fields, refuse);
  const modelType = llamaFamilies.find(family => family === fields.model_type);
  if (modelType) return parseLlamaConfig(fields, modelType, refuse);
  throw refuse(
    l10n.t(
      'Models of the type “{0}” are not supported. Choose a model of one of these types: {1}.',
      String(fields.model_type ?? l10n.t('unknown')),
      [...llamaFamilies, 'gpt2'].join(', '),
    ),
  );
}

/** The config.json that `transformers` reads back as the same model. */
export const formatModelConfig = (config: ModelConfig): Json =>
  config.modelType === 'gpt2' ? formatGpt2Config(config) : formatLlamaConfig(config);
