/**
 * Least-to-most prompting (Zhou et al. 2022): the model first names simpler questions, then answers them one after the other,
 * each with the answers before it in view, and last the question itself.
 */
import type { Message, Prompt } from '../../generation.ts';
import { promptOf } from '../../prompts/template.ts';
import { type RunStrategy, requestOf, withTurns } from './strategy.ts';

/** A list that goes on and on is cut: each question is a request of its own. */
const mostQuestions = 8;

export const leastToMost: RunStrategy = async ({ cell, settings, ask, read }) => {
  const asked = promptOf(cell.prompt);
  const messages = asked.kind === 'messages' ? asked.messages : [{ role: 'user' as const, content: asked.text }];
  const place = messages.findLastIndex(({ role }) => role === 'user');
  const question = messages[place]?.content ?? '';
  const [list] = await ask('questions', [
    requestOf(cell, replaced(messages, place, `${question}\n\n${settings.decompose}`)),
  ]);
  const questions = listed(list!.text);
  if (questions.length === 0) {
    const [only] = await ask('answer', [requestOf(cell, asked)], { visible: true });
    const { answers, problem } = await read([only!.text]);
    return { text: only!.text, answer: answers[0], problem };
  }
  let conversation = replaced(messages, place, `${question}\n\n${questions[0]!}`);
  for (const [i, next] of questions.entries()) {
    if (i > 0) conversation = withTurns(conversation, ['user', next]);
    const [step] = await ask('step', [requestOf(cell, conversation)]);
    conversation = withTurns(conversation, ['assistant', step!.text]);
  }
  const [last] = await ask('answer', [requestOf(cell, withTurns(conversation, ['user', question]))], { visible: true });
  const { answers, problem } = await read([last!.text]);
  return { text: last!.text, answer: answers[0], problem };
};

/** The conversation up to a user's message, with other words in it. */
const replaced = (messages: readonly Message[], place: number, content: string): Prompt => ({
  kind: 'messages',
  messages: [...messages.slice(0, Math.max(0, place)), { role: 'user', content }],
});

/** The questions of a list, one a line, without numbers and bullets; lines that are no question count where none is. */
export function listed(text: string): string[] {
  const lines = text
    .split('\n')
    .map(line => line.replace(/^\s*(?:[-*•]|\(?\d{1,2}[.):])\s*/, '').trim())
    .filter(line => line !== '');
  const questions = lines.filter(line => /[?？]["”*]*$/.test(line));
  return (questions.length > 0 ? questions : lines.filter(line => !line.endsWith(':'))).slice(0, mostQuestions);
}
