/**
 * The JSON Schema of a template's front matter: the one source of `media/prompty.schema.json` (`npm run schema`), completion and
 * hovers. It says what a well-formed file looks like; unknown keys are allowed everywhere, since they are kept.
 */
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
} from './template.ts';

/** The part of JSON Schema (draft 7) that is used here. */
export interface JsonSchema {
  readonly $schema?: string;
  readonly $id?: string;
  readonly title?: string;
  readonly description?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly deprecationMessage?: string;
  readonly $ref?: string;
  readonly definitions?: Readonly<Record<string, JsonSchema>>;
}

const text = (description: string, more: JsonSchema = {}): JsonSchema => ({ type: 'string', description, ...more });
const object = (description: string, properties: Readonly<Record<string, JsonSchema>>): JsonSchema => ({
  type: 'object',
  description,
  properties,
});
const oneOf = (values: readonly string[], description: string, initial?: string): JsonSchema => ({
  enum: values,
  description,
  ...(initial === undefined ? {} : { default: initial }),
});
const number = (description: string, limits: JsonSchema = {}): JsonSchema => ({
  type: 'number',
  description,
  ...limits,
});
const whole = (description: string, limits: JsonSchema = {}): JsonSchema => ({
  type: 'integer',
  description,
  ...limits,
});

/** Relative, no address: what `rows` and `bank` may name. */
const path = (description: string): JsonSchema =>
  text(description, { minLength: 1, pattern: '^(?![/\\\\])(?![A-Za-z][A-Za-z0-9+.-]*:)' });

const kind = oneOf(InputKinds, 'What kind of value this is.', 'string');

const property = object('One value that goes into the template or comes out of the model.', {
  name: text('The name, as the template uses it (where inputs are a list).'),
  kind,
  description: text('What the value means; shown where it is asked for.'),
  required: { type: 'boolean', description: 'A value has to be given: a missing one is an error.', default: false },
  default: { description: 'The value where none is given.' },
  example: { description: 'A value to try the template with. Never used in its place in a run over rows.' },
  enumValues: { type: 'array', description: 'The only values that are allowed.', items: {} },
  items: { $ref: '#/definitions/property' },
});

const properties = (description: string): JsonSchema => ({
  description,
  anyOf: [
    {
      type: 'object',
      additionalProperties: {
        anyOf: [{ $ref: '#/definitions/property' }, { type: ['string', 'number', 'boolean', 'array', 'null'] }],
      },
    },
    { type: 'array', items: { $ref: '#/definitions/namedProperty' } },
  ],
});

const model: JsonSchema = {
  description: 'The model to ask: its id alone, or what it is and how to sample from it.',
  anyOf: [
    { type: 'string', minLength: 1 },
    object('The model to ask.', {
      id: text('Which model, as its provider or Tunesmith’s list of models names it.', {
        examples: ['pebble', 'gpt-4o-mini'],
      }),
      provider: text('Who serves it.', { examples: ['openai', 'anthropic', 'foundry'] }),
      apiType: oneOf(['chat', 'responses', 'embedding', 'image'], 'What kind of request it takes.', 'chat'),
      connection: object('Where the model is. Used only after you have approved the address.', {
        kind: text('How to reach it.', { examples: ['key', 'reference', 'remote', 'anonymous', 'foundry', 'oauth'] }),
        endpoint: text('The address of the server.'),
        apiKey: text('The key, best as a reference to the environment: $' + '{env:OPENAI_API_KEY}.'),
        name: text('The name of a connection that is kept elsewhere (kind: reference).'),
      }),
      options: object('How to sample.', {
        temperature: number('0 takes the likeliest token each time; 1 samples as the model believes.', {
          minimum: 0,
          maximum: 100,
        }),
        maxOutputTokens: whole('The most tokens that an answer may have.', { minimum: 1 }),
        topP: number('Samples from the likeliest tokens that have this share of the probability together.', {
          minimum: 0,
          maximum: 1,
        }),
        topK: whole('Samples from this many of the likeliest tokens; 0 from all.', { minimum: 0 }),
        frequencyPenalty: number('Makes tokens less likely by how often they came.', { minimum: -2, maximum: 2 }),
        presencePenalty: number('Makes tokens less likely that came at all.', { minimum: -2, maximum: 2 }),
        seed: whole('The same seed gives the same sample, where the model can.'),
        stopSequences: {
          description: 'An answer ends before the first of these texts.',
          anyOf: [{ type: 'array', items: { type: 'string' } }, { type: 'string' }],
        },
        additionalProperties: { type: 'object', description: 'What only this provider knows; sent as it stands.' },
      }),
    }),
  ],
};

