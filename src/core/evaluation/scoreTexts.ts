/** From a template and its rows to the texts that a model scores: what is given, and what follows it. */
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import type { ExampleBank } from '../datasets/bank.ts';
import type { EmbedTexts } from '../datasets/embeddings.ts';
import type { DataRow } from '../datasets/rows.ts';
import type { Message, Prompt } from '../generation.ts';
import type { RenderTemplate } from '../prompts/pieces.ts';
import { firstError } from '../prompts/promptyFile.ts';
import { messagesOf, renderPrompt } from '../prompts/render.ts';
import { candidateTexts, mostCandidates } from '../prompts/scoreSettings.ts';
import {
  lineAt,
  type RenderedPrompt,
  type ScoreForm,
  type ScoreMeasure,
  type ScoreMethod,
  type ScoreTask,
  type Template,
} from '../prompts/template.ts';
import type { ScoreRequest } from '../textGenerator.ts';

/** Which text was scored: what follows the prompt, what follows the candidate in the text, or the whole text. */
export type ScoredPart = 'continuation' | ScoreMethod;

export interface ScoreOptions {
  readonly by: ScoreMeasure;
  readonly method: ScoreMethod;
  readonly as: ScoreForm;
}

/** The template's settings, or what stands for them, with what overrides them. */
export function scoreOptionsOf(template: Template, overrides: Partial<ScoreOptions> = {}): ScoreOptions {
  const { by, method, as } = { by: 'total', method: 'partial', as: 'chat', ...template.tunesmith.score } as const;
  return { by: overrides.by ?? by, method: overrides.method ?? method, as: overrides.as ?? as };
}

export interface CandidateTexts {
  readonly candidate: string;
  /** What decides. */
  readonly scored: ScoreRequest;
  /** By the other method, where the candidate stands inside the text. */
  readonly other?: ScoreRequest;
}

/** A row ready to be scored. */
export interface ScoreRow {
  readonly number: number;
  readonly task: ScoreTask;
  readonly part: ScoredPart;
  /** For a reader: what stands before the scored text, with a gap (___) where candidates stand inside it. */
  readonly context: string;
  readonly candidates: readonly CandidateTexts[];
  readonly expected?: number;
}

export interface ScoreTextsContext {
  readonly options: ScoreOptions;
  readonly render: RenderTemplate;
  /** In place of the template's own. */
  readonly candidates?: readonly string[];
  readonly bank?: ExampleBank;
  readonly embed?: EmbedTexts;
  readonly shots?: number;
  /** The file that the rows came from, for messages. */
  readonly file?: string;
}

/** Renders every row with every candidate. Throws a HumanError with file and line for what cannot be scored. */
export async function scoreTexts(
  template: Template,
  rows: readonly (DataRow & { readonly number?: number })[],
  context: ScoreTextsContext,
): Promise<ScoreRow[]> {
  const texts: ScoreRow[] = [];
  for (const [i, row] of rows.entries()) {
    texts.push(await new Row(template, row, row.number ?? i + 1, context).texts());
  }
  return texts;
}

/** A text right after a prompt: as the next words of a text, or as the answer of a conversation. */
export function afterPrompt(prompt: RenderedPrompt, following: string, as: ScoreForm): ScoreRequest {
  const messages = messagesOf(prompt);
  if (as === 'text') {
    const { text, continuation } = seam(textOf(messages), following);
    return { prompt: { kind: 'text', text }, continuation };
  }
  const last = messages.at(-1);
  if (!prompt.continueLast || !last) {
    return { prompt: { kind: 'messages', messages }, continuation: following.trimStart() };
  }
  const { text, continuation } = seam(last.content, following);
  return {
    prompt: { kind: 'messages', messages: [...messages.slice(0, -1), { ...last, content: text }], continueLast: true },
    continuation,
  };
}

/** One row of a template: knows where it came from, for its messages. */
class Row {
  readonly #template: Template;
  readonly #row: DataRow;
  readonly #number: number;
  readonly #context: ScoreTextsContext;

