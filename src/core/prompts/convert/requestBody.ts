/** The request that a rendered template becomes: OpenAI's chat completions and Anthropic's messages, tools and outputs included. */
import { l10n } from '../../../base/l10n.ts';
import { isRecord } from '../frontMatter.ts';
import type { RenderedPrompt, Template } from '../template.ts';
import type { Note } from './conversion.ts';

export interface RequestBody {
  readonly body: Readonly<Record<string, unknown>>;
  readonly notes: readonly Note[];
}

type Names = Readonly<Record<string, string>>;

const openAiOptions: Names = {
  temperature: 'temperature',
  maxOutputTokens: 'max_completion_tokens',
  topP: 'top_p',
  frequencyPenalty: 'frequency_penalty',
  presencePenalty: 'presence_penalty',
  seed: 'seed',
  stopSequences: 'stop',
};
const anthropicOptions: Names = {
  temperature: 'temperature',
  maxOutputTokens: 'max_tokens',
  topP: 'top_p',
  topK: 'top_k',
  stopSequences: 'stop_sequences',
};
/** What Prompty asks Anthropic for where the template does not say; the field is required. */
const anthropicMaxTokens = 4096;

export function openAiBody(template: Template, prompt: RenderedPrompt): RequestBody {
  const options = optionsOf(template, openAiOptions, 'OpenAI');
  const tools = toolsOf(template, tool => ({
    type: 'function',
    function: { ...tool.head, ...tool.strict, parameters: tool.parameters },
  }));
  const outputs = listOf(template.frontMatter.outputs);
  const format =
    outputs.length === 0
      ? {}
      : {
          response_format: {
            type: 'json_schema',
            json_schema: { name: 'structured_output', strict: true, schema: strictSchema(outputs) },
          },
        };
  const messages = prompt.messages.map(({ role, writtenRole, content }) => ({ role: writtenRole ?? role, content }));
  return {
    body: { model: template.model.id ?? '', messages, ...options.values, ...tools.value, ...format },
    notes: [...options.notes, ...tools.notes, ...richInputs(template)],
  };
}

export function anthropicBody(template: Template, prompt: RenderedPrompt): RequestBody {
  const options = optionsOf(template, anthropicOptions, 'Anthropic');
  const tools = toolsOf(template, tool => ({ ...tool.head, input_schema: tool.parameters }));
  const system = prompt.messages.filter(({ role }) => role === 'system').map(({ content }) => content);
  const messages = prompt.messages
    .filter(({ role }) => role !== 'system')
    .map(({ role, content }) => ({ role, content: [{ type: 'text', text: content }] }));
  const notes = [...options.notes, ...tools.notes, ...richInputs(template)];
  if (listOf(template.frontMatter.outputs).length > 0)
    notes.push({ message: l10n.t('“{0}” has no place in this format and was left out.', 'outputs') });
  return {
    body: {
      model: template.model.id ?? '',
      ...(system.length === 0 ? {} : { system: system.join('\n\n') }),
      messages,
      max_tokens: anthropicMaxTokens,
      ...options.values,
      ...tools.value,
    },
    notes,
  };
}

function optionsOf(
  template: Template,
  names: Names,
  target: string,
): { values: Record<string, unknown>; notes: Note[] } {
  const model = template.frontMatter.model;
  const written = isRecord(model) && isRecord(model.options) ? model.options : template.model.options;
  const values: Record<string, unknown> = {};
  const notes: Note[] = [];
  for (const [key, value] of Object.entries({ ...written, ...template.model.options })) {
    const name = names[key];
    if (name !== undefined) values[name] = value;
    else if (key === 'additionalProperties' && isRecord(value)) Object.assign(values, value);
    else notes.push({ message: l10n.t('{0} has no option “{1}”; it was left out.', target, key) });
  }
  return { values, notes };
}

interface Property {
  readonly name: string;
  readonly value: Readonly<Record<string, unknown>>;
}

/** Properties are written as a mapping by name or as a list with names. */
export function listOf(written: unknown): readonly Property[] {
  if (Array.isArray(written))
    return written.flatMap(item =>
      isRecord(item) && typeof item.name === 'string' ? [{ name: item.name, value: item }] : [],
    );
  if (!isRecord(written)) return [];
  return Object.entries(written).map(([name, value]) => ({
    name,
    value: isRecord(value) ? value : { default: value },
  }));
}

const jsonTypes: Names = {
  string: 'string',
  integer: 'integer',
  float: 'number',
  number: 'number',
  boolean: 'boolean',
  array: 'array',
  object: 'object',
};

function schemaOf(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const kind = typeof value.kind === 'string' ? value.kind : 'string';
  return {
    type: jsonTypes[kind] ?? 'string',
    ...(typeof value.description === 'string' ? { description: value.description } : {}),
    ...(Array.isArray(value.enumValues) ? { enum: value.enumValues } : {}),
    ...(kind === 'array' && isRecord(value.items) ? { items: schemaOf(value.items) } : {}),
    ...(kind === 'object' && value.properties ? objectSchema(listOf(value.properties)) : {}),
  };
}

function objectSchema(list: readonly Property[]): Record<string, unknown> {
  const required = list.filter(({ value }) => value.required === true).map(({ name }) => name);
  return {
    type: 'object',
    properties: Object.fromEntries(list.map(({ name, value }) => [name, schemaOf(value)])),
    ...(required.length > 0 ? { required } : {}),
  };
}

/** OpenAI's strict mode wants every property; one that is not required may be null. */
function strictSchema(list: readonly Property[]): Record<string, unknown> {
  const properties = list.map(({ name, value }) => {
    const own = schemaOf(value);
    const nested =
      value.kind === 'object' && value.properties ? { ...own, ...strictSchema(listOf(value.properties)) } : own;
    return [name, value.required === true ? nested : { ...nested, type: [nested.type, 'null'] }];
  });
  const required = list.map(({ name }) => name);
  return { type: 'object', properties: Object.fromEntries(properties), required, additionalProperties: false };
}

interface Tool {
  readonly head: Record<string, unknown>;
  readonly strict: Record<string, unknown>;
  readonly parameters: Record<string, unknown>;
}

/** Function tools, without the parameters that the caller fills. */
function toolsOf(
  template: Template,
  write: (tool: Tool) => unknown,
): { value: Record<string, unknown>; notes: Note[] } {
  const notes: Note[] = [];
  const tools: unknown[] = [];
  for (const { name, value } of listOf(template.frontMatter.tools)) {
    if (value.kind !== 'function') {
      notes.push({ message: l10n.t('The tool “{0}” is no function and was left out.', name) });
      continue;
    }
    const bound = new Set(listOf(value.bindings).map(binding => binding.name));
    const parameters = objectSchema(listOf(value.parameters).filter(parameter => !bound.has(parameter.name)));
    const strict = value.strict === true;
    tools.push(
      write({
        head: { name, ...(typeof value.description === 'string' ? { description: value.description } : {}) },
        strict: strict ? { strict } : {},
        parameters: strict ? { ...parameters, additionalProperties: false } : parameters,
      }),
    );
  }
  return { value: tools.length > 0 ? { tools } : {}, notes };
}

const richInputs = (template: Template): Note[] =>
  template.inputs
    .filter(({ kind }) => kind === 'image' || kind === 'file' || kind === 'audio')
    .map(({ name, kind }) => ({ message: l10n.t('The input “{0}” of kind {1} was left out.', name, kind) }));
