/** What each setting of a job means: the one place from which command-line help, the editor's forms and the docs come. */
import * as v from 'valibot';
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import {
  type DpoSettings,
  DpoSettingsSchema,
  type ExpertSettings,
  ExpertSettingsSchema,
  type GrpoSettings,
  GrpoSettingsSchema,
  type JobSpecification,
  type KtoSettings,
  KtoSettingsSchema,
  type PpoSettings,
  PpoSettingsSchema,
  type ReinforceSettings,
  ReinforceSettingsSchema,
  type RewardSettings,
  RewardSettingsSchema,
  type RlhfSettings,
  type RlooSettings,
  RlooSettingsSchema,
  type SftSettings,
  SftSettingsSchema,
} from './job.ts';

export interface SettingDescription {
  /** Path in the settings object: `learningRate`, `lora.r`. */
  readonly key: string;
  readonly label: string;
  /** One sentence: what it does and when to change it. */
  readonly doc: string;
  readonly type: 'integer' | 'number' | 'number-or-none' | 'list' | 'choice';
  /** What a `choice` may be. */
  readonly choices?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
}

export interface SettingsOf {
  readonly sft: SftSettings;
  readonly reward: RewardSettings;
  readonly dpo: DpoSettings;
  readonly kto: KtoSettings;
  /** RLOO. */
  readonly rlhf: RlooSettings;
  readonly grpo: GrpoSettings;
  readonly reinforce: ReinforceSettings;
  readonly ppo: PpoSettings;
  readonly expert: ExpertSettings;
}
export type SettingsKind = keyof SettingsOf;

/** The kinds whose jobs are RLHF, each with an algorithm of its own. */
export type OnlineKind = 'rlhf' | 'grpo' | 'reinforce' | 'ppo' | 'expert';

/** The kind of settings that a job has. */
export const settingsKindOf = (job: Pick<JobSpecification, 'kind'> & { readonly settings: object }): SettingsKind => {
  if (job.kind !== 'rlhf') return job.kind;
  const { algorithm } = job.settings as RlhfSettings;
  return algorithm === 'rloo' ? 'rlhf' : algorithm;
};

const schemas: { readonly [K in SettingsKind]: v.GenericSchema<unknown, SettingsOf[K]> } = {
  sft: SftSettingsSchema,
  reward: RewardSettingsSchema,
  dpo: DpoSettingsSchema,
  kto: KtoSettingsSchema,
  rlhf: RlooSettingsSchema,
  grpo: GrpoSettingsSchema,
  reinforce: ReinforceSettingsSchema,
  ppo: PpoSettingsSchema,
  expert: ExpertSettingsSchema,
};

