/** Renders a template for one input row: messages with spans, worked examples and the reasoning strategy applied. */
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import type { ExampleBank } from '../datasets/bank.ts';
import type { Budget } from '../datasets/budget.ts';
import type { EmbedTexts } from '../datasets/embeddings.ts';
import { type Selected, selectExamples } from '../datasets/selection.ts';
import type { Message } from '../generation.ts';
import { type Shot, withinBudget } from './fitToBudget.ts';
import { isRecord } from './frontMatter.ts';
import { inputValues, type Values } from './inputValues.ts';
import { assemble, isSlot, type SpanParts, type Turn } from './messages.ts';
import type { RenderTemplate } from './pieces.ts';
import { offsetOfLine } from './promptyFile.ts';
import type {
  Diagnostic,
  ExampleSettings,
  RenderedMessage,
  RenderedPrompt,
  SampledStrategy,
  Selection,
  Strategy,
  Template,
  TextRange,
} from './template.ts';
import { defaultAnswer, defaultReasonedAnswer } from './tunesmithSettings.ts';
import { wrapped } from './wrap.ts';

export interface RenderOptions {
  /** Values of the inputs; defaults fill the rest. */
  readonly values: Values;
  /** The bank that `examples.bank` names, read by the caller; absent where it could not be read. */
  readonly bank?: ExampleBank;
  /** Each overrides the template's own setting. */
  readonly strategy?: Strategy;
  readonly shots?: number;
  readonly selection?: Selection;
  readonly exampleSeed?: number;
  /** The chosen examples in a random order of this seed: the same examples, another order. */
  readonly orderSeed?: number;
  /** Vectors of a model, for examples that are compared by them. */
  readonly embed?: EmbedTexts;
  /** Present: examples are cut until the prompt fits. */
  readonly budget?: Budget;
}

