/** Reading comprehension: a passage about two or three people, a question that one of its words answers. */

import type { Rng } from '../../../src/base/rng.ts';
import { answer, ask, type Episode, type Task, withArticles } from '../episode.ts';
import { belongings, cities, colors, foods, jobs, names } from '../lexicon.ts';

interface Fact {
  values(rng: Rng): { readonly value: string; readonly extra: string };
  readonly statements: readonly string[];
  readonly questions: readonly string[];
}

const plain = (values: readonly string[]) => (rng: Rng) => ({ value: rng.pick(values), extra: '' });

/** N is the person, V the value that is asked for, X what else the sentence names. */
const facts: readonly Fact[] = [
  {
    values: plain(cities),
    statements: ['N lives in V.', 'N comes from V.'],
    questions: ['Where does N live?', 'Which city is N from?'],
  },
  {
    values: rng => ({ value: rng.pick(colors), extra: rng.pick(belongings) }),
    statements: ['N has a V X.', 'N bought a V X.'],
    questions: ['What color is the X of N?', 'Which color is the X that N has?'],
  },
  {
    values: rng => ({ value: String(5 + rng.int(75)), extra: '' }),
    statements: ['N is V years old.', 'N turned V this year.'],
    questions: ['How old is N?', 'What is the age of N?'],
  },
  {
    values: plain(jobs),
    statements: ['N works as a V.', 'N is a V.'],
    questions: ['What is the job of N?', 'What does N work as?'],
  },
  {
    values: plain(foods),
    statements: ['N likes V.', 'N eats V every day.'],
    questions: ['What does N like?', 'What does N eat?'],
  },
];

export const questionPrompt = (passage: string, question: string): string =>
  `Answer the question with a word from the passage.\n\nPassage: ${passage}\nQuestion: ${question}`;

/** People and facts about each. */
const shapes = [
  [2, 1],
  [2, 1],
  [2, 2],
  [3, 1],
] as const;

function draw(rng: Rng): Episode {
  const [persons, topicCount] = rng.pick(shapes);
  const people = rng.shuffled(names).slice(0, persons);
  const topics = rng.shuffled(facts).slice(0, topicCount);
  const told = people.flatMap(name =>
    topics.map(fact => {
      const { value, extra } = fact.values(rng);
      const fill = (text: string): string =>
        withArticles(text.replace(/\b[NVX]\b/g, slot => (slot === 'N' ? name : slot === 'V' ? value : extra)));
      return { statement: fill(rng.pick(fact.statements)), question: fill(rng.pick(fact.questions)), value };
    }),
  );
  const ordered = rng.int(2) === 0 ? told : rng.shuffled(told);
  const passage = ordered.map(fact => fact.statement).join(' ');
  const asked = rng.pick(ordered);
  return {
    task: 'question-answering',
    key: `${passage}|${asked.question}`,
    turns: [ask(questionPrompt(passage, asked.question)), answer(asked.value)],
    fields: { passage, question: asked.question, answer: asked.value },
  };
}

export const questionAnswering: Task = { name: 'question-answering', weight: 0.22, draw };
