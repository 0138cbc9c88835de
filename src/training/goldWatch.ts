/**
 * A gold beside the proxy: a second reward that is only measured, on the answers to the fixed prompts, and never trained on (Gao,
 * Schulman & Hilton 2022). It says when the policy was best, and when to stop.
 */
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import { mean, standardDeviation } from './math/normalise.ts';
import type { RecipeCheckpoint } from './recipe.ts';
import type { RewardFunction } from './rollout.ts';

export interface GoldOptions {
  readonly score: RewardFunction;
  /** Evaluations in a row without a new highest mean after which training ends; undefined never ends it. */
  readonly patience?: number;
  /** The weights of the evaluation with the highest mean are what comes out. */
  readonly restoreBest: boolean;
}

/** What one look at the fixed prompts found: of the same answers all. */
export interface GoldEvaluation {
  readonly step: number;
  readonly gold: readonly number[];
  readonly proxy: readonly number[];
  /** Nats of each answer, k1. */
  readonly kl: readonly number[];
}

type Weights = ReadonlyMap<string, Float32Array>;

const prefix = 'best:';

/** Keeps what was best so far. Equal means keep the earlier weights, which are nearer to the base. */
export class GoldWatch {
  readonly #options: GoldOptions;
  #first = 0;
  #last = 0;
  #best = { step: 0, mean: Number.NEGATIVE_INFINITY };
  #weights: Weights = new Map();
  #since = 0;

  /** `resume`: a checkpoint of a run with the same options. */
  constructor(options: GoldOptions, resume?: RecipeCheckpoint) {
    this.#options = options;
    // A run that was stopped before its first step measures the base again.
    if (!resume || resume.step === 0) return;
    const kept = resume.values.gold as { first: number; last: number; step: number; mean: number; since: number };
    if (!kept) throw new HumanError(l10n.t('The checkpoint is incomplete. Start the job again from the beginning.'));
    this.#first = kept.first;
    this.#last = kept.last;
    this.#best = { step: kept.step, mean: kept.mean };
    this.#since = kept.since;
    this.#weights = new Map(
      [...resume.arrays].flatMap(([name, values]) =>
        name.startsWith(prefix) ? [[name.slice(prefix.length), values] as const] : [],
      ),
    );
  }

  /** Metrics of an evaluation. `weights` are those that gave it; they are copied where they are the best. */
  note({ step, gold, proxy, kl }: GoldEvaluation, weights: Weights): Record<string, number> {
    const now = mean(gold);
    if (step === 0) this.#first = now;
    this.#last = now;
    if (now > this.#best.mean) {
      this.#best = { step, mean: now };
      this.#since = 0;
      if (this.#options.restoreBest) {
        this.#weights = new Map([...weights].map(([name, values]) => [name, values.slice()]));
      }
    } else this.#since++;
    return {
      'gold/mean': now,
      'gold/std': standardDeviation(gold),
      'gold/proxy_mean': mean(proxy),
      'gold/proxy_std': standardDeviation(proxy),
      'gold/kl': mean(kl),
      'gold/best_step': this.#best.step,
    };
  }

  /** The peak is behind by as many evaluations as patience allows. */
  get past(): boolean {
    const { patience } = this.#options;
    return patience !== undefined && this.#since >= patience;
  }

  /** The weights to go back to, where they are not those of `step`. */
  better(step: number): { readonly step: number; readonly weights: Weights } | undefined {
    const { restoreBest } = this.#options;
    return restoreBest && this.#best.step !== step ? { step: this.#best.step, weights: this.#weights } : undefined;
  }

  /** Under `gold` of a checkpoint's values, and its arrays. */
  get values(): Readonly<Record<string, unknown>> {
    const { step, mean } = this.#best;
    return { gold: { first: this.#first, last: this.#last, step, mean, since: this.#since } };
  }

  get arrays(): Weights {
    return new Map([...this.#weights].map(([name, values]) => [prefix + name, values]));
  }

  /** Metrics of the result; `written` is the step whose weights come out. */
  result(written: number): Record<string, number> {
    return {
      gold_before: this.#first,
      gold_best: this.#best.mean,
      gold_best_step: this.#best.step,
      gold_last: this.#last,
      gold_after: written === this.#best.step ? this.#best.mean : this.#last,
      written_step: written,
    };
  }
}
