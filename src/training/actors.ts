/**
 * Actors and a learner (IMPALA, arXiv 1802.01561): answers of coming steps are sampled elsewhere while the policy learns from
 * those of this one. An answer is at most `lag` updates old; its importance is corrected in the loss (`policyMethods.ts`), as in
 * the decoupled objective of arXiv 2110.00641: the clipped ratio stays that to the policy at the start of the step.
 */
import type { RlhfSettings } from '../core/jobs/job.ts';
import type { GeneratedSequence, GenerateRequest } from '../language-model/generate.ts';

/** Something that samples with adapter weights that it is given, without holding up the learner. */
export interface ActorPool {
  /** A sequence for each request, in their order. Calls are done one after the other. The weights are not changed meanwhile. */
  sample(
    requests: readonly GenerateRequest[],
    weights: ReadonlyMap<string, Float32Array>,
  ): Promise<readonly SampledSequence[]>;
}

export type SampledSequence = Pick<GeneratedSequence, 'tokens' | 'logProbs' | 'finishReason'>;

/** The sequences of a step, and how many updates the policy that sampled them had seen. */
export interface Rollout {
  readonly sequences: readonly SampledSequence[];
  readonly version: number;
}

export type ActorSettings = Pick<RlhfSettings, 'actorLag' | 'actorOrder' | 'steps'>;

const prefix = 'actor:';

/** Has the answers of steps sampled as early as their lag allows. */
export class RolloutsAhead {
  readonly #pool: ActorPool;
  readonly #settings: ActorSettings;
  readonly #requestsOf: (step: number) => readonly GenerateRequest[];
  /** Adapter weights by the number of updates that they have seen. */
  readonly #weights = new Map<number, ReadonlyMap<string, Float32Array>>();
  readonly #rollouts = new Map<number, Promise<Rollout>>();
  #newest = 0;
  #next: number;
  #last: Promise<unknown> = Promise.resolve();

  /** `from` is the first step that is wanted. */
  constructor(
    pool: ActorPool,
    settings: ActorSettings,
    requestsOf: (step: number) => readonly GenerateRequest[],
    from = 0,
  ) {
    this.#pool = pool;
    this.#settings = settings;
    this.#requestsOf = requestsOf;
    this.#next = from;
  }

  /** The policy has seen `version` updates: what may be sampled with these weights begins. They are copied. */
  publish(version: number, weights: ReadonlyMap<string, Float32Array>): void {
    const { actorLag, steps } = this.#settings;
    this.#newest = version;
    this.#weights.set(version, new Map([...weights].map(([name, array]) => [name, array.slice()])));
    for (const old of this.#weights.keys()) if (old < version - actorLag) this.#weights.delete(old);
    for (; this.#next <= Math.min(version + actorLag, steps - 1); this.#next++) this.#begin(this.#next);
  }

  #begin(step: number): void {
    const { actorLag, actorOrder } = this.#settings;
    const rollout = this.#last.then(async (): Promise<Rollout> => {
      const version = actorOrder === 'fixed' ? Math.max(0, step - actorLag) : this.#newest;
      return { sequences: await this.#pool.sample(this.#requestsOf(step), this.weightsOf(version)), version };
    });
    this.#rollouts.set(step, rollout);
    // Its failure is that of the step that takes it.
    this.#last = rollout.catch(() => {});
  }

  /** The answers of a step, once. Its weights have to be published by then. */
  async take(step: number): Promise<Rollout> {
    const rollout = this.#rollouts.get(step);
    if (!rollout) throw new Error(`the answers of step ${step} were not asked for`);
    this.#rollouts.delete(step);
    return rollout;
  }

  weightsOf(version: number): ReadonlyMap<string, Float32Array> {
    const weights = this.#weights.get(version);
    if (!weights) throw new Error(`the weights after ${version} updates are gone`);
    return weights;
  }

  /** What the answers of the coming steps are sampled with, for a checkpoint after `step` updates. */
  arrays(step: number): Map<string, Float32Array> {
    const arrays = new Map<string, Float32Array>();
    if (this.#settings.actorOrder === 'newest') return arrays;
    for (const [version, weights] of this.#weights) {
      if (version >= step || version < step - this.#settings.actorLag) continue;
      for (const [name, array] of weights) arrays.set(`${prefix}${version}:${name}`, array);
    }
    return arrays;
  }

  /** Takes over what `arrays` gave. */
  restore(arrays: ReadonlyMap<string, Float32Array>): void {
    for (const [key, array] of arrays) {
      if (!key.startsWith(prefix)) continue;
      const [, version, ...name] = key.split(':');
      const weights = this.#weights.get(Number(version)) ?? new Map<string, Float32Array>();
      this.#weights.set(Number(version), new Map([...weights, [name.join(':'), array]]));
    }
  }
}
