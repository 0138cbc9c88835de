/** Every key of the front matter: what it means, what may stand there, and what is below it. */
import { l10n } from '../../base/l10n.ts';
import * as docs from './valueDocs.ts';

export interface KeySpec {
  readonly doc: string;
  /** What is below it. */
  readonly keys?: Readonly<Record<string, KeySpec>>;
  /** What each entry below it is, whatever its name: inputs, axes with named texts. */
  readonly each?: KeySpec;
  /** Values that may stand there; also each item of a list. */
  readonly values?: readonly docs.ValueSpec[];
  /** Where other values come from. */
  readonly from?: 'model' | 'data-file' | 'bank-field' | 'row-field' | 'trigger';
  /** What to write after the key, with places to fill in; `\n` begins a key below it. */
  readonly insert?: string;
  /** A key of the first version: read, but not offered. */
  readonly old?: boolean;
}

let made: KeySpec | undefined;

/** The whole front matter. */
export function frontMatterSchema(): KeySpec {
  made ??= { doc: '', keys: root() };
  return made;
}

/** The specification at a path of keys; items of lists are passed through. */
export function specAt(path: readonly string[]): KeySpec | undefined {
  let spec: KeySpec | undefined = frontMatterSchema();
  for (const key of path) {
    const next: KeySpec | undefined = spec.keys?.[key] ?? spec.each;
    if (next) spec = next;
    else if (!/^\d+$/.test(key)) return undefined;
  }
  return spec;
}

const text = (doc: string, more: Partial<KeySpec> = {}): KeySpec => ({ doc, ...more });
const old = (key: string): KeySpec => ({ doc: l10n.t('A key of Prompty 1. Now: “{0}”.', key), old: true });
const map = (doc: string, keys: Readonly<Record<string, KeySpec>>, more: Partial<KeySpec> = {}): KeySpec => ({
  doc,
  keys,
  insert: '\n$0',
  ...more,
});

const root = (): Record<string, KeySpec> => ({
  name: text(l10n.t('Short name of the template.')),
  displayName: text(l10n.t('Name that people see.')),
  description: text(l10n.t('What the template is for, in a sentence.')),
  metadata: map(l10n.t('Whatever tools keep with a template; “tunesmith” is Tunesmith’s own.'), {
    tunesmith: tunesmith(),
    authors: text(l10n.t('Who wrote the template.')),
    tags: text(l10n.t('Words to find the template by.')),
    version: text(l10n.t('Version of this template.')),
  }),
  model: model(),
  inputs: text(l10n.t('What the template takes from outside: names that stand between double braces in the prompt.'), {
    each: input(),
    insert: '\n$0',
  }),
  outputs: text(l10n.t('What the answer has to look like.'), { each: input(), insert: '\n$0' }),
  tools: text(l10n.t('Tools that a model may call. They are kept in the file but not used.')),
  template: map(
    l10n.t('In which language the prompt is written.'),
    {
      format: map(
        l10n.t('The template language.'),
        { kind: format(), strict: text(l10n.t('Whether undeclared inputs are errors.'), { values: docs.booleans() }) },
        { values: format().values },
      ),
      parser: map(l10n.t('How the text becomes messages.'), {
        kind: text(l10n.t('How the text becomes messages.'), {
          values: [{ value: 'prompty', doc: l10n.t('Lines such as “user:” start a message.') }],
        }),
      }),
      type: old('format'),
    },
    { insert: '\n  format:\n    kind: ${1:jinja2}\n  parser:\n    kind: prompty' },
  ),
  sample: old('inputs.….default'),
  authors: old('metadata.authors'),
  tags: old('metadata.tags'),
  version: old('metadata.version'),
});

const format = (): KeySpec =>
  text(l10n.t('The template language.'), {
    values: [
      { value: 'jinja2', doc: l10n.t('Expressions, filters, conditions and loops.') },
      { value: 'mustache', doc: l10n.t('Variables and sections only.') },
    ],
  });

