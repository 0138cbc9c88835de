/**
 * Examples to imitate made ready for supervised fine-tuning: encoded, long ones dropped and counted, whole tasks held out, the
 * rest split by prompt, and what an epoch takes of each task.
 */
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import type { Instruction } from '../core/datasets/instruction.ts';
import { splitHash } from '../core/datasets/splitHash.ts';
import {
  checkTasks,
  heldOutTasks,
  parseTaskWeights,
  rowsPerEpoch,
  type TaskSettings,
} from '../core/datasets/taskMixture.ts';
import type { SftSettings } from '../core/jobs/job.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { mean } from './math/normalise.ts';
import { heldOutPrompts, promptKey } from './pairData.ts';
import { encodeAnswer, encodePrompt, promptText } from './promptTokens.ts';

export interface EncodedInstruction {
  /** Prompt, answer and end token. */
  readonly ids: readonly number[];
  readonly promptLength: number;
  /** For lists. */
  readonly prompt: string;
  /** Right answers. */
  readonly references: readonly string[];
  /** Empty where the data names none. */
  readonly task: string;
}

/** Held-out rows whose answers' losses are measured, at most; tasks that are held out can be large. */
export const measuredRows = 1000;

export interface InstructionData {
  /** By task. */
  readonly train: ReadonlyMap<string, readonly EncodedInstruction[]>;
  /** Rows of each task in one epoch. */
  readonly shares: ReadonlyMap<string, number>;
  /** Held-out prompts of the tasks that are learned. */
  readonly heldOut: readonly EncodedInstruction[];
  /** Rows of tasks that are not learned at all. */
  readonly unseen: readonly EncodedInstruction[];
  readonly warnings: readonly string[];
}

type InstructionSettings = TaskSettings & Pick<SftSettings, 'heldOutShare' | 'maxLength'>;

/** All examples of one prompt are on one side of the split. Throws a HumanError when nothing is left to learn from. */
export function prepareInstructions(
  rows: readonly Instruction[],
  tokenizer: Tokenizer,
  settings: InstructionSettings,
): InstructionData {
  if (rows.length === 0) throw new HumanError(l10n.t('There are no examples to learn from: add some to the data set.'));
  checkTasks(rows, settings);
  const { maxLength } = settings;
  const encoded = rows.map(({ messages, completion, task = '', references = [completion] }) => {
    const prompt = encodePrompt(tokenizer, { kind: 'messages', messages });
    return {
      key: promptKey(messages),
      ids: [...prompt, ...encodeAnswer(tokenizer, completion)],
      promptLength: prompt.length,
      prompt: promptText({ kind: 'messages', messages }),
      references,
      task,
    };
  });
  const fitting = encoded.filter(({ ids }) => ids.length <= maxLength);
  const warnings: string[] = [];
  const long = encoded.length - fitting.length;
  if (long > 0)
    warnings.push(
      l10n.t('{0} of {1} examples were left out: they are longer than {2} tokens.', long, rows.length, maxLength),
    );
  const tasks = heldOutTasks([...new Set(rows.map(({ task = '' }) => task))], settings.holdOutTasks);
  const learned = fitting.filter(({ task }) => !tasks.has(task));
  if (learned.length === 0) {
    throw new HumanError(
      l10n.t(
        'All {0} examples are longer than {1} tokens. Raise the longest length, or use shorter ones.',
        rows.length - fitting.filter(({ task }) => tasks.has(task)).length,
        maxLength,
      ),
    );
  }
  const held = heldOutPrompts(
    learned.map(({ key }) => key),
    settings.heldOutShare,
  );
  const train = learned.filter(({ key }) => !held.has(key));
  const heldOut = learned.filter(({ key }) => held.has(key));
  if (settings.heldOutShare > 0 && heldOut.length === 0)
    warnings.push(l10n.t('All examples have one prompt, so none could be held out to measure the perplexity.'));
  const known = new Set(learned.map(({ key }) => key));
  const apart = fitting.filter(({ task }) => tasks.has(task));
  const unseen = apart.filter(({ key }) => !known.has(key));
  if (unseen.length < apart.length)
    warnings.push(
      l10n.t(
        '{0} of {1} rows of the tasks held out are not measured: learned tasks have the same prompts.',
        apart.length - unseen.length,
        apart.length,
      ),
    );
  const byTask = Map.groupBy(train, ({ task }) => task);
  const mixture = { cap: settings.taskCap, weights: weightsOf(settings, byTask) };
  return {
    train: byTask,
    shares: rowsPerEpoch(new Map([...byTask].map(([task, own]) => [task, own.length])), mixture),
    heldOut,
    unseen,
    warnings,
  };
}

/** Weights of tasks of which rows are left. */
const weightsOf = ({ taskWeights }: InstructionSettings, tasks: ReadonlyMap<string, unknown>) =>
  new Map([...parseTaskWeights(taskWeights)].filter(([task]) => tasks.has(task)));

/** At most `limit` rows, of each task in turn, chosen by a fixed hash: the same rows for the same data. */
export function rowsToMeasure(rows: readonly EncodedInstruction[], limit: number): EncodedInstruction[] {
  if (rows.length <= limit) return [...rows];
  const hashed = rows.map(row => ({ row, hash: splitHash(row.ids.join()) })).sort((a, b) => a.hash - b.hash);
  const queues = [...Map.groupBy(hashed, ({ row }) => row.task)].sort(([a], [b]) => (a < b ? -1 : 1));
  const chosen: EncodedInstruction[] = [];
  for (let turn = 0; chosen.length < limit; turn++) {
    for (const [, queue] of queues) {
      const next = queue[turn];
      if (next && chosen.length < limit) chosen.push(next.row);
    }
  }
  return chosen;
}

/** How much there is to compute: for the estimate. Tokens and rows. */
export function sizesOf(
  { train, shares, heldOut, unseen }: InstructionData,
  { evaluationRows }: Pick<SftSettings, 'evaluationRows'>,
) {
  const rows = [...[...train.values()].flat(), ...heldOut, ...unseen];
  let longest = 0;
  for (const { ids } of rows) longest = Math.max(longest, ids.length);
  return {
    longest,
    mean: mean(rows.map(({ ids }) => ids.length)),
    examples: [...shares.values()].reduce((sum, share) => sum + share, 0),
    heldOut: Math.min(heldOut.length, measuredRows) + Math.min(unseen.length, measuredRows),
    answered: Math.min(heldOut.length, evaluationRows) + Math.min(unseen.length, evaluationRows),
  };
}
