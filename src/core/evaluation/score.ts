/**
 * Compares given texts by their likelihood: candidates that continue a prompt or stand in it (Winograd schemas, Trinh & Le 2018,
 * arXiv 1806.02847; multiple choice), and the last word of a passage (LAMBADA, Paperno et al. 2016, arXiv 1606.06031).
 */
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import type { GeneratedToken } from '../generation.ts';
import type { ScoreMeasure } from '../prompts/template.ts';
import type { Scored, ScoreRequest, TextGenerator } from '../textGenerator.ts';
import type { ScoredPart, ScoreOptions, ScoreRow } from './scoreTexts.ts';

/** The likelihood of one text; all figures in nats. */
export interface Likelihood {
  /** What was scored; the tokens together. */
  readonly text: string;
  readonly tokens: readonly GeneratedToken[];
  /** Sum of the log-probabilities: log p(text | what stands before it). */
  readonly total: number;
  /** Their mean over tokens. The negative of a cross-entropy; comparable between texts of different length. */
  readonly perToken: number;
  /** The sum over the number of characters: comparable also between tokenizers. */
  readonly perCharacter: number;
}

export interface ScoredCandidate {
  readonly candidate: string;
  /** What decides. */
  readonly likelihood: Likelihood;
  /** The deciding score, nats. */
  readonly score: number;
  /** Softmax of the deciding score among the candidates. With `total` it is what the model believes when all are equally likely beforehand. */
  readonly probability: number;
  /** By the method that does not decide, where the candidate stands inside the text. */
  readonly other?: Likelihood;
  /** Last word: the least likely of its tokens has this place in the vocabulary; absent where the model tells no ranks. */
  readonly rank?: number;
  /** Whether greedy decoding writes just this; undefined where the model tells too little. */
  readonly greedy?: boolean;
}

export interface ScoredRow {
  /** 1-based place among the rows. */
  readonly number: number;
  /** For a reader: what stands before the scored text, with a gap (___) where candidates stand inside it. */
  readonly context: string;
  readonly part: ScoredPart;
  /** In the order given. */
  readonly candidates: readonly ScoredCandidate[];
  /** The most likely candidate; the first of equals. */
  readonly best: number;
  /** The expected candidate. */
  readonly expected?: number;
  /** Candidates: the expected one is best. Last word: greedy decoding writes it. */
  readonly correct?: boolean;
}

interface ScoreContext {
  readonly signal?: AbortSignal;
  /** Likeliest tokens to keep in each place. */
  readonly alternatives?: number;
  /** After each batch; rows in order. */
  readonly onRows?: (rows: readonly ScoredRow[]) => void;
}

/** Texts that are sent together: enough for full batches, few enough for progress. */
const textsTogether = 96;

/** Scores every row's candidates. Throws a HumanError for a model that cannot score, before anything is asked. */
export async function scoreRows(
  generator: TextGenerator,
  rows: readonly ScoreRow[],
  options: ScoreOptions,
  { signal, alternatives, onRows }: ScoreContext = {},
): Promise<ScoredRow[]> {
  requireScores(generator);
  const results: ScoredRow[] = [];
  for (let start = 0; start < rows.length; ) {
    const batch: ScoreRow[] = [];
    for (let texts = 0; start < rows.length && (batch.length === 0 || texts < textsTogether); start++) {
      batch.push(rows[start]!);
      texts += rows[start]!.candidates.length;
    }
    const requests = batch.flatMap(({ candidates }) =>
      candidates.flatMap(({ scored, other }) => (other ? [scored, other] : [scored])),
    );
    signal?.throwIfAborted();
    const answers = (await generator.score(requests, { signal, alternatives }))[Symbol.iterator]();
    const done = batch.map(row => scoredRow(row, options, () => answers.next().value as Scored));
    results.push(...done);
    onRows?.(done);
  }
  return results;
}

type ScoringGenerator = TextGenerator & Required<Pick<TextGenerator, 'score'>>;

/** Throws one sentence for a model that tells no probabilities of given texts. */
export function requireScores(generator: TextGenerator): asserts generator is ScoringGenerator {
  const { model, score } = generator;
  if (score) return;
  throw new HumanError(
    l10n.t(
      '“{0}” does not tell how likely a given text is. Choose a local model, or a server with completions and echo.',
      model.label,
    ),
  );
}

function scoredRow(row: ScoreRow, { by }: ScoreOptions, next: () => Scored): ScoredRow {
  const read = row.candidates.map(({ candidate, scored, other }) => ({
    candidate,
    likelihood: likelihoodOf(scored, next()),
    ...(other ? { other: likelihoodOf(other, next()) } : {}),
  }));
  const scores = read.map(({ likelihood }) => measured(likelihood, by));
  const probabilities = softmax(scores);
  const candidates = read.map(({ candidate, likelihood, other }, i) => {
    const { rank, greedy } = decodingOf(likelihood.tokens);
    return {
      candidate,
      likelihood,
      score: scores[i]!,
      probability: probabilities[i]!,
      ...(other ? { other } : {}),
      ...(rank === undefined ? {} : { rank }),
      ...(greedy === undefined ? {} : { greedy }),
    };
  });
  const best = scores.indexOf(Math.max(...scores));
  const { number, context, part, expected, task } = row;
  const correct = task === 'last-word' ? candidates[0]!.greedy : expected === undefined ? undefined : best === expected;
  return {
    number,
    context,
    part,
    candidates,
    best,
    ...(expected === undefined ? {} : { expected }),
    ...(correct === undefined ? {} : { correct }),
  };
}

function likelihoodOf({ continuation }: ScoreRequest, { logLikelihood, tokens }: Scored): Likelihood {
  return {
    text: continuation,
    tokens,
    total: logLikelihood,
    perToken: logLikelihood / Math.max(1, tokens.length),
    perCharacter: logLikelihood / Math.max(1, [...continuation].length),
  };
}

/** The figure of a likelihood that a measure names. */
export function measured({ total, perToken, perCharacter }: Likelihood, measure: ScoreMeasure): number {
  return { total, 'per-token': perToken, 'per-character': perCharacter }[measure];
}

/** exp(xᵢ) / Σ exp(xⱼ), without overflow. */
export function softmax(values: readonly number[]): number[] {
  const most = Math.max(...values);
  const powers = values.map(value => Math.exp(value - most));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map(power => power / sum);
}

/** What decoding would have done in these places. A server tells no ranks but the likeliest token. */
function decodingOf(tokens: readonly GeneratedToken[]): { rank?: number; greedy?: boolean } {
  const ranks = tokens.map(
    ({ rank, text, alternatives }) => rank ?? (alternatives?.[0]?.text === text ? 1 : undefined),
  );
  const told = tokens.map(({ rank, alternatives }) => rank !== undefined || (alternatives?.length ?? 0) > 0);
  return {
    ...(ranks.every(rank => rank !== undefined) && ranks.length > 0 ? { rank: Math.max(...(ranks as number[])) } : {}),
    ...(told.every(Boolean) && ranks.length > 0 ? { greedy: ranks.every(rank => rank === 1) } : {}),
  };
}
