/** What a description of a setting says, and the settings that all kinds of jobs have. */
import { l10n } from '../../base/l10n.ts';

export interface SettingDescription {
  /** Path in the settings object: `learningRate`, `lora.r`. */
  readonly key: string;
  readonly label: string;
  /** One sentence: what it does and when to change it. */
  readonly doc: string;
  readonly type: 'integer' | 'number' | 'number-or-none' | 'list' | 'choice';
  /** What a `choice` may be. */
  readonly choices?: readonly string[];
  /** Of a list: entries; 1 where absent. */
  readonly minimum?: number;
  readonly maximum?: number;
}

/** Settings of all kinds: the optimizer, how a step is computed, and the adapter. */
export function sharedSettings(): SettingDescription[] {
  return [
    {
      key: 'learningRate',
      label: l10n.t('Learning rate'),
      doc: l10n.t('Size of the steps of AdamW at its highest. Lower it when the loss jumps.'),
      type: 'number',
      minimum: 0,
      maximum: 1,
    },
    {
      key: 'weightDecay',
      label: l10n.t('Weight decay'),
      doc: l10n.t('How strongly AdamW pulls the trained weights towards zero.'),
      type: 'number',
      minimum: 0,
      maximum: 1,
    },
    {
      key: 'maxGradNorm',
      label: l10n.t('Gradient clipping'),
      doc: l10n.t('Gradients longer than this are shortened to it.'),
      type: 'number',
      minimum: 0,
    },
    {
      key: 'warmupRatio',
      label: l10n.t('Warm-up'),
      doc: l10n.t('Share of the steps over which the learning rate rises from zero.'),
      type: 'number',
      minimum: 0,
      maximum: 1,
    },
    {
      key: 'baseProducts',
      label: l10n.t('Base products'),
      doc: l10n.t(
        'What the frozen base is multiplied in while training: float32 is exact, int8 is faster for models of 100 million weights or more and rounds.',
      ),
      type: 'choice',
      choices: ['float32', 'int8'],
    },
    {
      key: 'recompute',
      label: l10n.t('Recompute layers'),
      doc: l10n.t(
        'Computes each layer a second time for its gradients instead of keeping what it held: needs less memory and about a quarter more time. It does not change what is learned.',
      ),
      type: 'choice',
      choices: ['off', 'on'],
    },
    {
      key: 'lora.r',
      label: l10n.t('LoRA rank'),
      doc: l10n.t('Width of the adapter: higher learns more and needs more memory.'),
      type: 'integer',
      minimum: 1,
      maximum: 256,
    },
    {
      key: 'lora.alpha',
      label: l10n.t('LoRA alpha'),
      doc: l10n.t('The adapter counts alpha ÷ rank times.'),
      type: 'number',
      minimum: 0,
    },
    {
      key: 'lora.targetModules',
      label: l10n.t('LoRA modules'),
      doc: l10n.t(
        'Which linear layers get an adapter, by the names of the model’s modules; all-linear means all of them.',
      ),
      type: 'list',
    },
  ];
}
