/**
 * The part of Handlebars that dotprompt files mostly use, as Jinja: variables, `if`, `unless`, `each` (with `this`, `@index`,
 * `@first`, `@last`), `else`, comments and `role`. Everything else is refused with its line.
 */
import { l10n } from '../../../base/l10n.ts';
import { lineAt } from '../template.ts';
import { literalJinja, refuse } from './conversion.ts';

export interface JinjaMessage {
  readonly role: string;
  readonly content: string;
}

const tags = /\{\{!--[\s\S]*?--\}\}|\{\{\{[\s\S]*?\}\}\}|\{\{[\s\S]*?\}\}/g;
const deepest = 50;

/** `offset` counts lines of the file before the body. Throws a HumanError with the line of what is not supported. */
export function messagesOfHandlebars(body: string, file: string, linesBefore: number): readonly JinjaMessage[] {
  const messages: { role: string; content: string }[] = [{ role: 'user', content: '' }];
  const open: { name: string; variable?: string; offset: number }[] = [];
  let done = 0;
  const add = (text: string): void => {
    messages.at(-1)!.content += text;
  };
  for (const match of body.matchAll(tags)) {
    const whole = match[0];
    const no = (what: string): never =>
      refuse(
        l10n.t('“{0}” cannot be converted. Write it in another way.', what),
        file,
        linesBefore + lineAt(body, match.index),
      );
    const inner = whole.replace(/^\{\{\{?~?|~?\}?\}\}$/g, '').trim();
    const isBlock = /^[#/!]|^else\b/.test(inner);
    const [start, end] = isBlock
      ? standalone(body, match.index, match.index + whole.length)
      : [match.index, match.index + whole.length];
    const trimmedBefore = /^\{\{\{?~/.test(whole);
    const text = body.slice(done, Math.max(done, start));
    add(literalJinja(trimmedBefore ? text.trimEnd() : text));
    done = Math.max(done, end);
    if (/~\}?\}\}$/.test(whole)) done += /^\s*/.exec(body.slice(done))![0].length;
    if (inner.startsWith('!')) continue;
    const role = /^role\s+["'](system|user|model|assistant)["']$/.exec(inner);
    if (role) {
      if (open.length > 0) no(whole);
      messages.push({ role: role[1] === 'model' ? 'assistant' : role[1]!, content: '' });
      continue;
    }
    const block = /^#(if|unless|each)\s+(\S+)$/.exec(inner);
    if (block) {
      if (open.length >= deepest) no(whole);
      const [, name, argument] = block as unknown as [string, string, string];
      const path = pathOf(argument, open) ?? no(argument);
      const variable = name === 'each' ? `item${open.length === 0 ? '' : open.length}` : undefined;
      open.push({ name, offset: match.index, ...(variable ? { variable } : {}) });
      add(name === 'each' ? `{% for ${variable} in ${path} %}` : `{% if ${name === 'unless' ? 'not ' : ''}${path} %}`);
    } else if (inner === 'else') {
      if (open.length === 0) no(whole);
      add('{% else %}');
    } else if (inner.startsWith('/')) {
      const closed = open.pop();
      if (closed?.name !== inner.slice(1).trim()) no(whole);
      add(closed!.name === 'each' ? '{% endfor %}' : '{% endif %}');
    } else {
      const path = pathOf(inner, open) ?? no(whole);
      add(`{{ ${path} }}`);
    }
  }
  const left = open.at(-1);
  if (left)
    refuse(
      l10n.t('The block “{0}” is not closed. Add “{1}”.', left.name, `{{/${left.name}}}`),
      file,
      linesBefore + lineAt(body, left.offset),
    );
  add(literalJinja(body.slice(done)));
  return messages
    .map(({ role, content }) => ({ role, content: content.replace(/^\s*\n|\s+$/g, '') }))
    .filter(({ content }, index) => content.trim() !== '' || index > 0);
}

const names: Readonly<Record<string, string>> = {
  '@index': 'loop.index0',
  '@first': 'loop.first',
  '@last': 'loop.last',
};

/** A path as Jinja has it, in the innermost `each`; undefined for what is no path. */
function pathOf(written: string, open: readonly { variable?: string }[]): string | undefined {
  const item = open.findLast(({ variable }) => variable !== undefined)?.variable;
  if (item !== undefined && Object.hasOwn(names, written)) return names[written];
  if (written === 'this' || written === '.') return item;
  const path = written.replace(/^(this\.|\.\/)/, '');
  if (
    !/^[A-Za-z_]\w*(\.\w+)*$/.test(path) ||
    /^(history|media|json|section|lookup|log|with|true|false|null)$/.test(path)
  )
    return undefined;
  return item === undefined ? path : `${item}.${path}`;
}

/** A tag alone on its line takes the line with it. */
function standalone(text: string, start: number, end: number): [number, number] {
  const lineStart = text.lastIndexOf('\n', start - 1) + 1;
  const lineBreak = text.indexOf('\n', end);
  const lineEnd = lineBreak === -1 ? text.length : lineBreak;
  const alone = text.slice(lineStart, start).trim() === '' && text.slice(end, lineEnd).trim() === '';
  return alone ? [lineStart, Math.min(lineEnd + 1, text.length)] : [start, end];
}
