/** Phrases that start the answer of zero-shot chain of thought, by name, with the accuracy that their papers report. */

export interface Trigger {
  readonly name: string;
  readonly phrase: string;
  /** Percent of MultiArith right with text-davinci-002, as published; absent where nobody published it. */
  readonly multiArith?: number;
  readonly kind: 'instructive' | 'misleading' | 'irrelevant' | 'searched' | 'own';
  readonly source: string;
}

const kojima = 'Kojima et al. 2022, table 4';

/** By kind, best first. Without any trigger the same model had 17.7. */
export const triggers: readonly Trigger[] = [
  {
    name: 'work-this-out',
    phrase: "Let's work this out in a step by step way to be sure we have the right answer.",
    multiArith: 82,
    kind: 'searched',
    source: 'Zhou et al. 2022 (APE), table 7',
  },
  { name: 'step-by-step', phrase: "Let's think step by step.", multiArith: 78.7, kind: 'instructive', source: kojima },
  { name: 'first', phrase: 'First,', multiArith: 77.3, kind: 'instructive', source: kojima },
  {
    name: 'logically',
    phrase: "Let's think about this logically.",
    multiArith: 74.5,
    kind: 'instructive',
    source: kojima,
  },
  {
    name: 'splitting',
    phrase: "Let's solve this problem by splitting it into steps.",
    multiArith: 72.2,
    kind: 'instructive',
    source: kojima,
  },
  {
    name: 'realistic',
    phrase: "Let's be realistic and think step by step.",
    multiArith: 70.8,
    kind: 'instructive',
    source: kojima,
  },
  {
    name: 'detective',
    phrase: "Let's think like a detective step by step.",
    multiArith: 70.3,
    kind: 'instructive',
    source: kojima,
  },
  { name: 'think', phrase: "Let's think", multiArith: 57.5, kind: 'instructive', source: kojima },
  { name: 'dive', phrase: 'Before we dive into the answer,', multiArith: 55.7, kind: 'instructive', source: kojima },
  { name: 'proof', phrase: 'The answer is after the proof.', multiArith: 45.7, kind: 'instructive', source: kojima },
  { name: 'just-feel', phrase: "Don't think. Just feel.", multiArith: 18.8, kind: 'misleading', source: kojima },
  {
    name: 'incorrect-conclusion',
    phrase: "Let's think step by step but reach an incorrect conclusion.",
    multiArith: 18.7,
    kind: 'misleading',
    source: kojima,
  },
  {
    name: 'count-a',
    phrase: 'Let\'s count the number of "a" in the question.',
    multiArith: 16.7,
    kind: 'misleading',
    source: kojima,
  },
  {
    name: 'earth-is-round',
    phrase: 'By using the fact that the earth is round,',
    multiArith: 9.3,
    kind: 'misleading',
    source: kojima,
  },
  {
    name: 'restaurant',
    phrase: 'By the way, I found a good restaurant nearby.',
    multiArith: 17.5,
    kind: 'irrelevant',
    source: kojima,
  },
  { name: 'abrakadabra', phrase: 'Abrakadabra!', multiArith: 15.5, kind: 'irrelevant', source: kojima },
  { name: 'beautiful-day', phrase: "It's a beautiful day.", multiArith: 13.1, kind: 'irrelevant', source: kojima },
  {
    name: 'given-asked',
    phrase: 'What is given and what is asked:',
    kind: 'own',
    source: 'Tunesmith',
  },
  {
    name: 'check-twice',
    phrase: "Let's work through it slowly and check the result before answering.",
    kind: 'own',
    source: 'Tunesmith',
  },
];

/** The text of a trigger's name; any other text stands as it is. */
export const triggerText = (nameOrText: string): string =>
  triggers.find(({ name }) => name === nameOrText)?.phrase ?? nameOrText;
