/** What each value of a closed choice means: strategies with their papers, answer rules, grades, selections, kinds of input. */
import { l10n } from '../../base/l10n.ts';
import {
  BudgetPolicies,
  ExampleOrders,
  Grades,
  InputKinds,
  SampledStrategies,
  ScoreForms,
  ScoreMeasures,
  ScoreMethods,
  ScoreTasks,
  Selections,
  Similarities,
  Strategies,
} from '../prompts/template.ts';

export interface ValueSpec {
  readonly value: string;
  readonly doc: string;
}

const listed = (values: readonly string[], docs: Readonly<Record<string, string>>): ValueSpec[] =>
  values.map(value => ({ value, doc: docs[value] ?? '' }));

export const strategies = (): ValueSpec[] => listed(Strategies, strategyDocs());
export const sampledStrategies = (): ValueSpec[] => listed(SampledStrategies, strategyDocs());

const strategyDocs = (): Record<string, string> => ({
  direct: l10n.t(
    'Asks for the answer alone. With examples this is few-shot prompting (Brown et al. 2020, arXiv 2005.14165).',
  ),
  'few-shot-cot': l10n.t(
    'Each example shows its reasoning before its answer (Wei et al. 2022, arXiv 2201.11903). The bank needs a field “reasoning”.',
  ),
  'zero-shot-cot': l10n.t(
    'No examples: the answer starts with a trigger, and a second question reads the result (Kojima et al. 2022, arXiv 2205.11916).',
  ),
  'self-consistency': l10n.t(
    'Samples several chains of thought and takes the answer that most of them give (Wang et al. 2022, arXiv 2203.11171).',
  ),
  'critique-revise': l10n.t(
    'The model criticises its answer and writes it again (Madaan et al. 2023, arXiv 2303.17651).',
  ),
  'least-to-most': l10n.t(
    'The question is split into simpler ones, answered one after another (Zhou et al. 2022, arXiv 2205.10625).',
  ),
});

export const selections = (): ValueSpec[] =>
  listed(Selections, {
    fixed: l10n.t('The first rows of the bank.'),
    random: l10n.t('Rows drawn at random by “seed”.'),
    similar: l10n.t('The rows most similar to the question.'),
    diverse: l10n.t('Rows similar to the question and different from each other (MMR).'),
    balanced: l10n.t('As many rows of each label.'),
  });

export const similarities = (): ValueSpec[] =>
  listed(Similarities, {
    bm25: l10n.t('Words that both texts share, rare ones more (BM25).'),
    embedding: l10n.t('Vectors of a local model.'),
  });

export const orders = (): ValueSpec[] =>
  listed(ExampleOrders, {
    selected: l10n.t('As they were selected.'),
    'similar-last': l10n.t('The most similar one next to the question.'),
    'similar-first': l10n.t('The most similar one first.'),
    random: l10n.t('Shuffled by “seed”.'),
    'label-interleaved': l10n.t('Labels take turns.'),
  });

export const budgetPolicies = (): ValueSpec[] =>
  listed(BudgetPolicies, {
    'drop-first': l10n.t('The first examples are left out.'),
    'drop-last': l10n.t('The last examples are left out.'),
    'drop-least-similar': l10n.t('The examples least similar to the question are left out.'),
    fail: l10n.t('Nothing is sent.'),
  });

export const answerRules = (): ValueSpec[] =>
  listed(['whole', 'last-number', 'choice', 'regex', 'after-marker', 'json-path'], {
    whole: l10n.t('The whole text, trimmed.'),
    'last-number': l10n.t('The last number in the text.'),
    choice: l10n.t('The last letter of “choices” that stands alone.'),
    regex: l10n.t('First group of the last match of “pattern”.'),
    'after-marker': l10n.t('What follows the last “marker”, to the end of the line or sentence.'),
    'json-path': l10n.t('The value at “path” in the last JSON of the text.'),
  });

export const grades = (): ValueSpec[] =>
  listed(Grades, {
    equal: l10n.t('Right where both texts are equal, but for case and punctuation at the ends.'),
    'numbers-equal': l10n.t('Right where both are the same number.'),
    'one-of': l10n.t('Right where the answer is one of several expected ones.'),
    contains: l10n.t('Right where the answer contains the expected text.'),
    regex: l10n.t('Right where the expected regular expression matches the answer.'),
    'json-equal': l10n.t('Right where both are the same JSON value.'),
    'rouge-l': l10n.t('Right where ROUGE-L of both texts is at least “threshold” (Lin 2004).'),
  });

export const scoreTasks = (): ValueSpec[] =>
  listed(ScoreTasks, {
    candidates: l10n.t(
      'Which of several texts the model finds most likely, as in Winograd schemas and multiple choice.',
    ),
    'last-word': l10n.t('The last word of the prompt, or the expected one after it (LAMBADA, arXiv 1606.06031).'),
  });

export const scoreMethods = (): ValueSpec[] =>
  listed(ScoreMethods, {
    partial: l10n.t('What follows the candidate, given all before it (Trinh and Le 2018, arXiv 1806.02847).'),
    full: l10n.t('The whole text with the candidate in it.'),
  });

export const scoreMeasures = (): ValueSpec[] =>
  listed(ScoreMeasures, {
    total: l10n.t('The log-likelihood of the whole text; short texts have an advantage.'),
    'per-token': l10n.t('Its mean over tokens.'),
    'per-character': l10n.t('Its mean over characters.'),
  });

export const scoreForms = (): ValueSpec[] =>
  listed(ScoreForms, {
    text: l10n.t('The plain text of the prompt, without roles: what a base model goes on writing.'),
    chat: l10n.t('The conversation, as the model was trained on it; what is scored is its answer.'),
  });

export const inputKinds = (): ValueSpec[] =>
  listed(InputKinds, {
    string: l10n.t('A text.'),
    integer: l10n.t('A whole number.'),
    float: l10n.t('A number.'),
    boolean: l10n.t('True or false.'),
    array: l10n.t('A list.'),
    object: l10n.t('A mapping of keys to values.'),
    thread: l10n.t('A conversation so far: a list of messages with “role” and “content”.'),
    image: l10n.t('An image.'),
    file: l10n.t('A file.'),
    audio: l10n.t('A recording.'),
  });

export const booleans = (): ValueSpec[] => [
  { value: 'true', doc: '' },
  { value: 'false', doc: '' },
];
