/** What is learned of without reading a text twice: the model that wrote an answer, and what its form is like. */
import { hash64 } from './hashTables.ts';
import type { Answer, ItemRecord } from './judgement.ts';
import type { Difference } from './preferencePosterior.ts';
import { promptKey } from './splits.ts';

/** An item without its texts. */
export interface Candidate {
  readonly id: string;
  readonly set: string;
  /** Equal for prompts with the same words. */
  readonly prompt: string;
  /** Equal for the same prompt with the same answers. */
  readonly content: string;
  /** Its place in a fixed shuffled order. */
  readonly shuffle: number;
  /** Answers with different texts. */
  readonly answers: readonly FormedAnswer[];
}

interface FormedAnswer {
  readonly id: string;
  readonly model: string;
  readonly form: Float64Array;
}

export function candidateOf(item: ItemRecord, forms: AnswerForms): Candidate {
  const prompt = hash64(promptKey(item.messages)).join('.');
  const answers = [...new Map(item.answers.map(answer => [answer.id, answer])).values()];
  const ids = answers.map(({ id }) => id).sort();
  return {
    id: item.id,
    set: item.set,
    prompt,
    content: hash64(`${prompt}\n${ids.join(' ')}`).join('.'),
    shuffle: hash64(item.id)[1],
    answers: answers.map(answer => ({ id: answer.id, model: answer.model, form: forms.of(answer) })),
  };
}

/** Forms of answers, one array for all answers with the same text. */
export class AnswerForms {
  readonly #forms = new Map<string, Float64Array>();

  of({ id, text }: Pick<Answer, 'id' | 'text'>): Float64Array {
    const known = this.#forms.get(id);
    if (known) return known;
    const made = Float64Array.from(formFeatures, feature => feature(text));
    if (this.#forms.size >= mostForms) this.#forms.clear();
    this.#forms.set(id, made);
    return made;
  }
}

const mostForms = 200_000;

/** One column a model, then the form. */
export class Features {
  readonly #models = new Map<string, number>();

  constructor(items: Iterable<Candidate>) {
    for (const { answers } of items)
      for (const { model } of answers) if (!this.#models.has(model)) this.#models.set(model, this.#models.size);
  }

  get size(): number {
    return this.#models.size + formFeatures.length;
  }

  difference(first: FormedAnswer, second: FormedAnswer): Difference {
    const x = new Float64Array(this.size);
    x[this.#models.get(first.model)!]! += 1;
    x[this.#models.get(second.model)!]! -= 1;
    for (let i = 0; i < formFeatures.length; i++) x[this.#models.size + i] = first.form[i]! - second.form[i]!;
    return x;
  }
}

const formFeatures: readonly ((text: string) => number)[] = [
  text => Math.log1p(text.length) / 2,
  text => Math.log1p((text.match(/\n/g) ?? []).length),
  text => (/^\s*(?:[-*•]|\d+[.)])\s/m.test(text) ? 1 : 0),
  text => (/`/.test(text) ? 1 : 0),
  text => (/\?\s*$/.test(text) ? 1 : 0),
  text => (/\d/.test(text) ? 1 : 0),
];
