/** The settings of RLHF: of all its algorithms, and of each. */
import { l10n } from '../../base/l10n.ts';
import { type SettingDescription, sharedSettings } from './sharedSettings.ts';

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
    ...actors(),
    ...sharedSettings(),
  ];
}

/** Of processes that sample beside the learner. */
const actors = (): SettingDescription[] => [
  {
    key: 'actors',
    label: l10n.t('Actors'),
    doc: l10n.t(
      'Processes that sample the answers of coming rounds while the model is updated; 0 does one after the other. Each holds the model once more and works on the cores that the updates leave idle: on two cores a round took about a twelfth less time.',
    ),
    type: 'integer',
    minimum: 0,
    maximum: 64,
  },
  {
    key: 'actorLag',
    label: l10n.t('Updates behind'),
    doc: l10n.t(
      'How many updates old the model may be that an actor samples from; what it would give more or less often by now is weighed accordingly. 0 makes the learner wait.',
    ),
    type: 'integer',
    minimum: 0,
    maximum: 64,
  },
  {
    key: 'actorOrder',
    label: l10n.t('Model of the actors'),
    doc: l10n.t(
      'fixed is always as many updates old, so that a run can be repeated; newest takes the newest model there is, which is nearer to the one that learns.',
    ),
    type: 'choice',
    choices: ['fixed', 'newest'],
  },
  {
    key: 'importanceCap',
    label: l10n.t('Highest importance'),
    doc: l10n.t(
      'Cap of the weight of an answer that the model gives more often by now than when it was sampled; a lower one is steadier.',
    ),
    type: 'number',
    minimum: 1,
    maximum: 1000,
  },
];

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

export const rlhf = (): SettingDescription[] => online([...rewardKl(), ...clipped()], comparedSamples());

export const expert = (): SettingDescription[] =>
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

export const grpo = (): SettingDescription[] =>
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

export const reinforce = (): SettingDescription[] =>
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

export const ppo = (): SettingDescription[] =>
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