const model = (): KeySpec =>
  map(l10n.t('The model that answers, and how it samples.'), {
    id: text(l10n.t('Which model: the id as the model picker shows it, or a provider’s own name.'), { from: 'model' }),
    provider: text(l10n.t('Who serves the model.'), {
      values: ['openai', 'azure', 'foundry', 'anthropic', 'ollama'].map(value => ({ value, doc: '' })),
    }),
    apiType: text(l10n.t('The kind of call.'), {
      values: [
        { value: 'chat', doc: l10n.t('Messages in, a message out.') },
        { value: 'responses', doc: l10n.t('OpenAI’s Responses; run as chat.') },
      ],
    }),
    connection: map(
      l10n.t('Where the model is reached. Nothing is sent there before you allow it; keys never stand in templates.'),
      {
        kind: text(l10n.t('How the connection is made.')),
        endpoint: text(l10n.t('Address of the server.')),
        name: text(l10n.t('Name of a connection kept elsewhere.')),
        target: text(l10n.t('Where a named connection goes.')),
        authenticationMode: text(l10n.t('Who the call is made for.')),
        usageDescription: text(l10n.t('What the connection is for.')),
        apiKey: text(l10n.t('Not used: keys come from the key store alone.')),
      },
    ),
    options: options(),
    api: old('apiType'),
    configuration: old('provider, id, connection'),
    parameters: old('options'),
    response: old('outputs'),
  });

const options = (): KeySpec =>
  map(l10n.t('How the model samples.'), {
    temperature: text(
      l10n.t('How much chance there is in each word: 0 takes the most likely one, 1 samples as the model has learned.'),
    ),
    maxOutputTokens: text(l10n.t('The answer ends after this many tokens.')),
    topP: text(l10n.t('Samples from the most likely tokens that together have this probability (nucleus sampling).')),
    topK: text(l10n.t('Samples from this many of the most likely tokens; 0 from all.')),
    seed: text(l10n.t('The same seed gives the same answer where the model allows it.')),
    stopSequences: text(l10n.t('The answer ends before any of these texts.'), { insert: " ['$1']" }),
    frequencyPenalty: text(l10n.t('Kept in the file but not used.')),
    presencePenalty: text(l10n.t('Kept in the file but not used.')),
    additionalProperties: text(l10n.t('Kept in the file but not used.')),
    allowMultipleToolCalls: text(l10n.t('Kept in the file but not used.')),
    max_tokens: old('maxOutputTokens'),
    top_p: old('topP'),
    top_k: old('topK'),
    stop: old('stopSequences'),
  });

const input = (): KeySpec => ({
  doc: l10n.t('An input: what the template takes from outside under this name.'),
  insert: '\n  kind: ${1:string}',
  keys: {
    name: text(l10n.t('Name of the input.')),
    kind: text(l10n.t('What kind of value it is.'), { values: docs.inputKinds() }),
    description: text(l10n.t('What the input is, in a sentence.')),
    required: text(l10n.t('Whether the template cannot do without it.'), { values: docs.booleans() }),
    default: text(l10n.t('The value where none is given.')),
    example: text(l10n.t('A value to try the template with.')),
    enumValues: text(l10n.t('The only values that are allowed.'), { insert: ' [$1]' }),
    items: text(l10n.t('What the items of a list are.')),
    properties: text(l10n.t('What the fields of an object are.')),
    type: old('kind'),
    sample: old('default'),
    enum: old('enumValues'),
  },
});

const tunesmith = (): KeySpec =>
  map(l10n.t('What is Tunesmith’s own: examples, reasoning, rows, grading, what is compared.'), {
    examples: examples(),
    reasoning: reasoning(),
    rows: text(l10n.t('File of input rows (JSON Lines or CSV), relative to this file.'), { from: 'data-file' }),
    expected: text(l10n.t('Column of the rows that holds the right answer.'), { from: 'row-field' }),
    grade: map(
      l10n.t('When an answer counts as right.'),
      {
        rule: text(l10n.t('When an answer counts as right.'), { values: docs.grades() }),
        threshold: text(l10n.t('With “rouge-l”: from which value on an answer is right, 0 to 1.')),
      },
      { values: docs.grades(), insert: ' $0' },
    ),
    axes: map(l10n.t('What is varied, each axis against all others.'), {
      persona: text(l10n.t('Texts before the system message.')),
      prefix: text(l10n.t('Texts before the question.')),
      suffix: text(l10n.t('Texts after the question.')),
      trigger: text(l10n.t('How the answer of zero-shot chain of thought starts.'), { from: 'trigger' }),
      strategy: text(l10n.t('How the model is asked.'), { values: docs.strategies() }),
      shots: text(l10n.t('How many examples are shown.')),
      temperature: text(l10n.t('How much chance there is in each word.')),
      model: text(l10n.t('Which models answer.'), { from: 'model' }),
    }),
    score: score(),
  });