/** Settings of all kinds: the optimizer, how a step is computed, and the adapter. */
function shared(): SettingDescription[] {
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

function reward(): SettingDescription[] {
  return [
    {
      key: 'epochs',
      label: l10n.t('Epochs'),
      doc: l10n.t('How often every pair is seen.'),
      type: 'number',
      minimum: 0.1,
      maximum: 1000,
    },
    {
      key: 'batchSize',
      label: l10n.t('Batch size'),
      doc: l10n.t('Pairs of one step of the optimizer.'),
      type: 'integer',
      minimum: 1,
      maximum: 4096,
    },
    {
      key: 'centerRewardsCoefficient',
      label: l10n.t('Reward centring'),
      doc: l10n.t('Weight of the term that keeps the rewards of a pair around zero; 0 leaves it out.'),
      type: 'number',
      minimum: 0,
    },
    heldOutShare(),
    {
      key: 'maxLength',
      label: l10n.t('Longest pair'),
      doc: l10n.t('Tokens of prompt and answer together; longer pairs are left out and counted.'),
      type: 'integer',
      minimum: 8,
      maximum: 131072,
    },
    ...shared(),
  ];
}

const heldOutShare = (): SettingDescription => ({
  key: 'heldOutShare',
  label: l10n.t('Held-out share'),
  doc: l10n.t('Share of the prompts kept out of training, on which the accuracy is measured.'),
  type: 'number',
  minimum: 0,
  maximum: 0.9,
});

const sft = (): SettingDescription[] => given(l10n.t('Examples of one step of the optimizer.'));

/** Settings of what learns from given answers and a reference; `own` is what the loss adds. */
function offline(own: readonly SettingDescription[]): SettingDescription[] {
  return [
    ...own,
    {
      key: 'beta',
      label: l10n.t('Beta (β)'),
      doc: l10n.t(
        'How much the distance to the frozen base counts: a small β lets the model go far from it, a large one holds it near.',
      ),
      type: 'number',
      minimum: 0.0001,
      maximum: 100,
    },
    ...given(l10n.t('Pairs (or labelled answers) of one step of the optimizer.')),
  ];
}

/** Settings of what learns from given answers. */
function given(batchSize: string): SettingDescription[] {
  return [
    {
      key: 'epochs',
      label: l10n.t('Epochs'),
      doc: l10n.t('How often every row of the data is seen.'),
      type: 'number',
      minimum: 0.1,
      maximum: 1000,
    },
    {
      key: 'batchSize',
      label: l10n.t('Batch size'),
      doc: batchSize,
      type: 'integer',
      minimum: 1,
      maximum: 4096,
    },
    {
      key: 'microBatchSize',
      label: l10n.t('Rows at once'),
      doc: l10n.t(
        'Answers that one pass through the model holds; lower it when memory runs short. It does not change what is learned.',
      ),
      type: 'integer',
      minimum: 2,
      maximum: 4096,
    },
    heldOutShare(),
    {
      key: 'maxLength',
      label: l10n.t('Longest row'),
      doc: l10n.t('Tokens of prompt and answer together; longer rows are left out and counted.'),
      type: 'integer',
      minimum: 8,
      maximum: 131072,
    },
    ...shared(),
  ];
}

const dpo = (): SettingDescription[] =>
  offline([
    {
      key: 'loss',
      label: l10n.t('Loss'),
      doc: l10n.t('sigmoid is DPO; ipo averages over tokens and stops at a fixed margin, which overfits less.'),
      type: 'choice',
      choices: ['sigmoid', 'ipo'],
    },
    {
      key: 'labelSmoothing',
      label: l10n.t('Label smoothing'),
      doc: l10n.t('Share of the preferences that are taken to be wrong (cDPO); for the sigmoid loss only.'),
      type: 'number',
      minimum: 0,
      maximum: 0.49,
    },
  ]);

const kto = (): SettingDescription[] =>
  offline([
    {
      key: 'desirableWeight',
      label: l10n.t('Weight of good answers'),
      doc: l10n.t('What a good answer counts. Raise it when there are fewer good answers than bad ones.'),
      type: 'number',
      minimum: 0,
      maximum: 100,
    },
    {
      key: 'undesirableWeight',
      label: l10n.t('Weight of bad answers'),
      doc: l10n.t('What a bad answer counts. Raise it when there are fewer bad answers than good ones.'),
      type: 'number',
      minimum: 0,
      maximum: 100,
    },
  ]);

/** Settings of what learns from its own answers; `own` is what the algorithm adds. */
function online(own: readonly SettingDescription[], samples: SettingDescription): SettingDescription[] {
  return [
    {
      key: 'steps',
      label: l10n.t('Steps'),
      doc: l10n.t('Rounds of sampling answers, scoring them and updating the model.'),
      type: 'integer',
      minimum: 1,
      maximum: 1_000_000,
    },
    {
      key: 'promptsPerStep',
      label: l10n.t('Prompts a step'),
      doc: l10n.t('Different prompts in each round.'),
      type: 'integer',
      minimum: 1,
      maximum: 4096,
    },
    samples,
    {
      key: 'microBatchSize',
      label: l10n.t('Rows at once'),
      doc: l10n.t(
        'Answers that one pass through the model holds; lower it when memory runs short. It does not change what is learned.',
      ),
      type: 'integer',
      minimum: 1,
      maximum: 4096,
    },
    {
      key: 'temperature',
      label: l10n.t('Temperature'),
      doc: l10n.t('Of the sampled answers; the same temperature is used when their probabilities are computed.'),
      type: 'number',
      minimum: 0.05,
      maximum: 10,
    },
    {
      key: 'maxNewTokens',
      label: l10n.t('Longest answer'),
      doc: l10n.t('Tokens after which an answer is cut off.'),
      type: 'integer',
      minimum: 1,
      maximum: 131072,
    },
    ...own,
    {
      key: 'missingEosScore',
      label: l10n.t('Score without an end'),
      doc: l10n.t('Score of an answer that was cut off before its end token; none leaves it the score that it earned.'),
      type: 'number-or-none',
    },
    {
      key: 'evaluateEvery',
      label: l10n.t('Samples every'),
      doc: l10n.t('Steps between two looks at the answers to fixed held-out prompts.'),
      type: 'integer',
      minimum: 1,
    },
    {
      key: 'evaluationPrompts',
      label: l10n.t('Sample prompts'),
      doc: l10n.t('How many fixed prompts are answered before, during and after.'),
      type: 'integer',
      minimum: 0,
      maximum: 4096,
    },
    {
      key: 'checkpointEvery',
      label: l10n.t('Checkpoint every'),
      doc: l10n.t('Steps between two checkpoints, from which a stopped job goes on.'),
      type: 'integer',
      minimum: 1,
    },
    ...shared(),
  ];
}

const klPenalty = (estimators: readonly string[]): SettingDescription[] => [
  {
    key: 'beta',
    label: l10n.t('KL penalty (β)'),
    doc: l10n.t('How much each nat of distance from the frozen base costs. Raise it when answers degenerate.'),
    type: 'number',
    minimum: 0,
  },
  {
    key: 'klEstimator',
    label: l10n.t('KL estimator'),
    doc: l10n.t(
      'Of the log-ratio l of a token to the base: k1 is l, k2 is l²/2, k3 is exp(−l) − 1 + l. k1 and k3 are right in the mean, k2 and k3 are never negative.',
    ),
    type: 'choice',
    choices: estimators,
  },
];
const rewardKl = (): SettingDescription[] => klPenalty(['k1', 'k2', 'k3']);

const comparedSamples = (): SettingDescription => ({
  key: 'samplesPerPrompt',
  label: l10n.t('Samples of a prompt'),
  doc: l10n.t('Answers to each prompt; each is compared with the mean of the others.'),
  type: 'integer',
  minimum: 2,
  maximum: 256,
});

const clipped = (): SettingDescription[] => [
  {
    key: 'clipRange',
    label: l10n.t('Clip range (ε)'),
    doc: l10n.t('How far one update may change the probability of an answer before it stops counting.'),
    type: 'number',
    minimum: 0,
    maximum: 1,
  },
  {
    key: 'updatesPerRollout',
    label: l10n.t('Updates a round'),
    doc: l10n.t('Updates from the same sampled answers.'),
    type: 'integer',
    minimum: 1,
    maximum: 64,
  },
  {
    key: 'targetKl',
    label: l10n.t('Target KL of a round'),
    doc: l10n.t(
      'Ends the updates of a round once the policy is this many nats from the one that sampled it (a token; an answer with rlhf); none does all updates.',
    ),
    type: 'number-or-none',
    minimum: 0.000001,
    maximum: 1000,
  },
];

const rlhf = (): SettingDescription[] => online([...rewardKl(), ...clipped()], comparedSamples());

const expert = (): SettingDescription[] =>
  online(
    [
      {
        key: 'keepBest',
        label: l10n.t('Best answers kept'),
        doc: l10n.t('How many of the answers to a prompt are imitated, the best first.'),
        type: 'integer',
        minimum: 1,
        maximum: 256,
      },
      {
        key: 'minimumScore',
        label: l10n.t('Lowest score kept'),
        doc: l10n.t('Answers below it are not imitated, however they compare; none asks for no score.'),
        type: 'number-or-none',
      },
      clipped()[1]!,
    ],
    { ...comparedSamples(), doc: l10n.t('Answers to each prompt, of which the best are imitated.') },
  );

const grpo = (): SettingDescription[] =>
  online(
    [
      ...klPenalty(['k2', 'k3']),
      {
        key: 'aggregation',
        label: l10n.t('Aggregation'),
        doc: l10n.t(
          'How tokens count: grpo gives every answer the same weight, dapo and bnpo every token, dr_grpo divides by the longest answer.',
        ),
        type: 'choice',
        choices: ['grpo', 'bnpo', 'dr_grpo', 'dapo'],
      },
      {
        key: 'scaleRewards',
        label: l10n.t('Scale of rewards'),
        doc: l10n.t(
          'Whether advantages are divided by the spread of the prompt’s rewards, of the whole round’s, or not.',
        ),
        type: 'choice',
        choices: ['group', 'batch', 'none'],
      },
      ...clipped(),
      {
        key: 'clipRangeHigh',
        label: l10n.t('Clip range upwards'),
        doc: l10n.t('Another clip range for tokens that become likelier (as DAPO); none takes the clip range.'),
        type: 'number-or-none',
        minimum: 0,
        maximum: 10,
      },
    ],
    comparedSamples(),
  );

const reinforce = (): SettingDescription[] =>
  online(
    [
      ...rewardKl(),
      {
        key: 'baseline',
        label: l10n.t('Baseline'),
        doc: l10n.t(
          'mean subtracts the mean reward of the round, which makes the steps less noisy; none takes rewards as they are.',
        ),
        type: 'choice',
        choices: ['none', 'mean'],
      },
    ],
    { ...comparedSamples(), doc: l10n.t('Answers to each prompt.'), minimum: 1 },
  );

const ppo = (): SettingDescription[] =>
  online(
    [
      ...rewardKl(),
      ...clipped(),
      {
        key: 'gamma',
        label: l10n.t('Discount (γ)'),
        doc: l10n.t('What a reward counts one token earlier; 1 counts it fully.'),
        type: 'number',
        minimum: 0,
        maximum: 1,
      },
      {
        key: 'lambda',
        label: l10n.t('GAE (λ)'),
        doc: l10n.t('1 trusts rewards, 0 trusts the critic’s values; between them advantages are less noisy.'),
        type: 'number',
        minimum: 0,
        maximum: 1,
      },
      {
        key: 'valueClipRange',
        label: l10n.t('Clip range of values'),
        doc: l10n.t('How far the updates of a round may move a value before they stop counting.'),
        type: 'number',
        minimum: 0,
        maximum: 1000,
      },
      {
        key: 'valueWeight',
        label: l10n.t('Weight of the critic'),
        doc: l10n.t('What the loss of the critic counts beside that of the policy.'),
        type: 'number',
        minimum: 0,
        maximum: 100,
      },
      {
        key: 'missingEosPenalty',
        label: l10n.t('Penalty without an end'),
        doc: l10n.t('Taken from the score of an answer that was cut off; none takes nothing.'),
        type: 'number-or-none',
        minimum: 0,
      },
      {
        key: 'klControl',
        label: l10n.t('KL control'),
        doc: l10n.t('fixed keeps the KL penalty as it is; adaptive moves it so that the KL comes near its target.'),
        type: 'choice',
        choices: ['fixed', 'adaptive'],
      },
      {
        key: 'klTarget',
        label: l10n.t('KL target'),
        doc: l10n.t('Nats of a whole answer that the adaptive KL penalty aims at.'),
        type: 'number',
        minimum: 0.0001,
        maximum: 10_000,
      },
      {
        key: 'klHorizon',
        label: l10n.t('KL horizon'),
        doc: l10n.t('Answers over which the adaptive KL penalty changes; a larger one changes it more slowly.'),
        type: 'number',
        minimum: 1,
        maximum: 1_000_000_000,
      },
    ],
    { ...comparedSamples(), doc: l10n.t('Answers to each prompt.'), minimum: 1 },
  );

/** Every number, choice and list of a job's settings, in the order in which forms and help show them. */
export const settingDescriptions = (kind: SettingsKind): SettingDescription[] => descriptions[kind]();

const descriptions: Readonly<Record<SettingsKind, () => SettingDescription[]>> = {
  sft,
  reward,
  dpo,
  kto,
  rlhf,
  grpo,
  reinforce,
  ppo,
  expert,
};

/** The value at a description's key. */
export function getSetting(settings: SettingsOf[SettingsKind], key: string): unknown {
  let value: unknown = settings;
  for (const part of key.split('.')) value = (value as Record<string, unknown> | undefined)?.[part];
  return value;
}

/**
 * The settings with some values replaced, given as text (command line, form). Throws a HumanError that names the setting
 * and its range.
 */
export function withSettings<K extends SettingsKind>(
  kind: K,
  settings: SettingsOf[K],
  changes: Readonly<Record<string, string>>,
): SettingsOf[K] {
  const copy = structuredCopy(settings);
  const known = settingDescriptions(kind);
  for (const [key, text] of Object.entries(changes)) {
    const description = known.find(candidate => candidate.key === key);
    if (!description) throw new HumanError(l10n.t('There is no setting “{0}”.', key));
    const path = key.split('.');
    let target = copy as unknown as Record<string, unknown>;
    for (const part of path.slice(0, -1)) target = target[part] as Record<string, unknown>;
    target[path.at(-1)!] = parseSetting(description, text);
  }
  const schema: v.GenericSchema<unknown, SettingsOf[K]> = schemas[kind];
  return v.parse(schema, copy);
}

/** The value that a text stands for, checked against type and range. */
export function parseSetting(description: SettingDescription, text: string): number | null | string | string[] {
  const { label, type, minimum, maximum, choices = [] } = description;
  const trimmed = text.trim();
  if (type === 'choice') {
    if (choices.includes(trimmed)) return trimmed;
    throw new HumanError(l10n.t('{0} must be one of {1}, not “{2}”.', label, choices.join(', '), text));
  }
  if (type === 'list') {
    const items = trimmed.split(/[\s,]+/).filter(item => item !== '');
    if (items.length === 0) throw new HumanError(l10n.t('{0} must name at least one entry.', label));
    return items;
  }
  if (type === 'number-or-none' && (trimmed === '' || trimmed.toLowerCase() === 'none')) return null;
  const value = trimmed === '' ? Number.NaN : Number(trimmed);
  if (!Number.isFinite(value) || (type === 'integer' && !Number.isInteger(value))) {
    throw new HumanError(
      type === 'integer'
        ? l10n.t('{0} must be a whole number, not “{1}”.', label, text)
        : l10n.t('{0} must be a number, not “{1}”.', label, text),
    );
  }
  if (minimum !== undefined && value < minimum) {
    throw new HumanError(l10n.t('{0} must be at least {1}, not {2}.', label, minimum, value));
  }
  if (maximum !== undefined && value > maximum) {
    throw new HumanError(l10n.t('{0} must be at most {1}, not {2}.', label, maximum, value));
  }
  return value;
}

/** A deep copy of plain data. */
const structuredCopy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;
