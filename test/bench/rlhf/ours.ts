/** Our side: the product's own recipe in a process of its own, one step at a time when asked. */
import { createGenerator } from '../../../src/language-model/generate.ts';
import { score } from '../../../src/language-model/score.ts';
import { trainPolicy } from '../../../src/training/policyGradient.ts';
import type { RecipeHost } from '../../../src/training/recipe.ts';
import type { Answer, EncodedPrompt } from '../../../src/training/rollout.ts';
import { ActorProcesses, sharedThreads } from '../../../src/worker/actorPool.ts';
import { serve } from '../engine/serve.ts';
import type { Case } from './cases.ts';
import { loadModel } from './models.ts';
import type { Step } from './run.ts';

export interface Request {
  readonly case: Case;
  readonly folder: string;
  readonly prompts: readonly EncodedPrompt[];
  readonly threads: number;
}

/** Lets the recipe do one step whenever it is asked for one, and tells how long its parts took. */
class SteppingHost implements RecipeHost {
  #atStart = true;
  #started = 0;
  #sampled = 0;
  #go: (() => void) | undefined;
  #finished: ((step: Step) => void) | undefined;
  #ready!: () => void;
  #failed!: (error: unknown) => void;
  /** When the recipe waits to be asked for its first step. */
  readonly ready = new Promise<void>((resolve, reject) => {
    this.#ready = resolve;
    this.#failed = reject;
  });
  tokens = 0;

  step(): Promise<Step> {
    return new Promise((resolve, reject) => {
      this.#finished = resolve;
      this.#failed = reject;
      this.#go!();
    });
  }

  fail = (error: unknown): void => this.#failed(error);

  /** The recipe asks for the reward at the end of its rollout. */
  reward = async (answers: readonly Answer[]): Promise<number[]> => {
    this.#sampled = performance.now();
    this.tokens = answers.reduce((total, { ids }) => total + ids.length, 0);
    return answers.map(({ ids }) => ids.filter(id => id % 2 === 0).length / ids.length);
  };

  async breathe(): Promise<boolean> {
    if (!this.#atStart) return false;
    this.#atStart = false;
    const asked = new Promise<void>(resolve => {
      this.#go = resolve;
    });
    this.#ready();
    await asked;
    this.#started = performance.now();
    return false;
  }

  progress(): void {
    const now = performance.now();
    this.#atStart = true;
    this.#finished?.({
      rollout: (this.#sampled - this.#started) / 1000,
      update: (now - this.#sampled) / 1000,
      tokens: this.tokens,
    });
  }

  phase(): void {}
  metrics(): void {}
  samples(): void {}
  log(): void {}
  async checkpoint(): Promise<void> {}
  async discardCheckpoint(): Promise<number> {
    return 0;
  }
}

let host: SteppingHost;

await serve({
  async prepare({ case: { settings }, folder, prompts, threads }: Request) {
    const { config, weights, tokenizer } = await loadModel(folder);
    const generator = await createGenerator({ config, weights, threads });
    const [first, second] = [prompts[0]!, prompts[1]!];
    const [scored] = await score(generator, [{ prefix: first.ids, continuation: second.ids }]);
    await generator.dispose();
    host = new SteppingHost();
    const { actors } = settings;
    const shared = actors > 0 ? sharedThreads(threads, actors) : { learner: threads, actor: 0 };
    trainPolicy({
      ...(actors > 0
        ? {
            actors: new ActorProcesses({
              count: actors,
              base: folder,
              lora: settings.lora,
              threads: shared.actor,
              host: { log() {} },
            }),
          }
        : {}),
      config,
      weights,
      settings,
      seed: 1,
      prompts,
      heldOut: [],
      reward: host.reward,
      // Nothing ends an answer: everybody writes all the tokens.
      endIds: [],
      decode: ids => tokenizer.decode(ids),
      host,
      threads: shared.learner,
    }).catch(host.fail);
    await host.ready;
    return { logLikelihood: scored!.logLikelihood, version: `Node ${process.versions.node}` };
  },

  step: () => host.step(),

  /** Seconds of the last `timed` of so many steps without a pause. */
  async steps({ leading, timed }: { readonly leading: number; readonly timed: number }) {
    for (let step = 0; step < leading; step++) await host.step();
    const started = performance.now();
    for (let step = 0; step < timed; step++) await host.step();
    return (performance.now() - started) / 1000;
  },
});
