/** The words of Jinja that Tunesmith's renderer understands, each explained: filters, tests, tags, functions. */
import { l10n } from '../../base/l10n.ts';

export interface JinjaWord {
  readonly name: string;
  readonly doc: string;
  /** What to write where that is more than the name, with places to fill in: `join(${1:', '})`. */
  readonly snippet?: string;
}

const word = (name: string, doc: string, snippet?: string): JinjaWord => ({ name, doc, snippet });

export const jinjaFilters = (): readonly JinjaWord[] => [
  word('default', l10n.t('Another value where this one is missing.'), "default('$1')"),
  word('length', l10n.t('How many items, keys or characters.')),
  word('join', l10n.t('The items in one text, with a separator between them.'), "join('${1:, }')"),
  word('trim', l10n.t('Without white space at both ends.')),
  word('upper', l10n.t('In capital letters.')),
  word('lower', l10n.t('In small letters.')),
  word('title', l10n.t('Each word with a capital letter.')),
  word('capitalize', l10n.t('The first letter as a capital.')),
  word('replace', l10n.t('One text in place of another.'), "replace('$1', '$2')"),
  word('indent', l10n.t('Lines after the first moved to the right.'), 'indent(${1:4})'),
  word('tojson', l10n.t('As JSON.')),
  word('string', l10n.t('As text.')),
  word('int', l10n.t('As a whole number.')),
  word('float', l10n.t('As a number with a point.')),
  word('bool', l10n.t('As true or false.')),
  word('abs', l10n.t('Without its sign.')),
  word('first', l10n.t('The first item.')),
  word('last', l10n.t('The last item.')),
  word('reverse', l10n.t('The items from last to first.')),
  word('sort', l10n.t('The items in order.')),
  word('unique', l10n.t('Each item once.')),
  word('list', l10n.t('As a list.')),
  word('items', l10n.t('The pairs of key and value.')),
  word('keys', l10n.t('The keys.')),
  word('values', l10n.t('The values.')),
  word('dictsort', l10n.t('The pairs of key and value in order.')),
  word('get', l10n.t('The value of a key.'), "get('$1')"),
  word('map', l10n.t('One attribute of each item.'), "map(attribute='$1')"),
  word('selectattr', l10n.t('The items whose attribute passes a test.'), "selectattr('$1')"),
  word('rejectattr', l10n.t('The items whose attribute does not pass a test.'), "rejectattr('$1')"),
  word('safe', l10n.t('The value as it is.')),
];

export const jinjaTests = (): readonly JinjaWord[] => [
  word('defined', l10n.t('It has a value.')),
  word('undefined', l10n.t('It has no value.')),
  word('none', l10n.t('It is none.')),
  word('string', l10n.t('It is a text.')),
  word('number', l10n.t('It is a number.')),
  word('integer', l10n.t('It is a whole number.')),
  word('boolean', l10n.t('It is true or false.')),
  word('true', l10n.t('It is true.')),
  word('false', l10n.t('It is false.')),
  word('odd', l10n.t('It is an odd number.')),
  word('even', l10n.t('It is an even number.')),
  word('mapping', l10n.t('It has keys and values.')),
  word('sequence', l10n.t('It is a list or a text.')),
  word('iterable', l10n.t('A loop can go over it.')),
  word('callable', l10n.t('It can be called.')),
  word('lower', l10n.t('It is in small letters.')),
  word('upper', l10n.t('It is in capital letters.')),
  word('equalto', l10n.t('It equals another value (in selectattr).')),
  word('eq', l10n.t('It equals another value (in selectattr).')),
];

/** `closes` names the tag that ends a block. */
export const jinjaTags = (): readonly (JinjaWord & { readonly closes?: string })[] => [
  {
    ...word('if', l10n.t('The text stands only where the condition holds.')),
    snippet: 'if ${1:condition} %}$0{% endif',
    closes: 'endif',
  },
  word('elif', l10n.t('Another condition, tried when those before it do not hold.'), 'elif ${1:condition}'),
  word('else', l10n.t('What stands otherwise; in a loop, when there are no items.')),
  {
    ...word('for', l10n.t('The text once for each item.')),
    snippet: 'for ${1:item} in ${2:items} %}$0{% endfor',
    closes: 'endfor',
  },
  { ...word('set', l10n.t('Gives a name to a value.'), 'set ${1:name} = ${2:value}'), closes: 'endset' },
  {
    ...word('macro', l10n.t('A text with parameters, to be called by name.')),
    snippet: 'macro ${1:name}($2) %}$0{% endmacro',
    closes: 'endmacro',
  },
  {
    ...word('call', l10n.t('Calls a macro with the text between the tags.')),
    snippet: 'call ${1:macro}() %}$0{% endcall',
    closes: 'endcall',
  },
  {
    ...word('filter', l10n.t('Applies a filter to the text between the tags.')),
    snippet: 'filter ${1:upper} %}$0{% endfilter',
    closes: 'endfilter',
  },
  word('break', l10n.t('Leaves the loop.')),
  word('continue', l10n.t('Goes on with the next item.')),
];

export const jinjaFunctions = (): readonly JinjaWord[] => [
  word('range', l10n.t('Whole numbers from 0, or from a start, up to a stop that is left out.'), 'range($1)'),
  word('namespace', l10n.t('A value with fields that a loop can change.'), 'namespace($1)'),
  word('raise_exception', l10n.t('Stops rendering with a message.'), "raise_exception('$1')"),
];

/** Fields of `loop` inside a loop. */
export const loopFields = (): readonly JinjaWord[] => [
  word('index', l10n.t('Number of the item, from 1.')),
  word('index0', l10n.t('Number of the item, from 0.')),
  word('revindex', l10n.t('How many items are left, this one counted.')),
  word('revindex0', l10n.t('How many items are left, this one not counted.')),
  word('first', l10n.t('This is the first item.')),
  word('last', l10n.t('This is the last item.')),
  word('length', l10n.t('How many items there are.')),
  word('previtem', l10n.t('The item before.')),
  word('nextitem', l10n.t('The item after.')),
];
