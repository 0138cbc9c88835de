/** Self-consistency (Wang et al. 2022): several chains of thought are sampled, and the answer that most of them reach counts. */
import { promptOf } from '../../prompts/template.ts';
import { type RunStrategy, requestOf, type Vote } from './strategy.ts';

/** Where the template is greedy: all samples would be the same. The paper samples at 0.7. */
const samplingTemperature = 0.7;

export const selfConsistency: RunStrategy = async ({ cell, settings, ask, read }) => {
  const { samples } = settings;
  const prompt = promptOf(cell.prompt);
  const options = cell.options.temperature > 0 ? {} : { temperature: samplingTemperature };
  const generations = await ask(
    'sample',
    Array.from({ length: samples }, (_, i) => requestOf(cell, prompt, { repeat: cell.repeat * samples + i, options })),
  );
  const start = settings.of === 'zero-shot-cot' ? settings.trigger : '';
  const texts = generations.map(({ text }) => start + text);
  const { answers, problem } = await read(texts);
  const votes = counted(answers);
  const winner = votes[0]?.answer;
  const place = Math.max(
    0,
    answers.findIndex(answer => answer !== undefined && sameAnswer(answer) === sameAnswer(winner ?? '')),
  );
  return { text: texts[place]!, answer: winner, votes, problem };
};

/** Answers that differ only in letter case, space or a closing stop are one: most frequent first, then the one reached first. */
export function counted(answers: readonly (string | undefined)[]): Vote[] {
  const votes = new Map<string, Vote>();
  for (const answer of answers) {
    if (answer === undefined) continue;
    const key = sameAnswer(answer);
    const known = votes.get(key);
    votes.set(key, { answer: known?.answer ?? answer, count: (known?.count ?? 0) + 1 });
  }
  return [...votes.values()].sort((a, b) => b.count - a.count);
}

const sameAnswer = (answer: string): string => {
  const text = answer.trim().replace(/\s+/g, ' ').replace(/\.$/, '').toLowerCase();
  return /^-?[\d.]+$/.test(text) && Number.isFinite(Number(text)) ? String(Number(text)) : text;
};
