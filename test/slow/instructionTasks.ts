/** Tasks of Honovich et al. 2022 ("Instruction Induction") as instruction data: an instruction of our own words, an input and its right outputs. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.join(import.meta.dirname, '../..');
const folder = path.join(
  process.env.TUNESMITH_DATA ?? path.join(root, '..', 'shared', 'data'),
  'instruction-induction',
  'execute',
);

const instructions: Readonly<Record<string, string>> = {
  antonyms: 'Write a word that means the opposite of the given word.',
  first_word_letter: 'Write the first letter of the given word.',
  larger_animal: 'Write the larger of the two given animals.',
  negation: 'Negate the given sentence.',
  num_to_verbal: 'Write the given number in English words.',
  orthography_starts_with: 'Write the words of the sentence that begin with the letter in brackets.',
  sentiment: 'Say whether the given movie review is positive or negative.',
  singular_to_plural: 'Write the plural of the given noun.',
  sum: 'Write the sum of the two given numbers.',
  'translation_en-fr': 'Translate the given word to French.',
};

export const inductionDataThere = (): boolean => existsSync(folder);

/** Rows for `tunesmith train sft`, each with its task. */
export function inductionRows(perTask: number) {
  return readdirSync(folder).flatMap(file => {
    const task = file.replace('.json', '');
    const { examples } = JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as {
      readonly examples: Readonly<Record<string, { readonly input: string; readonly output: string }>>;
    };
    return Object.values(examples)
      .slice(0, perTask)
      .map(({ input, output }) => ({ task, instruction: instructions[task], input, output }));
  });
}
