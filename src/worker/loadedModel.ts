/** A model in memory, as the inference process uses it: prompts to tokens, generation with stop strings, scores. */
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import { StopStrings } from '../core/stopStrings.ts';
import type { Provider } from '../engine/index.ts';
import { embed } from '../language-model/embed.ts';
import {
  createGenerator,
  type GeneratedSequence,
  type Generator,
  type SampledToken,
} from '../language-model/generate.ts';
import { withReplaced } from '../language-model/openAdapter.ts';
import type { WeightPrecision } from '../language-model/quantise.ts';
import { score } from '../language-model/score.ts';
import type { InferenceRequest, InferenceResult, LoadedModel, PrecisionChoice } from '../protocol/inference.ts';
import { encodePromptText } from '../tokenizer/promptText.ts';
import type { Tokenizer, TokenStream } from '../tokenizer/tokenizer.ts';
import { chosenPrecision, type ReadContext, readDecoderWeights } from './decoderWeights.ts';
import { checkModel } from './memoryCheck.ts';
import { type OpenedModel, openModel } from './openModel.ts';

type Request<M extends InferenceRequest['method']> = Extract<InferenceRequest, { method: M }>;
type Prompt = Request<'render'>['prompt'];
type GeneratedItem = InferenceResult<'generate'>['items'][number];

export interface LoadContext extends ReadContext {
  readonly precision: PrecisionChoice;
  /** What the self-test said of writing caches in place. */
  readonly inPlace: boolean;
  readonly provider: Provider;
}

export interface GenerateContext {
  readonly signal: AbortSignal;
  readonly onDelta: (item: number, text: string) => void;
}

export class ModelInMemory {
  readonly description: LoadedModel;
  readonly #tokenizer: Tokenizer;
  readonly #generator: Generator;

  private constructor(description: LoadedModel, tokenizer: Tokenizer, generator: Generator) {
    this.description = description;
    this.#tokenizer = tokenizer;
    this.#generator = generator;
  }

  static async load(
    handle: string,
    location: Request<'load'>['location'],
    context: LoadContext,
  ): Promise<ModelInMemory> {
    const opened = await openModel(location);
    try {
      const precision = chosenPrecision(context.precision, opened.files.parameters);
      checkModel(4 * opened.files.parameters, precision, location.base);
      const generator = await createGeneratorOf(opened, precision, context);
      return new ModelInMemory(describe(handle, opened, precision), opened.tokenizer, generator);
    } catch (error) {
      if (error instanceof RangeError && /allocation|array length|buffer/i.test(error.message)) {
        throw new HumanError(
          l10n.t('There is not enough memory for this model. Close other programs, or choose a smaller model.'),
          {
            cause: error,
            place: { file: location.base },
          },
        );
      }
      throw error;
    } finally {
      await opened.files.close();
    }
  }

  /** The exact text that a prompt becomes, and its tokens. */
  render(prompt: Prompt): { readonly text: string; readonly ids: number[]; readonly begin: boolean } {
    return encodePromptText(this.#tokenizer, prompt);
  }

  count(texts: readonly string[]): number[] {
    return texts.map(text => this.#tokenizer.encode(text).length);
  }

  async generate(request: Request<'generate'>, context: GenerateContext): Promise<InferenceResult<'generate'>> {
    const started = performance.now();
    const prompts = request.items.map(item => this.#prompt(item.prompt));
    const writers = request.items.map(
      (item, i) => new Writer(this.#tokenizer, item.options.stopSequences, started, text => context.onDelta(i, text)),
    );
    const sequences = await this.#generator.generate(
      request.items.map(({ options, stream }, i) => ({
        prompt: prompts[i]!,
        stream,
        options: {
          temperature: options.temperature,
          topP: options.topP,
          topK: options.topK,
          maxNewTokens: options.maxOutputTokens,
          seed: options.seed,
          endIds: this.#tokenizer.endIds,
          alternatives: request.alternatives,
        },
      })),
      { signal: context.signal, onToken: (i, token) => writers[i]!.push(token) },
    );
    return {
      items: sequences.map((sequence, i) =>
        writers[i]!.finish(sequence, prompts[i]!.length, request.alternatives >= 0),
      ),
    };
  }

  async score(request: Request<'score'>, signal: AbortSignal): Promise<InferenceResult<'score'>> {
    const items = request.items.map(({ prompt, continuation }) => {
      const { text, ids, begin } = this.render(prompt);
      const prefix = ids.length > 0 ? ids : this.#start();
      // Tokens may join across the seam: the continuation is what the whole has more than the prefix.
      const whole = this.#tokenizer.encode(text + continuation, { begin });
      const joined = whole.length >= prefix.length && prefix.every((id, i) => whole[i] === id);
      const rest = joined ? whole.slice(prefix.length) : this.#tokenizer.encode(continuation);
      this.#requireRoom(prefix.length + rest.length - 1);
      return { prefix, continuation: rest };
    });
    const alternatives = request.alternatives ?? 0;
    const scored = await this.#generator.inTurn(() => score(this.#generator, items, { signal, alternatives }));
    return {
      items: scored.map(({ logLikelihood, logProbs, ranks, alternatives }, i) => ({
        logLikelihood,
        tokens: logProbs.map((logProb, t) => {
          const others = alternatives[t]!.map(other => ({
            text: this.#tokenizer.show(other.id),
            logProb: other.logProb,
          }));
          const text = this.#tokenizer.show(items[i]!.continuation[t]!);
          return { text, logProb, rank: ranks[t]!, ...(others.length > 0 ? { alternatives: others } : {}) };
        }),
      })),
    };
  }

  async embed(texts: readonly string[], signal: AbortSignal): Promise<InferenceResult<'embed'>> {
    const { contextLength } = this.description;
    const ids = texts.map(text => {
      const tokens = this.#tokenizer.encode(text).slice(0, contextLength);
      return tokens.length > 0 ? tokens : this.#start();
    });
    const vectors = await this.#generator.inTurn(() => embed(this.#generator.decoder, ids, { signal }));
    return { vectors: vectors.map(vector => [...vector]) };
  }

  dispose(): Promise<void> {
    return this.#generator.dispose();
  }

  #prompt(prompt: Prompt): number[] {
    const { ids } = this.render(prompt);
    const tokens = ids.length > 0 ? ids : this.#start();
    this.#requireRoom(tokens.length);
    return tokens;
  }

  /** What an empty prompt begins with. */
  #start(): number[] {
    const end = this.#tokenizer.endIds[0];
    if (end === undefined)
      throw new HumanError(l10n.t('The prompt is empty. Write something for the model to continue.'));
    return [end];
  }

  #requireRoom(tokens: number): void {
    const { contextLength } = this.description;
    if (tokens < contextLength) return;
    throw new HumanError(
      l10n.t(
        'The prompt has {0} tokens, but this model reads at most {1} with its answer. Shorten the prompt.',
        tokens,
        contextLength,
      ),
    );
  }
}