export interface RenderOutcome {
  /** Absent where an error stands among the diagnostics. */
  readonly prompt?: RenderedPrompt;
  /** The template's own and those of these values. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Renders through `renderTemplate`, which runs templates where they can be stopped. Rejects only for bugs and cancellation. */
export async function renderPrompt(
  template: Template,
  options: RenderOptions,
  renderTemplate: RenderTemplate,
): Promise<RenderOutcome> {
  const diagnostics: Diagnostic[] = [...template.diagnostics];
  const { values, diagnostics: wrongValues } = inputValues(template, options.values);
  diagnostics.push(...wrongValues);
  const strategy = shownAs(options.strategy ?? template.tunesmith.reasoning.strategy, template);
  const wanted = strategy === 'zero-shot-cot' ? 0 : (options.shots ?? template.tunesmith.examples?.shots ?? 0);
  if (wanted > 0 && !options.bank) {
    const examples = template.tunesmith.examples;
    const message = examples
      ? l10n.t('The example bank “{0}” is not there. Correct the path, or set “shots: 0”.', examples.bank)
      : l10n.t('This template names no example bank. Add “examples” under metadata.tunesmith, or use no shots.');
    if (!diagnostics.some(({ code }) => code === 'missing-bank'))
      diagnostics.push({ severity: 'error', code: 'missing-bank', message, range: examples?.range ?? noRange });
  }
  const { similarity, embeddingModel } = template.tunesmith.examples ?? {};
  if (wanted > 0 && similarity === 'embedding' && !options.embed) {
    const message = l10n.t(
      'Examples are compared by vectors of the model “{0}”, which is not there or gives none. Use a local model, or “similarity: bm25”.',
      embeddingModel ?? '',
    );
    diagnostics.push({ severity: 'error', code: 'render-failed', message, range: template.tunesmith.examples!.range });
  }
  if (hasError(diagnostics)) return { diagnostics };

  const job = new Rendering(template, renderTemplate);
  try {
    const turns = await job.turns({ ...values, shots: [] });
    const question = turns.findLast((turn): turn is RenderedMessage => !isSlot(turn) && turn.role === 'user');
    const selected = wanted > 0 ? await selectFor(template, options, values, wanted, strategy) : undefined;
    const found = await job.examples(selected?.candidates ?? [], strategy, values, question, wanted, options.bank);
    const all = selected ? inOrder(found, await selected.arrange(found.map(shot => shot.index))) : [];
    if (wanted > 0) diagnostics.push(...bankDiagnostics(template, options.bank));
    if (all.length < wanted) {
      const message = l10n.t(
        'Only {0} of {1} examples fit: the bank has no more, or they lack “reasoning”.',
        all.length,
        wanted,
      );
      const range = template.tunesmith.examples?.range ?? noRange;
      diagnostics.push({ severity: 'warning', code: 'too-few-examples', message, range });
    }
    const listed = template.variables.some(use => use.name === 'shots') && !turns.some(isShots);
    // A template that lists its examples itself is rendered again with the rows.
    const build = async (shots: readonly Shot[]): Promise<RenderedPrompt> => {
      const full = listed ? await job.turns({ ...values, shots: shots.map(shot => shot.fields) }) : turns;
      const messages = place(full, listed ? [] : shots.flatMap(shot => shot.messages), values);
      return withStrategy(
        { messages: wrapped(messages, template.wrap), continueLast: false, shots: shots.map(shot => shot.index) },
        strategy,
        template.tunesmith.reasoning.trigger,
      );
    };
    const { prompt, diagnostic } = await withinBudget(template, options.budget, all, build, selected);
    diagnostics.push(...job.found.values());
    if (diagnostic) diagnostics.push(diagnostic);
    return hasError(diagnostics) ? { diagnostics } : { prompt, diagnostics };
  } catch (error) {
    if (!(error instanceof HumanError)) throw error;
    diagnostics.push({ severity: 'error', code: 'render-failed', message: error.message, range: job.rangeOf(error) });
    return { diagnostics };
  }
}

/** What a strategy's first prompt looks like: votes are taken on chains of thought of one kind, the others begin directly. */
export function shownAs(strategy: Strategy, template: Template): SampledStrategy {
  if (strategy === 'self-consistency') return template.tunesmith.reasoning.of;
  return strategy === 'few-shot-cot' || strategy === 'zero-shot-cot' ? strategy : 'direct';
}

const defaultAnswers = new Set([defaultAnswer, defaultReasonedAnswer]);
/** Where a bank is given to a template that names none. */
const noExamples = {
  selection: 'fixed',
  seed: 0,
  similarity: 'bm25',
  lambda: 0.5,
  label: 'answer',
  order: 'selected',
  leakage: 0.8,
} as const;

const noRange: TextRange = { start: 0, end: 0 };
const hasError = (diagnostics: readonly Diagnostic[]): boolean =>
  diagnostics.some(({ severity }) => severity === 'error');
const isShots = (turn: Turn): boolean => isSlot(turn) && turn.slot === 'shots';

interface PreparedBody {
  readonly body: string;
  readonly bodyStart: number;
  readonly carriageReturns: readonly number[];
  readonly slots: ReadonlySet<string>;
  readonly parts: SpanParts;
}

const preparedBodies = new WeakMap<Template, PreparedBody>();

/** What rendering needs of a template whatever the values, made once. */
function preparedBody(template: Template): PreparedBody {
  const known = preparedBodies.get(template);
  if (known) return known;
  // Prompty reads a body from its first visible character on.
  const whole = template.text.slice(template.bodyRange.start, template.bodyRange.end);
  const raw = whole.trimStart();
  const bodyStart = template.bodyRange.start + whole.length - raw.length;
  // Prompts have plain line feeds; offsets of the file are found again through the places of the dropped characters.
  const carriageReturns: number[] = [];
  const body = raw.replace(/\r\n/g, (_, offset: number) => {
    carriageReturns.push(offset - carriageReturns.length);
    return '\n';
  });
  const threads = template.inputs.filter(input => input.kind === 'thread').map(input => input.name);
  const slots = new Set(['shots', ...threads]);
  const prepared = { body, bodyStart, carriageReturns, slots, parts: new Map() };
  preparedBodies.set(template, prepared);
  return prepared;
}

/** Rendering one template with several sets of values. */
class Rendering {
  readonly #template: Template;
  readonly #render: RenderTemplate;
  readonly #body: string;
  readonly #slots: ReadonlySet<string>;
  readonly #carriageReturns: readonly number[];
  readonly #bodyStart: number;
  readonly #parts: SpanParts;

  constructor(template: Template, render: RenderTemplate) {
    this.#template = template;
    this.#render = render;
    const { body, bodyStart, carriageReturns, slots, parts } = preparedBody(template);
    this.#body = body;
    this.#bodyStart = bodyStart;
    this.#carriageReturns = carriageReturns;
    this.#slots = slots;
    this.#parts = parts;
  }

