/** Reads the short answer out of what a model wrote, and grades it against what was expected. */
import { HumanError, isHumanError } from '../../base/errors.ts';
import { type AnswerRule, type Grade, lineAt, type Template } from '../prompts/template.ts';

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
    case 'last-number':
      return lastNumber(text);
    case 'choice':
      return lastChoice(text, rule.choices);
    case 'after-marker': {
      const at = text.toLowerCase().lastIndexOf(rule.marker.toLowerCase());
      return at === -1 ? undefined : nonEmpty(firstSentence(text.slice(at + rule.marker.length)));
    }
  }
}

const nonEmpty = (text: string): string | undefined => (text === '' ? undefined : text);

/** The last number as it can be parsed: without thousands separators, `−` as `-`. */
function lastNumber(text: string): string | undefined {
  const number = /(?<![\w.])[-−]?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|(?<=\w)\d+(?:\.\d+)?|(?<![\w.])[-−]?\.\d+/g;
  const last = [...text.matchAll(number)].at(-1)?.[0];
  return last?.replaceAll(',', '').replace('−', '-');
}

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

/** Whether an answer counts as right. No answer is wrong. */
export function gradeAnswer(answer: string | undefined, expected: unknown, grade: Grade): boolean {
  if (answer === undefined) return false;
  switch (grade) {
    case 'equal':
      return normal(answer) === normal(textOf(expected));
    case 'numbers-equal': {
      const [got, wanted] = [lastNumber(answer), lastNumber(textOf(expected))].map(Number);
      return Math.abs(got! - wanted!) <= 1e-9 * Math.max(1, Math.abs(wanted!));
    }
    case 'one-of':
      return alternatives(expected).some(one => normal(answer) === normal(one));
    case 'contains':
      return normal(answer).includes(normal(textOf(expected)));
  }
}

const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : value === undefined || value === null ? '' : JSON.stringify(value);

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
