/**
 * What the proposing model is asked for, and how its words become candidates: instructions and triggers from pairs of input and
 * output, and paraphrases of the best (Zhou et al. 2022, “Large Language Models Are Human-Level Prompt Engineers”: forward
 * template and iterative Monte-Carlo search; the wording here is our own).
 */
import { Rng } from '../../base/rng.ts';
import type { DataRow } from '../datasets/rows.ts';
import type { Message, Prompt } from '../generation.ts';
import type { Template } from '../prompts/template.ts';
import { expectedText, inputText, plain } from './splits.ts';
import { isLiteral, type TargetKind } from './target.ts';

export interface Candidate {
  readonly text: string;
  readonly origin: 'template' | 'given' | 'proposed' | 'paraphrased';
  /** Index of the candidate that it rewords. */
  readonly parent?: number;
}

/** Pairs in one request; each request draws its own. */
const pairsShown = 5;
/** A pair's input is cut here, in characters: a proposing model needs the kind of task, not the whole text. */
const longestInput = 600;
const longestCandidate = 400;

export interface Writing {
  readonly prompt: Prompt;
  readonly stopSequences: readonly string[];
}

/**
 * Asks for one candidate from pairs. `prefill`: the answer is begun for the model, which small local models need; servers are
 * asked in words.
 */
export function proposalPrompt(
  template: Template,
  kind: TargetKind,
  demonstrations: readonly DataRow[],
  draw: { readonly seed: number; readonly index: number },
  prefill: boolean,
): Writing {
  const rng = Rng.seeded(draw.seed).stream('pairs', draw.index);
  const pairs = rng
    .shuffled(demonstrations)
    .slice(0, pairsShown)
    .map(row => `Input: ${shortened(inputText(template, row))}\nOutput: ${expectedText(template, row)}`)
    .join('\n\n');
  const ask =
    kind === 'instruction'
      ? `Someone was given one instruction and followed it for each of these inputs. This is what came out.\n\n${pairs}\n\nWhich instruction was it?`
      : `A careful student answers questions such as these, and gets them right because every solution begins with the same short sentence, one that makes the student work it out before answering.\n\n${pairs}\n\nWhich sentence is it?`;
  return writing(ask, kind === 'instruction' ? 'The instruction was: "' : 'The sentence is: "', prefill);
}

/** Asks for the same in other words. */
export function paraphrasePrompt(kind: TargetKind, text: string, prefill: boolean): Writing {
  const what = kind === 'instruction' ? 'instruction' : 'sentence';
  return writing(
    `Write this ${what} again in other words. Its meaning must stay the same.\n\n"${text}"`,
    `The same ${what} in other words: "`,
    prefill,
  );
}

function writing(ask: string, start: string, prefill: boolean): Writing {
  const message = (role: Message['role'], content: string): Message => ({ role, content });
  if (prefill) {
    return {
      prompt: { kind: 'messages', messages: [message('user', ask), message('assistant', start)], continueLast: true },
      stopSequences: ['"', '”', '\n'],
    };
  }
  const alone = `${ask} Reply with that one sentence and nothing else.`;
  return { prompt: { kind: 'messages', messages: [message('user', alone)] }, stopSequences: [] };
}

const shortened = (text: string): string => (text.length > longestInput ? `${text.slice(0, longestInput)} …` : text);

/** The candidate in a model's words, or undefined where there is none: empty, too long, or not literal in a template. */
export function candidateText(words: string): string | undefined {
  const quoted = /^(?:[^\n"“]{0,80}:[\s*]*)?["“]([^"“”]{3,})["”]?/.exec(words.trim())?.[1];
  const line = (quoted ?? words)
    .trim()
    .split('\n', 1)[0]!
    .replace(/^[\s>*#_`–-]+/, '')
    .replace(
      /^(the )?(same )?(instruction|sentence|phrase|trigger|answer)( was| is)?( in other words)?\s*[:–-]\s*/i,
      '',
    )
    .replace(/^["'“‘`*_]+|["'”’`*_]+$/g, '')
    .replace(/\s+/g, ' ')
    .trim();
  if (plain(line) === '' || line.length > longestCandidate || !isLiteral(line)) return undefined;
  return line;
}

/** Adds what is new: equal texts (letter case, white space and punctuation aside) are one candidate, the first. */
export function merged(candidates: readonly Candidate[], more: readonly Candidate[]): Candidate[] {
  const all = [...candidates];
  const seen = new Set(all.map(({ text }) => plain(text)));
  for (const candidate of more) {
    const key = plain(candidate.text);
    if (seen.has(key)) continue;
    seen.add(key);
    all.push(candidate);
  }
  return all;
}