  async turns(variables: Values): Promise<Turn[]> {
    const pieces = await this.#render({ format: this.#template.format, template: this.#body, variables });
    for (const piece of pieces) if (piece.kind === 'undefined') this.#undefined(piece);
    return assemble(pieces, { slots: this.#slots, toFile: offset => this.#toFile(offset), parts: this.#parts });
  }

  /** What rendering met; optional inputs without a value are a warning, everything else that is not there an error. */
  readonly found = new Map<string, Diagnostic>();

  #undefined({ expression, start, end }: { expression: string; start: number; end: number }): void {
    const optional = this.#template.inputs.some(input => input.name === expression);
    const message = optional
      ? l10n.t('The input “{0}” has no value, so nothing stands here.', expression)
      : l10n.t('“{0}” has no value. Correct the name, or write a default.', expression);
    const range = { start: this.#toFile(start), end: this.#toFile(end) };
    const diagnostic = { code: 'undefined-variable', message, range } as const;
    this.found.set(`${start} ${expression}`, { severity: optional ? 'warning' : 'error', ...diagnostic });
  }

  /** Up to `wanted` examples, passing over those that ask the question itself. */
  async examples(
    order: readonly number[],
    strategy: SampledStrategy,
    values: Values,
    question: RenderedMessage | undefined,
    wanted: number,
    bank: ExampleBank | undefined,
  ): Promise<Shot[]> {
    const shots: Shot[] = [];
    for (const index of order) {
      if (shots.length >= wanted) break;
      const row = bank?.rows[index];
      if (!row) continue;
      const fields = row.values;
      const turns = await this.turns({ ...values, ...fields, shots: [] });
      const asked = turns.findLast((turn): turn is RenderedMessage => !isSlot(turn) && turn.role === 'user');
      if (!asked || asked.content === question?.content) continue;
      const settings = this.#template.tunesmith.examples;
      const reasoned = strategy === 'few-shot-cot';
      if (reasoned && (fields.reasoning === undefined || fields.reasoning === null)) continue;
      const answer = await this.#answer(settings, reasoned, fields);
      const shot = shots.length;
      shots.push({
        index,
        fields,
        messages: [
          { ...asked, shot },
          { ...answer, shot },
        ],
      });
    }
    return shots;
  }

  async #answer(settings: ExampleSettings | undefined, reasoned: boolean, fields: Values): Promise<RenderedMessage> {
    const written = (reasoned ? settings?.reasonedAnswer : settings?.answer) ?? '{{ answer }}';
    // Our own words for an example's answer mean its text as it is, also where Mustache would escape it.
    const own = this.#template.format === 'mustache' && defaultAnswers.has(written);
    const source = own ? written.replace(/\{\{ (\w+) \}\}/g, '{{{ $1 }}}') : written;
    const pieces = await this.#render({ format: this.#template.format, template: source, variables: fields });
    const turns = assemble(
      pieces.filter(piece => piece.kind !== 'role'),
      { slots: new Set(), toFile: () => 0 },
    );
    const content = turns.flatMap(turn => (isSlot(turn) ? [] : [turn]))[0];
    if (!content) return { role: 'assistant', content: '', spans: [] };
    const spans = content.spans.map(span => ({
      ...span,
      part: span.part.kind === 'variable' ? { kind: span.part.kind, name: span.part.name } : { kind: 'text' as const },
    }));
    return { role: 'assistant', content: content.content, spans };
  }

  rangeOf(error: HumanError): TextRange {
    const start = this.#toFile(offsetOfLine(this.#body, error.place.line ?? 1));
    const end = this.#template.text.indexOf('\n', start);
    return { start, end: end === -1 ? this.#template.text.length : end };
  }

  #toFile(offset: number): number {
    let low = 0;
    let high = this.#carriageReturns.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#carriageReturns[middle]! < offset) low = middle + 1;
      else high = middle;
    }
    return this.#bodyStart + offset + low;
  }
}

/** The examples for these values, as the template or the caller says. */
function selectFor(
  template: Template,
  options: RenderOptions,
  values: Values,
  shots: number,
  strategy: SampledStrategy,
): Promise<Selected> {
  const settings = template.tunesmith.examples ?? noExamples;
  return selectExamples({
    bank: options.bank!,
    settings: {
      ...settings,
      selection: options.selection ?? settings.selection,
      seed: options.exampleSeed ?? settings.seed,
    },
    inputs: template.inputs.map(({ name }) => name),
    values,
    shots,
    reasoned: strategy === 'few-shot-cot',
    embed: options.embed,
    orderSeed: options.orderSeed,
  });
}

/** Numbers the examples as they stand in the prompt. */
function inOrder(found: readonly Shot[], order: readonly number[]): Shot[] {
  return order.map((index, shot) => {
    const one = found.find(candidate => candidate.index === index)!;
    return { ...one, messages: one.messages.map(message => ({ ...message, shot })) };
  });
}

/** The first example that leaks is named, with the row that it gives away. */
/** What of the bank is passed over. */
function* bankDiagnostics(template: Template, bank: ExampleBank | undefined): Generator<Diagnostic> {
  if (!bank) return;
  const range = template.tunesmith.examples?.range ?? noRange;
  const [leak] = bank.leaks ?? [];
  if (leak) {
    const [index, { line, similarity }] = leak;
    const message = l10n.t(
      '{0} examples say what test rows say and are passed over; the first is line {1} of the bank, {2} % like the row in line {3}.',
      bank.leaks!.size,
      bank.rows[index]!.line,
      Math.floor(similarity * 100),
      line,
    );
    yield { severity: 'warning', code: 'leaked-example', message, range };
  }
  if (bank.badLines) {
    const { count, line, message: reason } = bank.badLines;
    const message = l10n.t(
      'Lines of the bank that cannot be read are passed over: {0}, the first is {1}:{2}: {3}',
      count,
      template.tunesmith.examples?.bank ?? bank.file,
      line,
      reason,
    );
    yield { severity: 'warning', code: 'bad-row', message, range };
  }
}

/** Fills slots. Examples without a slot of their own go before the last user message. */
function place(turns: readonly Turn[], examples: readonly RenderedMessage[], values: Values): RenderedMessage[] {
  const hasSlot = turns.some(isShots);
  const lastUser = turns.findLastIndex(turn => !isSlot(turn) && turn.role === 'user');
  const messages: RenderedMessage[] = [];
  turns.forEach((turn, index) => {
    if (!hasSlot && index === lastUser) messages.push(...examples);
    if (!isSlot(turn)) messages.push(turn);
    else if (turn.slot === 'shots') messages.push(...examples);
    else messages.push(...threadMessages(values[turn.slot], turn.slot));
  });
  return messages;
}

function threadMessages(value: unknown, name: string): RenderedMessage[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((item): RenderedMessage[] => {
    if (!isRecord(item) || typeof item.content !== 'string') return [];
    const role = (['system', 'user', 'assistant'] as const).find(candidate => candidate === item.role);
    if (!role) return [];
    const { content } = item;
    const spans = content === '' ? [] : [{ start: 0, end: content.length, part: { kind: 'variable' as const, name } }];
    return [{ role, content, spans }];
  });
}

function withStrategy(prompt: RenderedPrompt, strategy: SampledStrategy, trigger: string): RenderedPrompt {
  const last = prompt.messages.at(-1);
  // An empty assistant message at the end only says that the model speaks next.
  const messages = last?.role === 'assistant' && last.content === '' ? prompt.messages.slice(0, -1) : prompt.messages;
  const prefilled = messages.at(-1)?.role === 'assistant';
  if (strategy !== 'zero-shot-cot') return { ...prompt, messages, continueLast: prefilled };
  return continued({ ...prompt, messages, continueLast: prefilled }, [trigger]);
}

/** The prompt with texts put at the end of the assistant's unfinished message. */
function continued(prompt: RenderedPrompt, texts: readonly string[]): RenderedPrompt {
  const last = prompt.continueLast ? prompt.messages.at(-1) : undefined;
  let content = last?.content ?? '';
  const spans = [...(last?.spans ?? [])];
  for (const text of texts) {
    if (text === '') continue;
    spans.push({ start: content.length, end: content.length + text.length, part: { kind: 'reasoning' } });
    content += text;
  }
  const message: RenderedMessage = { role: 'assistant', content, spans };
  return {
    ...prompt,
    messages: [...(last ? prompt.messages.slice(0, -1) : prompt.messages), message],
    continueLast: true,
  };
}

/** Second stage of zero-shot chain of thought: the reasoning as the model gave it, then the phrase that asks for the answer. */
export function extractionPrompt(prompt: RenderedPrompt, reasoning: string, extract: string): RenderedPrompt {
  return continued(prompt, [reasoning.trimEnd(), `\n${extract}`]);
}

/** For places that show a conversation as plain messages. */
export const messagesOf = (prompt: RenderedPrompt): Message[] =>
  prompt.messages.map(({ role, content }) => ({ role, content }));
