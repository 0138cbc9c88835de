/** Reads a prompt file of VS Code (`.prompt.md`): `${input:name:hint}` becomes an input, the text the user's message. */
import { l10n } from '../../../base/l10n.ts';
import { lineAt } from '../template.ts';
import { type Conversion, literalJinja, type Note, writePrompty } from './conversion.ts';
import { readMarkdown } from './readYaml.ts';

const known = new Set(['name', 'description', 'model']);

export function fromPromptMarkdown(text: string, file: string): Conversion {
  const { data, body, bodyStart } = readMarkdown(text, file);
  const notes: Note[] = [];
  for (const key of Object.keys(data))
    if (!known.has(key)) notes.push({ message: l10n.t('“{0}” was not carried over.', key) });
  const inputs: Record<string, unknown> = {};
  let content = '';
  let done = 0;
  for (const match of body.matchAll(/\$\{([^}\n]*)\}|(?<![\w/])#(?:file|selection|codebase|sym)\b[^\s]*/g)) {
    const input = /^input:([A-Za-z_]\w*)(?::(.*))?$/.exec(match[1] ?? '');
    content += literalJinja(body.slice(done, match.index));
    done = match.index + match[0].length;
    if (input) {
      const [, name, hint] = input as unknown as [string, string, string | undefined];
      inputs[name] ??= { kind: 'string', required: true, ...(hint ? { description: hint } : {}) };
      content += `{{ ${name} }}`;
      continue;
    }
    content += literalJinja(match[0]);
    const line = lineAt(text, bodyStart) + lineAt(body, match.index) - 1;
    notes.push({ message: l10n.t('“{0}” is known to the editor alone; it stands as it is.', match[0]), line });
  }
  content += literalJinja(body.slice(done));
  const frontMatter = { name: data.name, description: data.description, model: data.model, inputs: { ...inputs } };
  return { text: writePrompty({ frontMatter, messages: [{ role: 'user', content: content.trim() }] }), notes };
}