  constructor(template: Template, row: DataRow, number: number, context: ScoreTextsContext) {
    this.#template = template;
    this.#row = row;
    this.#number = number;
    this.#context = context;
  }

  async texts(): Promise<ScoreRow> {
    const settings = this.#template.tunesmith.score;
    if (settings?.task === 'last-word' && !this.#context.candidates) return this.#lastWord();
    const candidates = this.#candidates();
    const expected = this.#expected(candidates);
    const common = {
      number: this.#number,
      task: 'candidates',
      ...(expected === undefined ? {} : { expected }),
    } as const;
    if (settings?.input !== undefined) return { ...common, ...(await this.#inside(settings.input, candidates)) };
    const prompt = await this.#rendered({});
    return {
      ...common,
      part: 'continuation',
      context: prompt.messages.at(-1)?.content ?? '',
      candidates: candidates.map(candidate => ({
        candidate,
        scored: afterPrompt(prompt, candidate, this.#context.options.as),
      })),
    };
  }

  /** The word that the row expects, else the last one of the passage itself, without the punctuation after it. */
  async #lastWord(): Promise<ScoreRow> {
    const prompt = await this.#rendered({});
    const column = this.#template.tunesmith.expected;
    const given = column === undefined ? undefined : this.#row.values[column];
    if (given !== undefined && given !== null && given !== '') {
      const scored = afterPrompt(prompt, String(given), this.#context.options.as);
      return this.#word(prompt, { candidate: String(given), scored });
    }
    const text = textOf(messagesOf(prompt));
    const found = /^(.*?\S)(\s+)([^\s]+?)[^\p{L}\p{N}]*$/su.exec(text);
    if (!found) throw this.#problem(l10n.t('There is no last word here to be completed: a passage needs two words.'));
    const [, before, blank, word] = found as unknown as [string, string, string, string];
    const scored = { prompt: { kind: 'text', text: before } as const, continuation: blank + word };
    return this.#word(prompt, { candidate: word, scored });
  }

  #word(prompt: RenderedPrompt, candidate: CandidateTexts): ScoreRow {
    const { scored } = candidate;
    const context = scored.prompt.kind === 'text' ? scored.prompt.text : (prompt.messages.at(-1)?.content ?? '');
    return {
      number: this.#number,
      task: 'last-word',
      part: 'continuation',
      context,
      candidates: [candidate],
      expected: 0,
    };
  }

  #candidates(): readonly string[] {
    const wanted = this.#context.candidates ?? this.#template.tunesmith.score?.candidates;
    if (!wanted) {
      throw new HumanError(
        l10n.t('This template does not say what to score. Add “score” under metadata.tunesmith, with “candidates”.'),
        { place: { file: this.#template.file } },
      );
    }
    if (!('column' in wanted)) return wanted;
    const value = this.#row.values[wanted.column];
    // A table of a spreadsheet has texts alone.
    const list = typeof value === 'string' ? value.split('|').map(text => text.trim()) : value;
    const texts = candidateTexts(list);
    if (texts && texts.length >= 2) return texts;
    throw this.#problem(
      l10n.t(
        'The column “{0}” must hold the row’s candidates: 2 to {1} different texts, as a list or with | between.',
        wanted.column,
        mostCandidates,
      ),
    );
  }

  /** Which candidate the row expects, by its text. */
  #expected(candidates: readonly string[]): number | undefined {
    const column = this.#template.tunesmith.expected;
    const value = column === undefined ? undefined : this.#row.values[column];
    if (value === undefined || value === null || value === '') return undefined;
    const text = String(value).trim();
    const at = candidates.findIndex(candidate => candidate.trim() === text);
    if (at >= 0) return at;
    throw this.#problem(
      l10n.t('“{0}” is expected here, but it is none of the candidates: {1}.', text, candidates.join(', ')),
    );
  }

  async #inside(
    input: string,
    candidates: readonly string[],
  ): Promise<Pick<ScoreRow, 'part' | 'context' | 'candidates'>> {
    const { method } = this.#context.options;
    const split: { candidate: string; partial: ScoreRequest; full: ScoreRequest; gap: string }[] = [];
    for (const candidate of candidates) {
      const prompt = await this.#rendered({ [input]: candidate });
      split.push({ candidate, ...this.#around(prompt, input) });
    }
    return {
      part: method,
      context: split[0]?.gap ?? '',
      candidates: split.map(({ candidate, partial, full }) => ({
        candidate,
        scored: method === 'partial' ? partial : full,
        other: method === 'partial' ? full : partial,
      })),
    };
  }

  /** The text up to the candidate's end and what follows it; and all of the text. */
  #around(prompt: RenderedPrompt, input: string): { partial: ScoreRequest; full: ScoreRequest; gap: string } {
    const at = prompt.messages.findLastIndex(({ spans }) => spans.some(({ part }) => isInput(part, input)));
    const place = prompt.messages[at]?.spans.findLast(({ part }) => isInput(part, input));
    if (!place) {
      throw new HumanError(
        l10n.t('The input “{0}”, whose place the candidates take, does not stand in the prompt.', input),
        { place: this.#settingsPlace() },
      );
    }
    const messages = messagesOf(prompt);
    const isText = this.#context.options.as === 'text';
    if (!isText && (at !== messages.length - 1 || messages[at]!.role !== 'assistant')) {
      throw new HumanError(
        l10n.t(
          'In a conversation only the assistant’s last message can be scored. Put “{0}” there, or use “as: text”.',
          input,
        ),
        { place: this.#settingsPlace() },
      );
    }
    const whole = isText ? textOf(messages) : messages[at]!.content;
    const end = (isText ? textOf([...messages.slice(0, at), { ...messages[at]!, content: '' }]).length : 0) + place.end;
    if (whole.slice(end).trim() === '') {
      throw new HumanError(
        l10n.t(
          'Nothing follows “{0}” in the prompt, so there is nothing to score. Leave “input” out: then candidates continue the prompt.',
          input,
        ),
        { place: this.#settingsPlace() },
      );
    }
    const given = (text: string): Prompt => {
      if (isText) return { kind: 'text', text };
      const before = messages.slice(0, at);
      if (text === '') return { kind: 'messages', messages: before };
      return { kind: 'messages', messages: [...before, { role: 'assistant', content: text }], continueLast: true };
    };
    return {
      partial: { prompt: given(whole.slice(0, end)), continuation: whole.slice(end) },
      full: { prompt: given(''), continuation: whole },
      gap: `${whole.slice(0, end - (place.end - place.start))}___${whole.slice(end)}`,
    };
  }

  async #rendered(values: Readonly<Record<string, unknown>>): Promise<RenderedPrompt> {
    const { render, bank, embed, shots } = this.#context;
    const { prompt, diagnostics } = await renderPrompt(
      this.#template,
      // What is scored comes at once, whatever the template reasons by.
      { values: { ...this.#row.values, ...values }, strategy: 'direct', shots, bank, embed },
      render,
    );
    if (prompt) return prompt;
    throw firstError(this.#template, diagnostics) ?? new Error('nothing rendered and nothing said');
  }

  #problem(message: string): HumanError {
    const file = this.#context.file ?? this.#template.tunesmith.rows ?? this.#template.file;
    return new HumanError(message, { place: { file, line: this.#row.line } });
  }

  #settingsPlace(): { file: string; line: number } {
    const { file, text, tunesmith } = this.#template;
    return { file, line: lineAt(text, tunesmith.score?.range.start ?? 0) };
  }
}

const isInput = (part: RenderedPrompt['messages'][number]['spans'][number]['part'], input: string): boolean =>
  part.kind === 'variable' && part.name === input;

/** What a base model reads of a conversation. */
const textOf = (messages: readonly Message[]): string => messages.map(({ content }) => content).join('\n\n');

/** A word begins with the blank before it: tokenizers cut there. */
function seam(text: string, candidate: string): { text: string; continuation: string } {
  const before = text.replace(/[^\S\n]+$/, '');
  const blank = before === '' || before.endsWith('\n') ? '' : ' ';
  return { text: before, continuation: blank + candidate.trimStart() };
}