const template: JsonSchema = {
  description: 'The language of the body. Left out: jinja2.',
  anyOf: [
    object('The language of the body.', {
      format: {
        description: 'jinja2 or mustache.',
        anyOf: [
          {
            ...object('', { kind: oneOf(['jinja2', 'mustache'], 'The template language.', 'jinja2') }),
            required: ['kind'],
          },
          oneOf(['jinja2', 'mustache'], 'The template language.'),
        ],
      },
      parser: {
        description: 'How messages are found in the text.',
        anyOf: [
          object('', { kind: oneOf(['prompty'], 'Lines such as “user:” start a message.') }),
          oneOf(['prompty'], 'The parser.'),
        ],
      },
    }),
    {
      ...oneOf(['jinja2', 'mustache'], 'The short form of version 1.'),
      deprecationMessage: 'Write format: {kind: …}.',
    },
  ],
};

const examples: JsonSchema = {
  ...object('Worked examples (shots) that are shown before the question.', {
    bank: path('The example bank: a JSONL file, relative to this template.'),
    shots: whole('How many examples are shown.', { minimum: 0, maximum: 1000, default: 4 }),
    selection: oneOf(Selections, 'How the examples are chosen.', 'fixed'),
    similarity: oneOf(Similarities, 'What nearness is measured by.', 'bm25'),
    embeddingModel: text('similarity: embedding: the local model whose vectors are compared.', { default: 'pebble' }),
    lambda: number('diverse: 1 looks at nearness to the question alone, 0 at distance between examples alone.', {
      minimum: 0,
      maximum: 1,
      default: 0.5,
    }),
    label: text('The bank’s column that holds the label.', { default: 'answer' }),
    order: oneOf(ExampleOrders, 'In which order the chosen examples stand.', 'selected'),
    leakage: number('Examples this alike to a test row are passed over; equal ones always are.', {
      minimum: 0,
      maximum: 1,
      default: 0.8,
    }),
    overBudget: oneOf(BudgetPolicies, 'Which examples go first where the prompt does not fit.', 'drop-last'),
    seed: whole('Seed of what is drawn by chance.', { default: 0 }),
    answer: text('The assistant’s turn of an example, rendered with the row’s fields.', { default: '{{ answer }}' }),
    reasonedAnswer: text('The same where the example shows its reasoning (few-shot-cot).'),
  }),
  required: ['bank'],
};

const answer: JsonSchema = {
  description: 'How the short answer is read from what the model wrote.',
  anyOf: [
    oneOf(['whole', 'last-number', 'choice'], 'A rule that needs nothing else.', 'whole'),
    {
      ...object('A rule and what it needs.', {
        rule: oneOf(['whole', 'last-number', 'choice', 'regex', 'after-marker', 'json-path'], 'The rule.'),
        choices: text('choice: the letters that count.', { default: 'ABCDE' }),
        pattern: text('regex: the first group (or the whole) of the last match is the answer.'),
        flags: text('regex: flags such as i.'),
        marker: text('after-marker: the answer follows the last of these.'),
        path: text('json-path: where the answer lies in the last JSON.', { examples: ['$.items[0].name'] }),
      }),
      required: ['rule'],
    },
  ],
};

const reasoning = object('How the model is led to its answer.', {
  strategy: oneOf(Strategies, 'The way of asking.', 'direct'),
  trigger: text('zero-shot-cot: how the answer starts.', { default: "Let's think step by step." }),
  extract: text('zero-shot-cot: what follows the reasoning, so that the model names its answer.'),
  samples: whole('self-consistency: how many chains of thought vote.', { minimum: 1, maximum: 100, default: 5 }),
  of: oneOf(SampledStrategies, 'self-consistency: of which kind the chains of thought are.'),
  critique: text('critique-revise: what the model is asked about its draft.'),
  revise: text('critique-revise: how it is asked for a better one.'),
  decompose: text('least-to-most: what follows the question, so that the model names simpler ones.'),
  answer,
});

