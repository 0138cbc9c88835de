/** Whole templates to begin with, for an empty file. */
import { l10n } from '../../base/l10n.ts';
import type { TextRange } from '../prompts/template.ts';
import type { Completion } from './completionItem.ts';

/** `file` gives the name. */
export function newTemplates(range: TextRange, file: string): Completion[] {
  const name = /([^/\\]+?)(?:\.prompty)?$/.exec(file)?.[1]?.replace(/[^\p{L}\p{N}_-]+/gu, '-') ?? 'template';
  const head = (inputs: string, metadata: string): string =>
    `---\nname: \${1:${name}}\ndescription: \${2:${l10n.t('What this template is for')}}\nmodel:\n  options:\n    temperature: \${3:0.7}\n` +
    `inputs:\n${inputs}template:\n  format:\n    kind: jinja2\n  parser:\n    kind: prompty\n${metadata}---\n`;
  const question = '  question:\n    kind: string\n    example: ${4:What is the capital of France?}\n';
  const chat = 'system:\n${5:Answer in one short sentence.}\n\n';
  const user = 'user:\n{{ question }}\n$0';
  const entries: [label: string, doc: string, insert: string][] = [
    ['template', l10n.t('A system message and a question.'), head(question, '') + chat + user],
    [
      'few-shot template',
      l10n.t('Worked examples from a bank before the question.'),
      head(
        question,
        'metadata:\n  tunesmith:\n    examples:\n      bank: ${6:./examples.jsonl}\n      shots: ${7:4}\n',
      ) +
        chat +
        '{{ shots }}\n\n' +
        user,
    ],
    [
      'chain-of-thought template',
      l10n.t('The model thinks step by step; a rule reads the answer.'),
      head(
        question,
        'metadata:\n  tunesmith:\n    reasoning:\n      strategy: zero-shot-cot\n      answer: last-number\n',
      ) +
        chat +
        user,
    ],
  ];
  return entries.map(([label, doc, insert]) => ({
    label,
    kind: 'template',
    detail: doc,
    insert,
    isSnippet: true,
    range,
    filter: `--- ${label}`,
  }));
}
