/** How near examples are to a question and to each other, by shared words or by vectors of a model. */
import type { Similarity } from '../prompts/template.ts';
import { type ExampleBank, questionText } from './bank.ts';
import { Bm25 } from './bm25.ts';
import type { EmbedTexts } from './embeddings.ts';

export interface Nearness {
  /** One score for each example of the bank; larger is nearer. */
  toQuestion(question: string): Promise<ArrayLike<number>>;
  /** 0 … 1 for two examples, by index. */
  between(one: number, other: number): number;
}

const measured = new WeakMap<ExampleBank, Map<string, Promise<Nearness>>>();

/** Of a bank by the fields that are inputs. Indexed once for each bank, way of measuring and set of inputs. */
export function nearnessIn(
  bank: ExampleBank,
  inputs: readonly string[],
  similarity: Similarity,
  embed: EmbedTexts | undefined,
): Promise<Nearness> {
  const known = measured.get(bank) ?? new Map<string, Promise<Nearness>>();
  measured.set(bank, known);
  const key = JSON.stringify([similarity, inputs]);
  let nearness = known.get(key);
  if (!nearness) {
    const texts = bank.rows.map(({ values }) => questionText(values, inputs));
    nearness = similarity === 'embedding' ? byVectors(texts, embed) : Promise.resolve(byWords(texts));
    known.set(key, nearness);
    // A model that failed may be there the next time.
    nearness.catch(() => known.delete(key));
  }
  return nearness;
}

function byWords(texts: readonly string[]): Nearness {
  const index = new Bm25(texts);
  return {
    toQuestion: async question => index.scores(question),
    between: (one, other) => index.between(one, other),
  };
}

async function byVectors(texts: readonly string[], embed: EmbedTexts | undefined): Promise<Nearness> {
  if (!embed) throw new Error('embeddings need a model');
  const vectors = await embed(texts);
  return {
    async toQuestion(question) {
      const [vector] = await embed([question]);
      return Float64Array.from(vectors, other => dot(vector!, other));
    },
    between: (one, other) => Math.max(0, dot(vectors[one]!, vectors[other]!)),
  };
}

function dot(a: readonly number[], b: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
