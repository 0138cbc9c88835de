/** What the benchmark's model answers: 400 tokens of English, different for each request and the same each time. */
import type { ChatRequest } from '../../fakes/chatServer.ts';

export const AnswerTokens = 400;

const words =
  'the of a to each that row costs because we first count then take away what was paid before and add it up again so it holds for every order in this list which means only that nothing is left over'.split(
    ' ',
  );

/** One token a word, a quarter of them ends of longer words; every third answer has a character outside Latin-1. */
export function answerTokens({ model, seed, messages }: ChatRequest): string[] {
  let state = hash(`${model}|${seed ?? 0}|${messages.at(-1)?.content ?? ''}`);
  const number = state % 1000;
  const tokens = Array.from({ length: AnswerTokens - 4 }, (_, i) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const word = words[(state >>> 16) % words.length]!;
    if (i % 25 === 24) return '.\n';
    return state >>> 30 === 0 ? word.slice(-3) : ` ${word}`;
  });
  if (number % 3 === 0) tokens[200] = ' —';
  return [...tokens, ' The', ' answer', ' is', ` ${number}`];
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let state = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return state;
}