/** Texts, or short names for texts. */
const texts = (description: string): JsonSchema => ({
  description,
  anyOf: [
    { type: 'array', minItems: 1, maxItems: 50 },
    { type: 'object', additionalProperties: { type: ['string', 'null'] } },
  ],
});
const list = (description: string, items: JsonSchema): JsonSchema => ({
  type: 'array',
  description,
  items,
  minItems: 1,
  maxItems: 50,
});

const axes: JsonSchema = {
  ...object('What is varied, each axis against all others.', {
    persona: texts('Who the model is told to be.'),
    prefix: texts('What stands before the prompt.'),
    suffix: texts('What stands after it.'),
    trigger: texts('How the answer starts; the name of a known trigger will do.'),
    strategy: list('The way of asking.', { enum: Strategies }),
    shots: list('How many examples are shown.', { type: 'integer', minimum: 0, maximum: 1000 }),
    temperature: list('How wildly is sampled.', { type: 'number', minimum: 0, maximum: 100 }),
    model: list('Which models are asked.', { type: 'string', minLength: 1 }),
  }),
  additionalProperties: false,
};

const score = object('Which texts are compared by how likely the model finds them.', {
  task: oneOf(ScoreTasks, 'What is scored.', 'candidates'),
  candidates: {
    description: 'The texts to compare, or the column of the rows that lists them.',
    anyOf: [
      { type: 'string', minLength: 1 },
      { type: 'array', minItems: 2, maxItems: 1000, items: { type: ['string', 'number', 'boolean'] } },
    ],
  },
  input: text('The input whose place each candidate takes. Left out: candidates continue the prompt.'),
  method: oneOf(ScoreMethods, 'With input: which part of the text is scored.', 'partial'),
  by: oneOf(ScoreMeasures, 'Which figure decides.', 'total'),
  as: oneOf(ScoreForms, 'What the model reads. Left out: text for last words and with input, else chat.'),
});

const tunesmith = object('Tunesmith’s own settings; other tools leave them alone.', {
  examples,
  reasoning,
  axes,
  score,
  rows: path('The input rows: a JSONL or CSV file, relative to this template.'),
  expected: text('The column of the rows that holds the right answer.'),
  grade: {
    description: 'When an answer counts as right.',
    anyOf: [
      oneOf(Grades, 'The rule.', 'equal'),
      object('A rule with its threshold.', {
        rule: oneOf(Grades, 'The rule.', 'equal'),
        threshold: number('rouge-l: the least F1 that counts as right.', { minimum: 0, maximum: 1, default: 0.5 }),
      }),
    ],
  },
});

const named: JsonSchema = { ...property, required: ['name'] };

/** Front matter of a `.prompty` file, version 2. */
export const promptySchema: JsonSchema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'Front matter of a .prompty template',
  ...object('A template: inputs, a model, and what Tunesmith adds.', {
    name: text('A short name.'),
    displayName: text('The name as people read it.'),
    description: text('What the template is for.'),
    metadata: object('Anything else that is known of the template: authors, tags, version.', { tunesmith }),
    model,
    inputs: properties('The values that the template needs: by name, or as a list with names.'),
    outputs: properties('What the model is asked for, where it answers in JSON.'),
    tools: {
      type: 'array',
      description: 'Tools that the model may call. Kept in the file and exported; Tunesmith does not call them.',
      items: {
        ...object('One tool.', {
          name: text('The name that the model calls.'),
          kind: text('function, mcp, openapi, or one of a provider.', { examples: ['function', 'mcp', 'openapi'] }),
          description: text('What the tool does.'),
          parameters: properties('What the tool takes.'),
          strict: { type: 'boolean', description: 'The model has to keep to the parameters exactly.' },
          bindings: { type: 'object', description: 'Parameters that the caller fills, unseen by the model.' },
        }),
        required: ['name', 'kind'],
      },
    },
    template,
  }),
  definitions: { property, namedProperty: named },
};
