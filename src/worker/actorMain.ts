/** An actor: samples answers for the learner that started it, with the adapter weights that it is sent. Ends with the learner. */
import * as v from 'valibot';
import { isHumanError } from '../base/errors.ts';
import { createGenerator, type Generator } from '../language-model/generate.ts';
import { type ActorReply, type ActorRequest, ActorRequestSchema } from '../protocol/actor.ts';
import { type BaseModel, openBaseModel } from './baseModel.ts';
import { useLanguageOfStarter } from './language.ts';

type Opening = Extract<ActorRequest, { method: 'open' }>;
type Sampling = Extract<ActorRequest, { method: 'sample' }>;

class Actor {
  readonly #base: BaseModel;
  readonly #opening: Opening;
  /** What the generator reads, changed in place. */
  #weights: ReadonlyMap<string, Float32Array> | undefined;
  #generator: Generator | undefined;

  private constructor(base: BaseModel, opening: Opening) {
    this.#base = base;
    this.#opening = opening;
  }

  static async open(opening: Opening): Promise<Actor> {
    const unread = await openBaseModel({ base: opening.base });
    try {
      return new Actor(await unread.read(), opening);
    } finally {
      await unread.close();
    }
  }

  async sample({ id, weights, requests }: Sampling): Promise<ActorReply> {
    if (weights) this.#take(weights);
    if (!this.#weights) throw new Error('the first request has no weights');
    const { lora, threads } = this.#opening;
    const { config, weights: base } = this.#base;
    this.#generator ??= await createGenerator({
      config,
      weights: base,
      adapter: { config: lora, weights: this.#weights },
      threads,
    });
    const sequences = await this.#generator.generate(requests);
    return {
      type: 'sampled',
      id,
      sequences: sequences.map(({ tokens, logProbs, finishReason }) => ({
        tokens: [...tokens],
        logProbs: [...logProbs],
        finishReason,
      })),
    };
  }

  #take(weights: ReadonlyMap<string, Float32Array>): void {
    this.#weights ??= weights;
    for (const [name, array] of this.#weights) array.set(weights.get(name)!);
  }
}

async function answer(request: ActorRequest): Promise<ActorReply> {
  if (request.method === 'open') {
    actor = await Actor.open(request);
    return { type: 'ready' };
  }
  if (!actor) throw new Error('the actor is not open');
  return actor.sample(request);
}

let actor: Actor | undefined;
let last: Promise<void> = Promise.resolve();
/** Nothing is answered after a failure. */
let failed = false;

if (process.send) {
  useLanguageOfStarter();
  const send = process.send.bind(process) as (reply: ActorReply) => void;
  process.on('disconnect', () => process.exit(0));
  process.on('message', message => {
    last = last.then(async () => {
      if (failed) return;
      try {
        send(await answer(v.parse(ActorRequestSchema, message)));
      } catch (error) {
        failed = true;
        if (!isHumanError(error)) process.stderr.write(`${(error as Error).stack}\n`);
        send({ type: 'failed', message: isHumanError(error) ? error.describe() : String(error) });
      }
    });
  });
}
