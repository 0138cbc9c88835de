/** What an opened cell shows beyond the matrix: its prompt, its tokens' probabilities, and the conversation that goes on from it. */
import type { Disposable } from '../../base/disposable.ts';
import { errorMessage } from '../../base/errors.ts';
import type { Message, SamplingOptions } from '../../core/generation.ts';
import type { TextGenerator } from '../../core/textGenerator.ts';
import type { Cell, CellKey, Detail } from '../../protocol/playgroundCells.ts';
import type { KeptDetail } from './openRun.ts';
import { keyOf } from './playgroundRun.ts';

/** Milliseconds between two messages about an answer that streams. */
const FrameDelay = 50;

export interface DetailTools {
  /** With its text. */
  cell(key: CellKey): Promise<Cell | undefined>;
  /** Prompt, tokens and conversation, as they are kept. */
  kept(key: CellKey): Promise<KeptDetail>;
  /** Keeps the conversation with the answer; never rejects. */
  said(key: CellKey, turns: Detail['turns']): Promise<void>;
  /** The cell's model and how it samples. */
  model(key: CellKey): Promise<{ readonly generator: TextGenerator; readonly options: SamplingOptions }>;
  show(cell: CellKey, detail: Detail): void;
}

interface Conversation {
  readonly kept: KeptDetail;
  readonly turns: { role: 'user' | 'assistant'; text: string }[];
  problem: string | null;
  abort: AbortController | undefined;
}

export class CellDetails implements Disposable {
  readonly #tools: DetailTools;
  /** Those that are being led; others lie with their answers. */
  readonly #conversations = new Map<string, Conversation>();
  #timer: NodeJS.Timeout | undefined;

  constructor(tools: DetailTools) {
    this.#tools = tools;
  }

  /** A new answer: a conversation about the one before ends. */
  finished(cell: CellKey): void {
    const key = keyOf(cell);
    this.#conversations.get(key)?.abort?.abort();
    this.#conversations.delete(key);
  }

  async of(key: CellKey): Promise<Detail> {
    const conversation = this.#conversations.get(keyOf(key));
    return detailOf(conversation?.kept ?? (await this.#tools.kept(key)), conversation);
  }

  /** Sends a further turn; the same model answers with the same sampling. Resolves when the answer has ended. */
  async say(key: CellKey, text: string): Promise<void> {
    const name = keyOf(key);
    if (this.#conversations.get(name)?.abort) return;
    const [cell, kept] = await Promise.all([this.#tools.cell(key), this.#tools.kept(key)]);
    if (!cell || kept.prompt.length === 0) return;
    const known = this.#conversations.get(name);
    if (known?.abort) return;
    const abort = new AbortController();
    const conversation: Conversation = known ?? {
      kept,
      turns: kept.turns.map(turn => ({ ...turn })),
      problem: null,
      abort,
    };
    this.#conversations.set(name, conversation);
    const { turns } = conversation;
    Object.assign(conversation, { abort, problem: null });
    turns.push({ role: 'user', text });
    const messages: Message[] = [
      ...kept.prompt,
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
      // What the person said counts even where the model gave nothing back.
      if (this.#conversations.get(name) === conversation) await this.#tools.said(key, conversation.turns);
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
      const conversation = this.#conversations.get(keyOf(key));
      if (!conversation) return;
      const { column, row, repeat } = key;
      this.#tools.show({ column, row, repeat }, detailOf(conversation.kept, conversation));
    }, FrameDelay);
  }
}

const detailOf = (kept: KeptDetail, conversation: Conversation | undefined): Detail => ({
  prompt: kept.prompt.map(({ role, content }) => ({ role, content })),
  tokens: kept.tokens,
  turns: (conversation?.turns ?? kept.turns).map(turn => ({ ...turn })),
  problem: conversation?.problem ?? null,
  busy: conversation?.abort !== undefined,
});
