/** Models that run on this computer, in the inference process, as text generators. */
import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { isAbort } from '../base/errors.ts';
import type { Generation } from '../core/generation.ts';
import type {
  GenerateContext,
  GenerateRequest,
  ModelDescription,
  ScoreContext,
  Scored,
  ScoreRequest,
  TextGenerator,
} from '../core/textGenerator.ts';
import type { InferenceProcess, InferenceResult, LoadedModel, ModelLocation } from '../jobs/inferenceProcess.ts';

/** Requests of one batch: more gain little and take memory for their caches. */
const BatchSize = 32;

/** Milliseconds for which what a model's files were is taken for what they are. */
const IdentityHolds = 10_000;

/** Repeats of one prompt that get a stream of random numbers each. */
const RepeatsOfPrompt = 1_000_000;

/**
 * Which random numbers a sample draws. The prompt is part of the key: with the repeat alone, all rows of a run would draw
 * the same numbers and begin alike. FNV-1a over the prompt's characters; the result is a safe integer.
 */
export function sampleStream(prompt: GenerateRequest['prompt'], repeat: number): number {
  const parts =
    prompt.kind === 'text' ? [prompt.text] : prompt.messages.flatMap(({ role, content }) => [role, content]);
  let hash = 0x811c9dc5;
  for (const char of parts.join('\0')) hash = Math.imul(hash ^ char.codePointAt(0)!, 0x01000193);
  return (hash >>> 0) * RepeatsOfPrompt + (repeat % RepeatsOfPrompt);
}

export class LocalModel implements TextGenerator {
  readonly location: ModelLocation;
  readonly #inference: InferenceProcess;
  #model: ModelDescription;
  #identity: { readonly at: number; readonly known: Promise<string> } | undefined;

  constructor(model: ModelDescription, location: ModelLocation, inference: InferenceProcess) {
    this.#model = model;
    this.location = location;
    this.#inference = inference;
  }

  /** Context length and chat template are certain once the model was loaded. */
  get model(): ModelDescription {
    return this.#model;
  }

  /** Reads the model's files now, for those who want to know what is wrong with them, or want the first answer sooner. */
  async load(onProgress?: (message: string, fraction?: number) => void): Promise<LoadedModel> {
    return this.#learn(await this.#inference.load(this.location, { onProgress }));
  }

  async generate(request: GenerateRequest, context: GenerateContext = {}): Promise<Generation> {
    const [generation] = await this.generateAll([request], {
      signal: context.signal,
      onDelta: (_, text) => context.onDelta?.(text),
    });
    return generation!;
  }

  async generateAll(
    requests: readonly GenerateRequest[],
    context: { readonly signal?: AbortSignal; readonly onDelta?: (index: number, text: string) => void } = {},
  ): Promise<Generation[]> {
    const generations: Generation[] = [];
    for (let start = 0; start < requests.length; start += BatchSize) {
      const batch = requests.slice(start, start + BatchSize);
      generations.push(...(await this.#batch(batch, start, context)));
    }
    return generations;
  }

  /** Read again after a while: a model may be trained anew under its name. */
  identity(): Promise<string> {
    const now = performance.now();
    if (!this.#identity || now - this.#identity.at > IdentityHolds) {
      const known = this.#inference.identity(this.location);
      this.#identity = { at: now, known };
      known.catch(() => {
        this.#identity = undefined;
      });
    }
    return this.#identity.known;
  }

  async score(items: readonly ScoreRequest[], context: ScoreContext = {}): Promise<Scored[]> {
    const scored: Scored[] = [];
    for (let start = 0; start < items.length; start += BatchSize) {
      const batch = items.slice(start, start + BatchSize);
      const { items: part, loaded } = await this.#inference.ask(
        this.location,
        'score',
        {
          items: batch.map(({ prompt, continuation }) => ({ prompt: copyPrompt(prompt), continuation })),
          alternatives: context.alternatives ?? 0,
        },
        { signal: context.signal },
      );
      this.#learn(loaded);
      scored.push(...part);
    }
    return scored;
  }

  async countTokens(texts: readonly string[]): Promise<number[]> {
    const { counts, loaded } = await this.#inference.ask(this.location, 'count', { texts: [...texts] });
    this.#learn(loaded);
    return counts;
  }

  async embed(texts: readonly string[]): Promise<readonly (readonly number[])[]> {
    const { vectors, loaded } = await this.#inference.ask(this.location, 'embed', { texts: [...texts] });
    this.#learn(loaded);
    return vectors;
  }

  /** The exact text that the model is given for a prompt, and its length in tokens. */
  async renderPrompt(prompt: GenerateRequest['prompt']): Promise<{ readonly text: string; readonly tokens: number }> {
    const { text, tokens } = await this.#inference.ask(this.location, 'render', { prompt: copyPrompt(prompt) });
    return { text, tokens };
  }

  async #batch(
    batch: readonly GenerateRequest[],
    start: number,
    context: { readonly signal?: AbortSignal; readonly onDelta?: (index: number, text: string) => void },
  ): Promise<Generation[]> {
    const began = performance.now();
    try {
      const { items, loaded } = await this.#inference.ask(
        this.location,
        'generate',
        {
          items: batch.map(({ prompt, options, repeat }) => ({
            prompt: copyPrompt(prompt),
            options: { ...options, stopSequences: [...options.stopSequences] },
            stream: sampleStream(prompt, repeat),
          })),
          alternatives: Math.max(...batch.map(request => request.logProbs?.alternatives ?? -1)),
        },
        { signal: context.signal, onDelta: (item, text) => context.onDelta?.(start + item, text) },
      );
      this.#learn(loaded);
      return batch.map((request, index) => this.#generation(request, items[index]!, loaded));
    } catch (error) {
      const { signal } = context;
      if (!signal?.aborted || !(isAbort(error) || error === signal.reason)) throw error;
      const latencyMs = performance.now() - began;
      return batch.map(({ options, repeat }) => ({
        text: '',
        finishReason: 'cancelled',
        latencyMs,
        model: this.#model.id,
        options,
        repeat,
      }));
    }
  }

