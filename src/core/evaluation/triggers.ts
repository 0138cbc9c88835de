/** Phrases that start a chain of thought without examples, with what they reached where they were compared. */

export interface Trigger {
  readonly phrase: string;
  /** Accuracy on MultiArith with text-davinci-002, in percent. */
  readonly multiArith: number;
  readonly source: string;
}

/** Kojima et al. 2022 (arXiv 2205.11916, table of templates) and Zhou et al. 2022 (arXiv 2211.01910). */
export const triggers: readonly Trigger[] = [
  {
    phrase: "Let's work this out in a step by step way to be sure we have the right answer.",
    multiArith: 82,
    source: 'APE',
  },
  { phrase: "Let's think step by step.", multiArith: 78.7, source: 'Kojima' },
  { phrase: 'First,', multiArith: 77.3, source: 'Kojima' },
  { phrase: "Let's think about this logically.", multiArith: 74.5, source: 'Kojima' },
  { phrase: "Let's solve this problem by splitting it into steps.", multiArith: 72.2, source: 'Kojima' },
  { phrase: "Let's be realistic and think step by step.", multiArith: 70.8, source: 'Kojima' },
  { phrase: "Let's think like a detective step by step.", multiArith: 70.3, source: 'Kojima' },
  { phrase: "Let's think", multiArith: 57.5, source: 'Kojima' },
  { phrase: 'Before we dive into the answer,', multiArith: 55.7, source: 'Kojima' },
  { phrase: 'The answer is after the proof.', multiArith: 45.7, source: 'Kojima' },
];
