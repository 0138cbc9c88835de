/** What each setting of a job means: the one place from which command-line help, the editor's forms and the docs come. */
import { l10n } from '../../base/l10n.ts';
import { expert, grpo, ppo, reinforce, rlhf } from './onlineSettings.ts';
import { type SettingDescription, sharedSettings } from './sharedSettings.ts';

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
    {
      key: 'loss',
      label: l10n.t('Loss'),
      doc: l10n.t(
        'What is learned from: bradley-terry takes each pair by itself, plackett-luce each ranking as a whole.',
      ),
      type: 'choice',
      choices: ['bradley-terry', 'plackett-luce'],
    },
    {
      key: 'tieThreshold',
      label: l10n.t('Tie threshold (θ)'),
      doc: l10n.t(
        'Above 1, ties teach that two answers are about as good (Rao and Kupper): the larger, the further apart two tied answers may be. 1 leaves ties out. For bradley-terry only.',
      ),
      type: 'number',
      minimum: 1,
      maximum: 100,
    },
    {
      key: 'maxPairs',
      label: l10n.t('Most pairs'),
      doc: l10n.t(
        'Pairs (or rankings) that are learned from at most, drawn at random by the seed; 0 takes all. What is held out stays the same.',
      ),
      type: 'integer',
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
    ...sharedSettings(),
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

const sft = (): SettingDescription[] => [
  ...given(l10n.t('Examples of one step of the optimizer.')),
  {
    key: 'taskCap',
    label: l10n.t('Cap of a task'),
    doc: l10n.t('Rows of one task in an epoch at most, so that large tasks do not drown small ones; none takes all.'),
    type: 'number-or-none',
    minimum: 1,
  },
  {
    key: 'taskWeights',
    label: l10n.t('Weights of tasks'),
    doc: l10n.t('What a task counts beside the others, such as sums=2; others count 1, and 0 leaves a task out.'),
    type: 'list',
    minimum: 0,
  },
  {
    key: 'holdOutTasks',
    label: l10n.t('Tasks held out'),
    doc: l10n.t(
      'Tasks that are never learned, by name, or how many are chosen; the tuned model is measured on them too.',
    ),
    type: 'list',
    minimum: 0,
  },
  {
    key: 'tuning',
    label: l10n.t('Weights trained'),
    doc: l10n.t(
      'lora trains an adapter beside the frozen model; full trains every weight, which needs about ten times the memory of the weights, gives a model of its own, and wants about a tenth of the learning rate.',
    ),
    type: 'choice',
    choices: ['lora', 'full'],
  },
  {
    key: 'evaluationRows',
    label: l10n.t('Rows answered'),
    doc: l10n.t(
      'Held-out rows that are answered before and after, for exact match and ROUGE-L; as many again of tasks held out.',
    ),
    type: 'integer',
    minimum: 0,
    maximum: 100_000,
  },
  {
    key: 'maxNewTokens',
    label: l10n.t('Longest answer'),
    doc: l10n.t('Tokens after which an answer is cut off.'),
    type: 'integer',
    minimum: 1,
    maximum: 131072,
  },
];

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
    ...sharedSettings(),
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

const descriptions = { sft, reward, dpo, kto, rlhf, grpo, reinforce, ppo, expert };

/** A kind of job, or one of the algorithms of RLHF (`rlhf` is RLOO). */
export type SettingsKind = keyof typeof descriptions;

/** Every number, choice and list of a job's settings, in the order in which forms and help show them. */
export const settingDescriptions = (kind: SettingsKind): SettingDescription[] => descriptions[kind]();