  #generation(
    { options, repeat, logProbs }: GenerateRequest,
    item: InferenceResult<'generate'>['items'][number],
    loaded: LoadedModel,
  ): Generation {
    const { text, finishReason, promptTokens, completionTokens, tokens, latencyMs, firstTokenMs } = item;
    return {
      text,
      finishReason,
      usage: { promptTokens, completionTokens },
      tokens: logProbs ? tokens : undefined,
      latencyMs,
      firstTokenMs,
      model: this.#model.id,
      revision: loaded.revision,
      options,
      repeat,
    };
  }

  #learn(loaded: LoadedModel): LoadedModel {
    const { contextLength, chat } = loaded;
    if (this.#model.contextLength !== contextLength || this.#model.chat !== chat) {
      this.#model = { ...this.#model, contextLength, chat };
    }
    return loaded;
  }
}

const copyPrompt = (prompt: GenerateRequest['prompt']) =>
  prompt.kind === 'text' ? prompt : { ...prompt, messages: [...prompt.messages] };

/** Whether a path may be a model: a `.gguf` file, or a folder with `config.json`. */
export async function looksLikeModel(path: string): Promise<boolean> {
  try {
    if ((await stat(path)).isFile()) return path.toLowerCase().endsWith('.gguf');
    return (await stat(join(path, 'config.json'))).isFile();
  } catch {
    return false;
  }
}

/** What a model's small files tell before its weights are read. */
export async function peekModel(path: string): Promise<{ readonly contextLength?: number; readonly chat: boolean }> {
  if (path.toLowerCase().endsWith('.gguf')) return { chat: true };
  const read = async (name: string): Promise<Record<string, unknown>> => {
    try {
      const value: unknown = JSON.parse(await readFile(join(path, name), 'utf8'));
      return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
    } catch {
      return {};
    }
  };
  const config = await read('config.json');
  const tokenizer = await read('tokenizer_config.json');
  const positions = config.max_position_embeddings ?? config.n_positions;
  const template = await stat(join(path, 'chat_template.jinja')).then(
    () => true,
    () => tokenizer.chat_template !== undefined,
  );
  return { contextLength: typeof positions === 'number' ? positions : undefined, chat: template };
}

/** `SmolLM2-135M-Instruct` from `…/SmolLM2-135M-Instruct/` or `….gguf`; the repository's name from a Hugging Face cache. */
export function modelNameOf(path: string): string {
  const cached = /models--[^/\\]+--([^/\\]+)[/\\]snapshots[/\\][^/\\]+[/\\]?$/.exec(path);
  return cached?.[1] ?? basename(path).replace(/\.gguf$/i, '');
}