function describe(
  handle: string,
  { files, tokenizer, revision }: OpenedModel,
  precision: WeightPrecision,
): LoadedModel {
  return {
    model: handle,
    architecture: files.config.modelType,
    parameters: files.parameters,
    contextLength: files.config.maxPositions,
    vocabularySize: files.config.vocabSize,
    chat: tokenizer.chatTemplate !== undefined,
    revision,
    precision,
  };
}

async function createGeneratorOf(
  opened: OpenedModel,
  precision: WeightPrecision,
  context: LoadContext,
): Promise<Generator> {
  const { files, adapter } = opened;
  if (adapter?.score) {
    throw new HumanError(
      l10n.t('This is a reward model: it scores answers and cannot write any. Choose a tuned model.'),
      {
        place: { file: adapter.path },
      },
    );
  }
  const weights = await readDecoderWeights(opened, precision, context);
  context.onProgress(l10n.t('Preparing the model'));
  const on = (provider: Provider): Promise<Generator> =>
    createGenerator({
      ...withReplaced(files.config, weights, adapter?.replaced ?? new Map()),
      inPlace: context.inPlace,
      provider,
      ...(adapter ? { adapter: { config: adapter.config, weights: adapter.weights } } : {}),
    });
  // A driver may refuse to a large model what it gave to the one that was measured with.
  return context.provider === 'cpu' ? on('cpu') : on(context.provider).catch(() => on('cpu'));
}

/** Turns the tokens of one sequence into text as they come, holding back what may be a stop string. */
class Writer {
  readonly #tokenizer: Tokenizer;
  readonly #stream: TokenStream;
  readonly #stops: StopStrings;
  readonly #started: number;
  readonly #emit: (text: string) => void;
  readonly #tokens: { readonly token: SampledToken; readonly textBefore: number }[] = [];
  #text = '';
  #decoded = 0;
  #stopped = false;
  #firstTokenMs: number | undefined;
  #lastTokenMs = 0;

  constructor(tokenizer: Tokenizer, stops: readonly string[], started: number, emit: (text: string) => void) {
    this.#tokenizer = tokenizer;
    this.#stream = tokenizer.stream();
    this.#stops = new StopStrings(stops);
    this.#started = started;
    this.#emit = emit;
  }

  push(token: SampledToken): 'stop' | undefined {
    this.#lastTokenMs = performance.now() - this.#started;
    this.#firstTokenMs ??= this.#lastTokenMs;
    const piece = this.#stream.push(token.id);
    this.#tokens.push({ token, textBefore: this.#decoded });
    this.#decoded += piece.length;
    const { text, stopped } = this.#stops.push(piece);
    this.#write(text);
    this.#stopped = stopped;
    return stopped ? 'stop' : undefined;
  }

  finish({ finishReason }: GeneratedSequence, promptTokens: number, withTokens: boolean): GeneratedItem {
    if (!this.#stopped) {
      // A character that was cut off is dropped; bytes that the model itself ended in the middle of one are shown as such.
      const rest = finishReason === 'end' ? this.#stops.push(this.#stream.end()) : { text: '', stopped: false };
      this.#write(rest.text);
      if (!rest.stopped) this.#write(this.#stops.end());
    }
    const kept = this.#tokens.filter(({ token, textBefore }) => {
      if (this.#stopped) return textBefore < this.#text.length;
      return !this.#tokenizer.endIds.includes(token.id);
    });
    const show = (id: number): string => this.#tokenizer.show(id);
    return {
      text: this.#text,
      finishReason: finishReason === 'end' ? 'stop' : finishReason === 'stopped' ? 'stop-sequence' : finishReason,
      promptTokens,
      completionTokens: this.#tokens.length,
      latencyMs: this.#lastTokenMs || performance.now() - this.#started,
      ...(this.#firstTokenMs === undefined ? {} : { firstTokenMs: this.#firstTokenMs }),
      ...(withTokens
        ? {
            tokens: kept.map(({ token: { id, logProb, alternatives } }) => ({
              text: show(id),
              logProb,
              ...(alternatives && alternatives.length > 0
                ? { alternatives: alternatives.map(other => ({ text: show(other.id), logProb: other.logProb })) }
                : {}),
            })),
          }
        : {}),
    };
  }

  #write(text: string): void {
    if (text === '') return;
    this.#text += text;
    this.#emit(text);
  }
}
