/** Reads a dotprompt file (`.prompt`): its front matter, Picoschema and a subset of Handlebars, as a `.prompty` template. */
import { l10n } from '../../../base/l10n.ts';
import { isRecord } from '../frontMatter.ts';
import { lineAt } from '../template.ts';
import { type Conversion, type Note, writePrompty } from './conversion.ts';
import { messagesOfHandlebars } from './handlebars.ts';
import { inputsOfPicoschema } from './picoschema.ts';
import { readMarkdown } from './readYaml.ts';

const config: Readonly<Record<string, string>> = {
  temperature: 'temperature',
  maxOutputTokens: 'maxOutputTokens',
  topP: 'topP',
  topK: 'topK',
  stopSequences: 'stopSequences',
};
const known = new Set(['name', 'description', 'model', 'config', 'input', 'output']);

export function fromDotprompt(text: string, file: string): Conversion {
  const { data, body, bodyStart } = readMarkdown(text, file);
  const notes: Note[] = [];
  const drop = (key: string): void => void notes.push({ message: l10n.t('“{0}” was not carried over.', key) });
  for (const key of Object.keys(data)) if (!known.has(key)) drop(key);
  const options: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(isRecord(data.config) ? data.config : {})) {
    if (config[key]) options[config[key]] = value;
    else drop(`config.${key}`);
  }
  const input = isRecord(data.input) ? data.input : {};
  const inputs = inputsOfPicoschema(input.schema) ?? {};
  for (const [name, value] of Object.entries(isRecord(input.default) ? input.default : {})) {
    const { required: _, ...rest } = inputs[name] ?? {};
    inputs[name] = { ...rest, default: value };
  }
  const output = isRecord(data.output) ? data.output : {};
  const [provider, ...id] = typeof data.model === 'string' ? data.model.split('/') : [];
  const model = id.length > 0 ? { id: id.join('/'), provider } : { id: provider };
  const messages = messagesOfHandlebars(body, file, lineAt(text, bodyStart) - 1);
  const frontMatter = {
    name: data.name,
    description: data.description,
    model: { ...model, options: Object.keys(options).length > 0 ? options : undefined },
    inputs: Object.keys(inputs).length > 0 ? inputs : undefined,
    outputs: inputsOfPicoschema(output.schema),
  };
  return { text: writePrompty({ frontMatter, messages }), notes };
}
