/** `.prompt.yml` (GitHub Models) in both directions: messages with exact `{{name}}`, test data as rows, evaluators as a grade. */
import { stringify } from 'yaml';
import { l10n } from '../../../base/l10n.ts';
import { isRecord } from '../frontMatter.ts';
import type { RenderedPrompt, Template } from '../template.ts';
import { type Conversion, fromPlainVariables, type Note, refuse, writePrompty } from './conversion.ts';
import { readYaml } from './readYaml.ts';
import { rowsFile } from './rowsFile.ts';

const known = new Set(['name', 'description', 'model', 'modelParameters', 'messages', 'testData', 'evaluators']);
const parameters: Readonly<Record<string, string>> = {
  maxTokens: 'maxOutputTokens',
  temperature: 'temperature',
  topP: 'topP',
};

export function fromPromptYml(text: string, file: string): Conversion {
  const data = readYaml(text, file);
  const notes: Note[] = [];
  const drop = (key: string): void => void notes.push({ message: l10n.t('“{0}” was not carried over.', key) });
  for (const key of Object.keys(data)) if (!known.has(key)) drop(key);
  const names = new Set<string>();
  const written: readonly unknown[] = Array.isArray(data.messages) ? data.messages : [];
  if (written.length === 0) refuse(l10n.t('The file has no “messages”.'), file, 1);
  const messages = written.map(message => {
    const { role, content } = isRecord(message) ? message : {};
    if ((role !== 'system' && role !== 'user' && role !== 'assistant') || typeof content !== 'string')
      return refuse(l10n.t('A message needs a “role” (system, user, assistant) and a text as “content”.'), file);
    const { jinja, names: used } = fromPlainVariables(content);
    for (const name of used) names.add(name);
    return { role, content: jinja };
  });
  const options: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(isRecord(data.modelParameters) ? data.modelParameters : {})) {
    if (parameters[key]) options[parameters[key]] = value;
    else drop(`modelParameters.${key}`);
  }
  const rows = Array.isArray(data.testData) ? data.testData.filter(isRecord) : [];
  const graded = gradeOf(Array.isArray(data.evaluators) ? data.evaluators : [], rows, drop);
  const first = rows[0] ?? {};
  const inputs = Object.fromEntries(
    [...names].map(name => [name, { kind: 'string', ...(first[name] === undefined ? {} : { example: first[name] }) }]),
  );
  const rowFile = rows.length > 0 ? rowsFile(file, rows) : undefined;
  const frontMatter = {
    name: data.name,
    description: data.description,
    model: { id: data.model, options: Object.keys(options).length > 0 ? options : undefined },
    inputs,
    metadata: rowFile ? { tunesmith: { rows: `./${rowFile.name}`, ...graded } } : undefined,
  };
  return { text: writePrompty({ frontMatter, messages }), notes, ...(rowFile ? { files: [rowFile] } : {}) };
}

/** The first evaluator that compares with a column of the test data. */
function gradeOf(evaluators: readonly unknown[], rows: readonly unknown[], drop: (key: string) => void): object {
  let grade: object = {};
  for (const evaluator of evaluators) {
    const { name, string: rule } = isRecord(evaluator) ? evaluator : {};
    const [how, value] = isRecord(rule) ? (Object.entries(rule)[0] ?? []) : [];
    const column = typeof value === 'string' ? /^\{\{\s*(\w+)\s*\}\}$/.exec(value)?.[1] : undefined;
    const fits = (how === 'equals' || how === 'contains') && column !== undefined && rows.length > 0;
    if (fits && Object.keys(grade).length === 0)
      grade = { expected: column, grade: how === 'equals' ? 'equal' : 'contains' };
    else drop(`evaluators: ${typeof name === 'string' ? name : '?'}`);
  }
  return grade;
}

/** Texts with plain `{{name}}` stay templates; where the template has logic, its rendered messages are written. */
export function toPromptYml(template: Template, prompt: RenderedPrompt): Conversion {
  const notes: Note[] = [];
  const { options, id } = template.model;
  const body = template.text.slice(template.bodyRange.start, template.bodyRange.end).replace(/\r\n/g, '\n');
  const hasLogic =
    template.format === 'mustache'
      ? /\{\{\s*[#^>!&]|\{\{\{/.test(body)
      : /\{[%#]|\{\{(?!\s*[A-Za-z_]\w*\s*\}\})/.test(body);
  const hasShots = prompt.shots.length > 0 || template.variables.some(({ name }) => name === 'shots');
  const isPlain = !hasLogic && !hasShots && !prompt.continueLast;
  if (!isPlain)
    notes.push({
      message: l10n.t('This format only replaces variables, so the messages are those of the values given.'),
    });
  const messages = isPlain ? plainMessages(template) : prompt.messages.map(({ role, content }) => ({ role, content }));
  const modelParameters: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(options)) {
    const name = Object.entries(parameters).find(([, ours]) => ours === key)?.[0];
    if (name) modelParameters[name] = value;
    else notes.push({ message: l10n.t('{0} has no option “{1}”; it was left out.', '.prompt.yml', key) });
  }
  const examples = Object.fromEntries(
    template.inputs
      .map(input => [input.name, input.example ?? input.default])
      .filter(([, value]) => value !== undefined),
  );
  const data = {
    name: template.name,
    ...(template.description === undefined ? {} : { description: template.description }),
    ...(id === undefined ? {} : { model: id }),
    ...(Object.keys(modelParameters).length > 0 ? { modelParameters } : {}),
    messages,
    ...(isPlain && Object.keys(examples).length > 0 ? { testData: [examples] } : {}),
  };
  for (const key of ['tools', 'outputs'] as const)
    if (template.frontMatter[key] !== undefined)
      notes.push({ message: l10n.t('“{0}” has no place in this format and was left out.', key) });
  return { text: stringify(data, { lineWidth: 0 }), notes };
}

function plainMessages(template: Template): { role: string; content: string }[] {
  const { text, bodyRange, roles } = template;
  const messages: { role: string; content: string }[] = [];
  const add = (role: string, start: number, end: number): void => {
    const content = text
      .slice(start, end)
      .replace(/\r\n/g, '\n')
      .replace(/\{\{\s*(\w+)\s*\}\}/g, '{{$1}}')
      .replace(/^\n+|\n+$/g, '');
    if (content !== '' || role !== 'system') messages.push({ role, content });
  };
  add('system', bodyRange.start, roles[0]?.range.start ?? bodyRange.end);
  for (const [index, { role, range }] of roles.entries())
    add(role, range.end, roles[index + 1]?.range.start ?? bodyRange.end);
  return messages;
}
