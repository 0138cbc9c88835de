/** What an opened cell shows beyond the matrix: its prompt, its tokens' probabilities, and the conversation that goes on from it. */
import type { Disposable } from '../../base/disposable.ts';
import { errorMessage } from '../../base/errors.ts';
import type { CellResult } from '../../core/evaluation/runCells.ts';
import type { GeneratedToken, Message, SamplingOptions } from '../../core/generation.ts';
import type { TextGenerator } from '../../core/textGenerator.ts';
import type { Cell, CellKey, Detail } from '../../protocol/playground.ts';
import { keyOf } from './playgroundRun.ts';

/** Answers whose tokens are kept in memory: a token with alternatives takes half a kilobyte. */
const KeptTokens = 300;
/** Milliseconds between two messages about an answer that streams. */
const FrameDelay = 50;

export interface DetailTools {
  cell(key: CellKey): Cell | undefined;
  prompt(cell: Cell): readonly Message[] | undefined;
  /** The cell's model and how it samples. */
  model(key: CellKey): Promise<{ readonly generator: TextGenerator; readonly options: SamplingOptions }>;
  show(cell: CellKey, detail: Detail): void;
}

interface Conversation {
  readonly turns: { role: 'user' | 'assistant'; text: string }[];
  problem: string | null;
  abort: AbortController | undefined;
}

export class CellDetails implements Disposable {
  readonly #tools: DetailTools;
  readonly #tokens = new Map<string, readonly GeneratedToken[]>();
  readonly #conversations = new Map<string, Conversation>();
  #timer: NodeJS.Timeout | undefined;

  constructor(tools: DetailTools) {
    this.#tools = tools;
  }

  /** Keeps the tokens of a new answer; a conversation about the answer before ends. */
  finished(cell: Cell, { generation }: CellResult): void {
    const key = keyOf(cell);
    this.#conversations.get(key)?.abort?.abort();
    this.#conversations.delete(key);
    this.#tokens.delete(key);
    if (!generation.tokens) return;
    this.#tokens.set(key, generation.tokens);
    if (this.#tokens.size > KeptTokens) this.#tokens.delete(this.#tokens.keys().next().value!);
  }

  of(key: CellKey): Detail {
    const cell = this.#tools.cell(key);
    const conversation = this.#conversations.get(keyOf(key));
    const tokens = this.#tokens.get(keyOf(key));
    return {
      prompt: cell ? (this.#tools.prompt(cell) ?? []).map(({ role, content }) => ({ role, content })) : [],
      tokens:
        tokens?.map(({ text, logProb, alternatives = [] }) => ({
          text,
          logProb,
          alternatives: alternatives.map(other => ({ text: other.text, logProb: other.logProb })),
        })) ?? null,
      turns: conversation?.turns.map(turn => ({ ...turn })) ?? [],
      problem: conversation?.problem ?? null,
      busy: conversation?.abort !== undefined,
    };
  }

  /** Sends a further turn; the same model answers with the same sampling. Resolves when the answer has ended. */
  async say(key: CellKey, text: string): Promise<void> {
    const cell = this.#tools.cell(key);
    const prompt = cell && this.#tools.prompt(cell);
    if (!cell || !prompt) return;
    const conversation: Conversation = this.#conversations.get(keyOf(key)) ?? {
      turns: [],
      problem: null,
      abort: undefined,
    };
    this.#conversations.set(keyOf(key), conversation);
    if (conversation.abort) return;
    const abort = new AbortController();
    const { turns } = conversation;
    Object.assign(conversation, { abort, problem: null });
    turns.push({ role: 'user', text });
    const messages: Message[] = [
      ...prompt,
      { role: 'assistant', content: cell.text },
      ...turns.map(turn => ({ role: turn.role, content: turn.text })),
    ];
    const answer = { role: 'assistant' as const, text: '' };
    turns.push(answer);
    this.#soon(key);
    try {
      const { generator, options } = await this.#tools.model(key);
      const generation = await generator.generate(
        { prompt: { kind: 'messages', messages }, options, repeat: key.repeat },
        {
          signal: abort.signal,
          onDelta: delta => {
            answer.text += delta;
            this.#soon(key);
          },
        },
      );
      answer.text = generation.text;
    } catch (error) {
      conversation.problem = errorMessage(error);
      if (answer.text === '') turns.pop();
    } finally {
      conversation.abort = undefined;
      this.#soon(key);
    }
  }

  stop(): void {
    for (const { abort } of this.#conversations.values()) abort?.abort();
  }

  dispose(): void {
    this.stop();
    clearTimeout(this.#timer);
  }

  #soon(key: CellKey): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#tools.show({ column: key.column, row: key.row, repeat: key.repeat }, this.of(key));
    }, FrameDelay);
  }
}
