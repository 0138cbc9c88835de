/** Reads the short answer out of what a model wrote, and grades it against what was expected. */
import { HumanError, isHumanError } from '../../base/errors.ts';
import { type AnswerRule, type Grading, lineAt, type Template } from '../prompts/template.ts';
import { jsonEqual, lastJson, parseJsonPath, valueAt } from './jsonAnswer.ts';
import { answeredNumber, lastBox, lastNumber } from './numbers.ts';
import { rougeL } from './rouge.ts';

/** Runs a user's pattern where it can be stopped (jobs/evaluatorProcess.ts). */
export type MatchPattern = (
  pattern: string,
  flags: string,
  texts: readonly string[],
  which: 'first' | 'last',
) => Promise<readonly ({ readonly text: string; readonly groups: readonly (string | null)[] } | null)[]>;

export interface ExtractOptions {
  /** The texts follow an extraction phrase: their first sentence is where the answer stands. */
  readonly afterPhrase?: boolean;
}

export interface ReadAnswers {
  /** One for each text, undefined where the rule finds none; empty with a problem. */
  readonly answers: readonly (string | undefined)[];
  /** Why none could be read, with the rule's place in the template. */
  readonly problem?: HumanError;
}

/** `extractAnswers` by a template's rule. A bad or endless pattern is a problem beside the texts: what a model wrote stands. */
export async function readAnswers(
  texts: readonly string[],
  { file, text, tunesmith: { reasoning } }: Template,
  match: MatchPattern,
  options: ExtractOptions = {},
): Promise<ReadAnswers> {
  try {
    return { answers: await extractAnswers(texts, reasoning.answer, match, options) };
  } catch (error) {
    if (!isHumanError(error)) throw error;
    const line = reasoning.answerRange && lineAt(text, reasoning.answerRange.start);
    return { answers: [], problem: new HumanError(error.message, { cause: error, place: { file, line } }) };
  }
}

/** The answer in each text, or undefined where the rule finds none. Rejects with a HumanError for a bad or endless pattern. */
export async function extractAnswers(
  texts: readonly string[],
  rule: AnswerRule,
  match: MatchPattern,
  { afterPhrase = false }: ExtractOptions = {},
): Promise<(string | undefined)[]> {
  if (rule.rule === 'regex') {
    if (texts.length === 0) return [];
    const matches = await match(rule.pattern, rule.flags, texts, 'last');
    if (matches.length !== texts.length) throw new Error('the pattern gave no result for some texts');
    return matches.map(found =>
      found ? (found.groups.find(group => group !== null) ?? found.text).trim() : undefined,
    );
  }
  return texts.map(text => {
    if (!afterPhrase) return extract(text, rule);
    const sentence = firstSentence(text);
    if (rule.rule === 'after-marker') return extract(text, rule) ?? nonEmpty(sentence);
    return extract(sentence, rule) ?? extract(text, rule);
  });
}

function extract(text: string, rule: Exclude<AnswerRule, { rule: 'regex' }>): string | undefined {
  switch (rule.rule) {
    case 'whole':
      return nonEmpty(text.trim());
    case 'json-path': {
      const path = parseJsonPath(rule.path);
      const value = path && valueAt(lastJson(text), path);
      return value === undefined || value === null ? undefined : nonEmpty(textOf(value).trim());
    }
    case 'last-number':
      return lastNumber(text);
    case 'choice':
      return lastChoice(text, rule.choices);
    case 'after-marker': {
      const at = text.toLowerCase().lastIndexOf(rule.marker.toLowerCase());
      if (at === -1) return undefined;
      const after = text.slice(at + rule.marker.length);
      const sentence = firstSentence(after);
      const box = lastBox(sentence);
      return nonEmpty(box ?? sentence);
    }
  }
}

const nonEmpty = (text: string): string | undefined => (text === '' ? undefined : text);

function lastChoice(text: string, choices: string): string | undefined {
  for (let i = text.length - 1; i >= 0; i--) {
    const char = text[i]!;
    if (choices.includes(char) && !isWord(text[i - 1]) && !isWord(text[i + 1])) return char;
  }
  return undefined;
}

const isWord = (char: string | undefined): boolean => char !== undefined && /[\p{L}\p{N}'’]/u.test(char);

/** To the end of the first line that is not empty, or of its first sentence; without quotes, emphasis and closing stop. */
function firstSentence(text: string): string {
  const line = text.replace(/^[\s:=*"'“”]+/, '').split('\n', 1)[0] ?? '';
  const end = /[.!?](?=\s|["'”*)]|$)/.exec(line)?.index;
  return (end === undefined ? line : line.slice(0, end)).replace(/[\s*"'”]+$/, '').trim();
}

/** Whether an answer counts as right. No answer is wrong. Rejects with a HumanError for a bad or endless pattern. */
export async function gradeAnswer(
  answer: string | undefined,
  expected: unknown,
  { rule, threshold }: Grading,
  match: MatchPattern,
): Promise<boolean> {
  if (answer === undefined) return false;
  switch (rule) {
    case 'equal':
      return sameAnswer(answer, textOf(expected));
    case 'numbers-equal': {
      const [got, wanted] = [answeredNumber(answer), answeredNumber(textOf(expected))];
      if (Number.isSafeInteger(got) && Number.isSafeInteger(wanted)) return got === wanted;
      return Math.abs(got - wanted) <= 1e-9 * Math.max(1, Math.abs(wanted));
    }
    case 'one-of':
      return alternatives(expected).some(one => sameAnswer(answer, one));
    case 'contains':
      return normal(answer).includes(normal(textOf(expected)));
    case 'regex':
      return (await match(textOf(expected), 'u', [answer], 'first'))[0] != null;
    case 'json-equal': {
      const wanted = typeof expected === 'string' ? lastJson(expected) : expected;
      return wanted !== undefined && jsonEqual(lastJson(answer), wanted);
    }
    case 'rouge-l':
      return references(expected).some(one => rougeL(answer, one).f1 >= threshold);
  }
}

const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : value === undefined || value === null ? '' : JSON.stringify(value);

/** Whether two answers are the same but for letter case, spaces and a closing full stop. */
export const sameAnswer = (answer: string, expected: string): boolean => normal(answer) === normal(expected);

/** One letter case, single spaces, no closing full stop. */
const normal = (text: string): string =>
  text
    .normalize('NFC')
    .trim()
    .replace(/\s+/g, ' ')
    .replace(/(?<=\S)\.$/, '')
    .toLowerCase();

/** A list, or a text with `|` between its alternatives. */
const alternatives = (expected: unknown): string[] =>
  Array.isArray(expected) ? expected.map(textOf) : textOf(expected).split('|');

/** One reference text, or several of which the nearest counts. */
const references = (expected: unknown): string[] =>
  Array.isArray(expected) ? expected.map(textOf) : [textOf(expected)];