const score = (): KeySpec =>
  map(
    l10n.t('Which texts are compared by how likely the model finds them: candidates, or the last word of a passage.'),
    {
      task: text(l10n.t('What is scored.'), { values: docs.scoreTasks() }),
      candidates: text(l10n.t('The texts to compare, or the column of the rows that lists them.'), {
        from: 'row-field',
        insert: ' $0',
      }),
      input: text(l10n.t('The input whose place each candidate takes. Left out: candidates continue the prompt.')),
      method: text(l10n.t('With “input”: which part of the text is scored.'), { values: docs.scoreMethods() }),
      by: text(l10n.t('Which figure decides.'), { values: docs.scoreMeasures() }),
      as: text(l10n.t('What the model reads.'), { values: docs.scoreForms() }),
    },
    { insert: '\n  candidates: [$1]' },
  );

const examples = (): KeySpec =>
  map(
    l10n.t('Worked examples that stand before the question.'),
    {
      bank: text(l10n.t('The example bank: a file of JSON Lines, relative to this file.'), { from: 'data-file' }),
      shots: text(l10n.t('How many examples are shown.')),
      selection: text(l10n.t('Which examples are shown.'), { values: docs.selections() }),
      seed: text(l10n.t('Of random selection and order.')),
      similarity: text(l10n.t('What similarity is measured by.'), { values: docs.similarities() }),
      embeddingModel: text(l10n.t('The local model whose vectors are compared.'), { from: 'model' }),
      lambda: text(
        l10n.t(
          'With “diverse”: 1 looks at similarity to the question alone, 0 at difference between the examples alone.',
        ),
      ),
      label: text(l10n.t('Field of the bank that holds the label.'), { from: 'bank-field' }),
      order: text(l10n.t('In which order the examples stand.'), { values: docs.orders() }),
      leakage: text(l10n.t('Examples this alike to a test row (0 to 1) are passed over; equal ones always are.')),
      overBudget: text(l10n.t('What happens when the examples do not fit into the context.'), {
        values: docs.budgetPolicies(),
      }),
      answer: text(l10n.t('An example’s answer, written with the bank’s fields.'), { insert: " '{{ ${1:answer} }}'" }),
      reasonedAnswer: text(l10n.t('An example’s answer with its reasoning, for “few-shot-cot”.'), {
        insert: " '{{ ${1:reasoning} }} The answer is {{ ${2:answer} }}.'",
      }),
    },
    { insert: '\n  bank: ${1:./examples.jsonl}\n  shots: ${2:4}' },
  );

const reasoning = (): KeySpec =>
  map(l10n.t('How the model is asked, and how the answer is read.'), {
    strategy: text(l10n.t('How the model is asked.'), { values: docs.strategies() }),
    trigger: text(l10n.t('How the answer of zero-shot chain of thought starts.'), { from: 'trigger' }),
    extract: text(l10n.t('Zero-shot chain of thought: what follows the reasoning and asks for the answer.')),
    samples: text(l10n.t('Self-consistency: how many answers vote.')),
    of: text(l10n.t('Self-consistency: how each answer is asked for.'), { values: docs.sampledStrategies() }),
    critique: text(l10n.t('Critique and revise: asks for the mistakes of the answer.')),
    revise: text(l10n.t('Critique and revise: asks for the answer without them.')),
    decompose: text(l10n.t('Least to most: asks for the simpler questions.')),
    answer: map(
      l10n.t('How the short answer is read from what the model wrote.'),
      {
        rule: text(l10n.t('How the short answer is read from what the model wrote.'), { values: docs.answerRules() }),
        choices: text(l10n.t('The letters of the choices, for “choice”.')),
        pattern: text(l10n.t('A regular expression, for “regex”.')),
        flags: text(l10n.t('Flags of the regular expression.')),
        marker: text(l10n.t('The text before the answer, for “after-marker”.')),
        path: text(l10n.t('Where the value is in the JSON, for “json-path”.')),
      },
      { values: docs.answerRules(), insert: ' $0' },
    ),
  });
