/** What a reasoning strategy is: an operation on one rendered prompt that asks the model once or several times. */
import type { HumanError } from '../../../base/errors.ts';
import type { Generation, Prompt, SamplingOptions } from '../../generation.ts';
import type { ReasoningSettings, RenderedPrompt } from '../../prompts/template.ts';
import type { GenerateRequest } from '../../textGenerator.ts';
import type { ExtractOptions } from '../answers.ts';

/** One answer to be made: a cell of the matrix template × model × row × repeat. */
export interface Cell {
  readonly prompt: RenderedPrompt;
  readonly options: SamplingOptions;
  readonly repeat: number;
  /** Present: the answer is graded against it. */
  readonly expected?: unknown;
  readonly logProbs?: { readonly alternatives: number };
}

export type StageName =
  | 'answer'
  | 'reasoning'
  | 'extraction'
  | 'sample'
  | 'critique'
  | 'revision'
  | 'questions'
  | 'step';

export interface Stage {
  readonly name: StageName;
  /** What the model was asked in this stage. */
  readonly prompt: Prompt;
  readonly generation: Generation;
  /** What was read from it, where samples vote. */
  readonly answer?: string;
}

export interface Vote {
  readonly answer: string;
  readonly count: number;
}

export interface StrategyResult {
  /** What the cell holds in the end. */
  readonly text: string;
  /** In the order in which they were asked; the last one gave the text's end. */
  readonly stages: readonly Stage[];
  readonly answer?: string;
  /** Of samples that vote: most frequent first. */
  readonly votes?: readonly Vote[];
  /** Why no answer could be read from the text, which stands. */
  readonly problem?: HumanError;
}

export interface ReadResult {
  readonly answers: readonly (string | undefined)[];
  readonly problem?: HumanError;
}

export interface StrategyTools {
  readonly cell: Cell;
  readonly settings: ReasoningSettings;
  /** Asks for all of these together and adds them to the stages. Never returns where one was cancelled or failed. */
  ask(
    name: StageName,
    requests: readonly GenerateRequest[],
    options?: { readonly visible?: boolean },
  ): Promise<Generation[]>;
  /** Adds text of the strategy's own to what is shown. */
  show(text: string): void;
  /** What is shown so far. */
  shown(): string;
  /** Reads the answers out of texts by the template's rule. */
  read(texts: readonly string[], options?: ExtractOptions): Promise<ReadResult>;
}

export type RunStrategy = (tools: StrategyTools) => Promise<Omit<StrategyResult, 'stages'>>;

/** The request of a cell for a prompt of its own. */
export function requestOf(
  { options, repeat, logProbs }: Cell,
  prompt: Prompt,
  change: { readonly repeat?: number; readonly options?: Partial<SamplingOptions> } = {},
): GenerateRequest {
  return {
    prompt,
    options: { ...options, ...change.options },
    repeat: change.repeat ?? repeat,
    ...(logProbs ? { logProbs } : {}),
  };
}

/** The conversation with further turns at its end. An answer that was begun for the model is closed by them. */
export function withTurns(prompt: Prompt, ...turns: readonly [role: 'user' | 'assistant', content: string][]): Prompt {
  const messages = prompt.kind === 'messages' ? prompt.messages : [{ role: 'user' as const, content: prompt.text }];
  return { kind: 'messages', messages: [...messages, ...turns.map(([role, content]) => ({ role, content }))] };
}
