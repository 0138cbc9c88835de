/** A row's scores as a run keeps them: every figure, without the tokens, which are scored again when someone looks at them. */
import type { Likelihood, ScoredRow } from '../evaluation/score.ts';
import type { ScoreTask } from '../prompts/template.ts';

type KeptLikelihood = Omit<Likelihood, 'tokens'>;

type KeptCandidate = Omit<ScoredRow['candidates'][number], 'likelihood' | 'other'> & {
  readonly likelihood: KeptLikelihood;
  readonly other?: KeptLikelihood;
};

export interface KeptScores extends Omit<ScoredRow, 'number' | 'candidates' | 'correct'> {
  readonly task: ScoreTask;
  readonly candidates: readonly KeptCandidate[];
}

export function keptScores({ number: _, correct: __, candidates, ...row }: ScoredRow, task: ScoreTask): KeptScores {
  return {
    ...row,
    task,
    candidates: candidates.map(({ likelihood, other, ...candidate }) => ({
      ...candidate,
      likelihood: withoutTokens(likelihood),
      ...(other ? { other: withoutTokens(other) } : {}),
    })),
  };
}

const withoutTokens = ({ tokens: _, ...likelihood }: Likelihood): KeptLikelihood => likelihood;

/** The row again. `row` from 0; `correct` as the cell has it. */
export function scoredRowOf(
  { task: _, candidates, ...kept }: KeptScores,
  row: number,
  correct: boolean | undefined,
): ScoredRow {
  return {
    ...kept,
    number: row + 1,
    candidates: candidates.map(({ likelihood, other, ...candidate }) => ({
      ...candidate,
      likelihood: { ...likelihood, tokens: [] },
      ...(other ? { other: { ...other, tokens: [] } } : {}),
    })),
    ...(correct === undefined ? {} : { correct }),
  };
}
