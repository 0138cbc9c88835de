/** What is shown for the thing under the cursor: an input's values and tokens, a key's or value's meaning, a model's details. */
import { l10n } from '../../base/l10n.ts';
import type { TextRange } from '../prompts/template.ts';
import type { NameUse } from './bodyModel.ts';
import { type Entry, entriesAround } from './frontMatterTree.ts';
import type { LanguageHost } from './host.ts';
import { type JinjaWord, jinjaFilters, jinjaFunctions, jinjaTags, jinjaTests, loopFields } from './jinjaWords.ts';
import { frontMatterSchema, specAt } from './schema.ts';
import { valueBlock } from './shortValue.ts';
import { declarations, nameAt, type TemplateDocument } from './templateDocument.ts';

export interface Hover {
  readonly range: TextRange;
  /** Markdown, each a paragraph of its own. Values of files stand in code blocks alone. */
  readonly contents: readonly string[];
}

export async function hover(
  document: TemplateDocument,
  offset: number,
  host: LanguageHost,
): Promise<Hover | undefined> {
  const { start, end } = document.template.frontMatterRange;
  if (offset >= start && offset < end) return hoverFrontMatter(document, offset, host);
  const use = nameAt(document, offset);
  return use ? hoverName(document, use, host) : undefined;
}

async function hoverFrontMatter(
  document: TemplateDocument,
  offset: number,
  host: LanguageHost,
): Promise<Hover | undefined> {
  const around = entriesAround(document.entries, offset);
  const entry = around.at(-1);
  if (!entry) return undefined;
  const declared = declarations(document).find(({ nameRange }) => nameRange.start <= offset && offset <= nameRange.end);
  if (declared) {
    const contents = await describeInput(document, declared.name, host);
    return { range: declared.nameRange, contents };
  }
  const spec = specAt(entry.path);
  const onKey = offset <= entry.keyRange.end && entry.keyRange.end > entry.keyRange.start;
  if (onKey) return spec?.doc ? { range: entry.keyRange, contents: [`**${entry.key}**`, spec.doc] } : undefined;
  if (entry.kind !== 'scalar') return undefined;
  const contents = await describeValue(entry, host);
  return contents.length > 0 ? { range: entry.valueRange, contents } : undefined;
}

async function describeValue(entry: Entry, host: LanguageHost): Promise<string[]> {
  const spec = specAt(entry.path) ?? frontMatterSchema();
  const text = String(entry.value ?? '');
  const value = spec.values?.find(candidate => candidate.value === text);
  if (value) return value.doc ? [`**${value.value}**`, value.doc] : [];
  switch (spec.from) {
    case 'model': {
      const model = (await host.models()).find(({ id }) => id === text);
      if (!model) return [];
      const context = model.contextLength;
      const limit = context === undefined ? [] : [l10n.t('Context of {0} tokens', context)];
      return [`**${plain(model.label)}**`, [plain(model.detail), ...limit].filter(Boolean).join(' · ')];
    }
    case 'data-file': {
      const rows = entry.key === 'bank' ? await host.bank() : await host.rows();
      if (!rows) return [];
      const fields = rows.fields.map(field => '`' + field.replaceAll('`', 'ˋ') + '`').join(', ');
      return [l10n.t('{0} rows', rows.count), l10n.t('Fields: {0}', fields)];
    }
    default:
      return [];
  }
}

async function hoverName(document: TemplateDocument, use: NameUse, host: LanguageHost): Promise<Hover | undefined> {
  const word = (list: readonly JinjaWord[]): Hover | undefined => {
    const name = use.kind === 'tag' ? use.name.replace(/^end/, '') : use.name;
    const found = list.find(candidate => candidate.name === name);
    return found && { range: use.range, contents: [`**${found.name}**`, found.doc] };
  };
  switch (use.kind) {
    case 'filter':
      return word(jinjaFilters());
    case 'test':
      return word(jinjaTests());
    case 'tag':
      return word(jinjaTags());
    case 'function':
      return word(jinjaFunctions());
    case 'property':
      return use.of?.name === 'loop' ? word(loopFields()) : undefined;
    case 'variable':
      return { range: use.range, contents: await describeVariable(document, use, host) };
  }
}

async function describeVariable(document: TemplateDocument, use: NameUse, host: LanguageHost): Promise<string[]> {
  const { binding, name } = use;
  const title = `**${name}**`;
  if (binding) {
    const kinds = {
      loop: binding.over === undefined ? l10n.t('Each item of a loop.') : l10n.t('Each item of “{0}”.', binding.over),
      set: l10n.t('A value that the template sets.'),
      macro: l10n.t('A macro of the template.'),
      parameter: l10n.t('A parameter.'),
    };
    return [title, name === 'loop' ? l10n.t('The loop: its number, its first and last item.') : kinds[binding.kind]];
  }
  if (name === 'shots') {
    const bank = await host.bank();
    const examples = document.template.tunesmith.examples;
    const sentence = l10n.t('Where the worked examples go.');
    return examples && bank
      ? [
          title,
          sentence,
          l10n.t('{0} of {1} from {2}', examples.shots, bank.count, '`' + examples.bank.replaceAll('`', 'ˋ') + '`'),
        ]
      : [title, sentence];
  }
  return describeInput(document, name, host);
}

async function describeInput(document: TemplateDocument, name: string, host: LanguageHost): Promise<string[]> {
  const input = document.template.inputs.find(candidate => candidate.name === name);
  if (!input) return [`**${name}**`, l10n.t('Not declared. Add it under “inputs”, or correct the name.')];
  const required = input.required ? ` · ${l10n.t('required')}` : '';
  const contents = [`**${name}** · ${input.kind}${required}`];
  if (input.description) contents.push(plain(input.description));
  const rows = await host.rows();
  const row = rows?.current[name];
  const [label, value] =
    row !== undefined
      ? [l10n.t('In the current row:'), row]
      : input.default !== undefined
        ? [l10n.t('Default:'), input.default]
        : [l10n.t('Example:'), input.example];
  if (value === undefined || value === null) return contents;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const counted = await host.countTokens(text);
  const tokens = counted ? ` ${l10n.t('{0} tokens ({1})', counted.tokens, plain(counted.model))}` : '';
  contents.push(label + tokens, valueBlock(value));
  return contents;
}

/** Words of files and servers as text, whatever they hold. */
const plain = (text: string): string => text.replace(/[\\`*_{}[\]()#+!|<>~&]/g, '\\$&');
