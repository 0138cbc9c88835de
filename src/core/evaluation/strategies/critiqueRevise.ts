/** Critique and revision (Bai et al. 2022, section 3; Madaan et al. 2023): the model reviews its own draft and writes it anew. */
import { promptOf } from '../../prompts/template.ts';
import { type RunStrategy, requestOf, withTurns } from './strategy.ts';

export const critiqueRevise: RunStrategy = async ({ cell, settings, ask, read }) => {
  const asked = promptOf(cell.prompt);
  const [draft] = await ask('answer', [requestOf(cell, asked)]);
  const answered = answeredWith(asked, draft!.text);
  const wantsCritique = withTurns(answered, ['user', settings.critique]);
  const [critique] = await ask('critique', [requestOf(cell, wantsCritique)]);
  const wantsRevision = withTurns(wantsCritique, ['assistant', critique!.text], ['user', settings.revise]);
  const [revision] = await ask('revision', [requestOf(cell, wantsRevision)], { visible: true });
  const { answers, problem } = await read([revision!.text]);
  return { text: revision!.text, answer: answers[0], problem };
};

/** The prompt with the model's whole answer: an answer that was begun for it keeps its beginning. */
function answeredWith(asked: ReturnType<typeof promptOf>, text: string): ReturnType<typeof promptOf> {
  if (asked.kind !== 'messages' || !asked.continueLast) return withTurns(asked, ['assistant', text]);
  const last = asked.messages.at(-1)!;
  return { kind: 'messages', messages: [...asked.messages.slice(0, -1), { ...last, content: last.content + text }] };
}
