/** Reads a promptfoo configuration: one of its prompts (text, chat as JSON, `file://`), its tests as rows with what is expected. */
import { parseJson } from '../../../base/jsonLines.ts';
import { l10n } from '../../../base/l10n.ts';
import { isRecord } from '../frontMatter.ts';
import { isInside } from '../references.ts';
import { type Conversion, literalJinja, type Note, refuse, writePrompty } from './conversion.ts';
import { readYaml } from './readYaml.ts';
import { rowsFile } from './rowsFile.ts';

export type ReadBeside = (path: string) => string | undefined;

/** Assertions that a grade of ours means exactly. */
const grades: Readonly<Record<string, string>> = { equals: 'equal', contains: 'contains', regex: 'regex' };
const known = new Set(['description', 'prompts', 'providers', 'targets', 'tests', 'defaultTest']);

/** `which` counts prompts from 1. `read` gives the text of a file beside the configuration. */
export function fromPromptfoo(text: string, file: string, read: ReadBeside, which = 1): Conversion {
  const data = readYaml(text, file);
  const notes: Note[] = [];
  const drop = (key: string): void => void notes.push({ message: l10n.t('“{0}” was not carried over.', key) });
  for (const key of Object.keys(data)) if (!known.has(key)) drop(key);
  const prompts: readonly unknown[] = Array.isArray(data.prompts) ? data.prompts : [data.prompts ?? '{{prompt}}'];
  const chosen = prompts[which - 1];
  if (chosen === undefined) refuse(l10n.t('The file has {0} prompts, not {1}.', prompts.length, which), file);
  if (prompts.length > 1)
    notes.push({
      message: l10n.t('This is prompt {0} of {1}; the others are converted with --prompt.', which, prompts.length),
    });
  const messages = messagesOf(promptText(chosen, file, read), file);
  const [provider, ...more] = [data.providers ?? data.targets ?? []].flat();
  if (more.length > 0) drop('providers');
  const rows = rowsOf(data, drop);
  const names = new Set(rows.rows.flatMap(row => Object.keys(row)).filter(name => name !== rows.expected));
  for (const { content } of messages)
    for (const match of content.matchAll(/\{\{-?\s*([A-Za-z_]\w*)/g)) names.add(match[1]!);
  const rowFile = rows.rows.length > 0 ? rowsFile(file, rows.rows) : undefined;
  const first = rows.rows[0] ?? {};
  const frontMatter = {
    description: data.description,
    model: modelOf(provider, drop),
    inputs: Object.fromEntries(
      [...names].map(name => [name, first[name] === undefined ? { kind: 'string' } : { example: first[name] }]),
    ),
    metadata: rowFile
      ? { tunesmith: { rows: `./${rowFile.name}`, expected: rows.expected, grade: rows.grade } }
      : undefined,
  };
  return { text: writePrompty({ frontMatter, messages }), notes, ...(rowFile ? { files: [rowFile] } : {}) };
}

function promptText(prompt: unknown, file: string, read: ReadBeside): string {
  const written = isRecord(prompt) ? (prompt.raw ?? prompt.id) : prompt;
  if (typeof written !== 'string') return refuse(l10n.t('A prompt must be a text or a file:// path.'), file);
  const path =
    /^file:\/\/(.+)$/.exec(written.trim())?.[1] ??
    (/^[\w./-]+\.(txt|json|md)$/.test(written.trim()) ? written.trim() : undefined);
  if (path === undefined) return written;
  if (!/\.(txt|json|md|j2|yaml|yml)$/.test(path))
    return refuse(l10n.t('The prompt “{0}” is code and cannot be converted.', path), file);
  if (!isInside(path.replace(/^\.\//, '')))
    return refuse(l10n.t('“{0}” must be a file in or below the folder of the configuration.', path), file);
  return read(path) ?? refuse(l10n.t('The file “{0}” is not there.', path), file);
}

/** Chat as JSON (a list of messages), or one text for the user. Its Nunjucks is read as Jinja. */
function messagesOf(text: string, file: string): readonly { role: string; content: string }[] {
  const chat = /^\s*\[/.test(text) ? parseJson(text) : undefined;
  if (!Array.isArray(chat)) return [{ role: 'user', content: markersAsText(text.trim()) }];
  return chat.map(message => {
    const { role, content } = isRecord(message) ? message : {};
    if (!['system', 'user', 'assistant', 'developer'].includes(String(role)) || typeof content !== 'string')
      return refuse(l10n.t('A message needs a “role” (system, user, assistant) and a text as “content”.'), file);
    return { role: String(role), content: markersAsText(content) };
  });
}

/** Lines that would start a message of their own; tags stay tags. */
const markersAsText = (text: string): string =>
  text.replace(/^.*$/gm, line => (/\{[{%#]/.test(line) ? line : literalJinja(line)));

function rowsOf(
  data: Record<string, unknown>,
  drop: (key: string) => void,
): { rows: Record<string, unknown>[]; expected?: string; grade?: string } {
  if (data.tests !== undefined && !Array.isArray(data.tests)) drop('tests');
  const tests = (Array.isArray(data.tests) ? data.tests : []).filter(isRecord);
  const base = isRecord(data.defaultTest) && isRecord(data.defaultTest.vars) ? data.defaultTest.vars : {};
  if (isRecord(data.defaultTest) && data.defaultTest.assert !== undefined) drop('defaultTest.assert');
  const kinds = tests.flatMap(test =>
    (Array.isArray(test.assert) ? test.assert : []).filter(isRecord).map(({ type }) => String(type)),
  );
  const type = kinds.find(kind => Object.hasOwn(grades, kind));
  const column =
    type === undefined
      ? undefined
      : tests.some(({ vars }) => isRecord(vars) && 'expected' in vars)
        ? 'expected_answer'
        : 'expected';
  const left = new Set<string>();
  const rows = tests.map(test => {
    const row: Record<string, unknown> = { ...base, ...(isRecord(test.vars) ? test.vars : {}) };
    for (const assertion of Array.isArray(test.assert) ? test.assert.filter(isRecord) : []) {
      if (column !== undefined && assertion.type === type && row[column] === undefined) row[column] = assertion.value;
      else left.add(`assert: ${String(assertion.type)}`);
    }
    for (const key of Object.keys(test))
      if (!['vars', 'assert', 'description'].includes(key)) left.add(`tests: ${key}`);
    return row;
  });
  for (const key of left) drop(key);
  return { rows, ...(column === undefined ? {} : { expected: column, grade: grades[type!] }) };
}

/** `openai:chat:gpt-4o` or `{id, config}`. */
function modelOf(provider: unknown, drop: (key: string) => void): object | undefined {
  const id = isRecord(provider) ? provider.id : provider;
  if (typeof id !== 'string') return undefined;
  const [service, ...rest] = id.split(':').filter(part => !['chat', 'messages', 'completion'].includes(part));
  const names: Readonly<Record<string, string>> = {
    temperature: 'temperature',
    max_tokens: 'maxOutputTokens',
    top_p: 'topP',
    stop: 'stopSequences',
    seed: 'seed',
  };
  const options: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(isRecord(provider) && isRecord(provider.config) ? provider.config : {})) {
    if (names[key]) options[names[key]] = value;
    else drop(`config.${key}`);
  }
  const named = rest.length === 0 ? { id } : { id: rest.join(':'), provider: service };
  return { ...named, ...(Object.keys(options).length > 0 ? { options } : {}) };
}
