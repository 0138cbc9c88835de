/** The actors of a job: processes that sample answers beside its learner, each a part of every request. */
import { type ChildProcess, fork } from 'node:child_process';
import * as v from 'valibot';
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import type { GenerateRequest } from '../language-model/generate.ts';
import type { LoraConfig } from '../language-model/lora.ts';
import { ActorReplySchema, type ActorRequest } from '../protocol/actor.ts';
import type { ActorPool, SampledSequence } from '../training/actors.ts';
import type { RecipeHost } from '../training/recipe.ts';
import { siblingProgram, yieldTo } from './siblingProgram.ts';

export interface ActorOptions {
  readonly count: number;
  /** Path of the base model. */
  readonly base: string;
  readonly lora: LoraConfig;
  /** Of each actor. */
  readonly threads: number;
  readonly host: Pick<RecipeHost, 'log'>;
}

/** Deaths of one actor without an answer between them, after which the job ends. */
const mostDeaths = 3;

/**
 * Threads of the learner and of each of `actors` on a processor with `threads`. The learner has all of them: where it leaves a core
 * idle, between two operators or at its end, an actor takes it.
 */
export const sharedThreads = (
  threads: number,
  actors: number,
): { readonly learner: number; readonly actor: number } => ({
  learner: threads,
  actor: Math.max(1, Math.floor(threads / actors)),
});

export class ActorProcesses implements ActorPool {
  readonly #actors: readonly ActorProcess[];

  /** The processes start at once and read the model by themselves. */
  constructor(options: ActorOptions) {
    this.#actors = Array.from({ length: options.count }, () => new ActorProcess(options));
  }

  async sample(
    requests: readonly GenerateRequest[],
    weights: ReadonlyMap<string, Float32Array>,
  ): Promise<readonly SampledSequence[]> {
    const size = Math.ceil(requests.length / this.#actors.length);
    const parts = await Promise.all(
      this.#actors.map((actor, index) => {
        const part = requests.slice(index * size, (index + 1) * size);
        return part.length === 0 ? [] : actor.sample(part, weights);
      }),
    );
    return parts.flat();
  }

  dispose(): void {
    for (const actor of this.#actors) actor.dispose();
  }
}

interface Waiting {
  readonly request: Extract<ActorRequest, { method: 'sample' }>;
  done(sequences: readonly SampledSequence[]): void;
  failed(error: Error): void;
}

/** One process. When it dies it is started anew and asked again: the same request gives the same answers. */
class ActorProcess {
  readonly #options: ActorOptions;
  #child: ChildProcess;
  #waiting: Waiting | undefined;
  /** Why it answers no more. */
  #broken: HumanError | undefined;
  /** The weights that the process has. */
  #held: ReadonlyMap<string, Float32Array> | undefined;
  #deaths = 0;
  #nextId = 1;
  #disposed = false;

  constructor(options: ActorOptions) {
    this.#options = options;
    this.#child = this.#start();
  }

  sample(
    requests: readonly GenerateRequest[],
    weights: ReadonlyMap<string, Float32Array>,
  ): Promise<readonly SampledSequence[]> {
    return new Promise((done, failed) => {
      if (this.#broken) return failed(this.#broken);
      const request = {
        method: 'sample' as const,
        id: this.#nextId++,
        weights: new Map(weights),
        requests: requests.map(({ prompt, stream, options: { temperature, maxNewTokens, seed, endIds } }) => ({
          prompt: Array.from(prompt),
          stream,
          options: { temperature, maxNewTokens, seed, endIds: [...(endIds ?? [])] },
        })),
      };
      this.#waiting = { request, done, failed };
      const { weights: _, ...withoutWeights } = request;
      this.#send(this.#held === weights ? withoutWeights : request);
      this.#held = weights;
    });
  }

  dispose(): void {
    this.#disposed = true;
    this.#child.kill('SIGKILL');
  }

  /** One that is dead or about to be is sent everything again when it is known. */
  #send(request: ActorRequest): void {
    this.#child.send(request, () => {});
  }

  #start(): ChildProcess {
    const { base, lora, threads } = this.#options;
    const child = fork(siblingProgram('actor'), [], {
      env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
      execArgv: [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      serialization: 'advanced',
    });
    child.on('message', message => this.#receive(message));
    child.once('exit', () => this.#died());
    child.once('error', () => {});
    child.once('spawn', () => yieldTo(child.pid));
    const open: ActorRequest = { method: 'open', base, lora: plainLora(lora), threads };
    child.send(open, () => {});
    return child;
  }

  #receive(message: unknown): void {
    const reply = v.parse(ActorReplySchema, message);
    const waiting = this.#waiting;
    if (reply.type === 'failed') this.#break(new HumanError(l10n.t('An actor cannot go on: {0}', reply.message)));
    if (reply.type !== 'sampled' || reply.id !== waiting?.request.id) return;
    this.#waiting = undefined;
    this.#deaths = 0;
    waiting.done(reply.sequences);
  }

  #break(error: HumanError): void {
    this.#broken = error;
    this.#waiting?.failed(error);
    this.#waiting = undefined;
  }

  #died(): void {
    if (this.#disposed) return;
    this.#deaths++;
    if (this.#deaths >= mostDeaths) {
      this.#break(
        new HumanError(
          l10n.t(
            'An actor ended {0} times without an answer; the computer may be short of memory. Use fewer actors, or none.',
            this.#deaths,
          ),
        ),
      );
      return;
    }
    this.#options.host.log('warning', l10n.t('An actor ended unexpectedly and is started again.'));
    this.#child = this.#start();
    this.#held = undefined;
    if (this.#waiting) this.#send(this.#waiting.request);
  }
}

const plainLora = ({ targetModules, ...rest }: LoraConfig) => ({
  ...rest,
  targetModules: targetModules === 'all-linear' ? targetModules : [...targetModules],
});
