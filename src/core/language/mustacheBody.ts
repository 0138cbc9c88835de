/** Names and sections of a Mustache template. A name inside a section is looked up in the section's item first, then outside. */
import { l10n } from '../../base/l10n.ts';
import type { TextRange } from '../prompts/template.ts';
import type { Block, BodyModel, BodyProblem, NameUse, Tag } from './bodyModel.ts';

export function mustacheBody(source: string, offset: number): BodyModel {
  const tags: Tag[] = [];
  const names: NameUse[] = [];
  const blocks: Block[] = [];
  const problems: BodyProblem[] = [];
  const open: { name: string; use: NameUse; tag: TextRange }[] = [];
  const report = (message: string, range: TextRange, more: Pick<BodyProblem, 'meant' | 'missing'> = {}): void => {
    problems.push({ severity: 'error', code: 'template-syntax', message, range, ...more });
  };
  const pattern = /\{\{(?:\{([^}]*)\}|([#^/!>=&]?)([\s\S]*?))\}\}/g;
  for (const match of source.matchAll(pattern)) {
    const [whole, triple, sigil = '', rest = ''] = match;
    const start = offset + match.index;
    const range = { start, end: start + whole.length };
    const content = triple ?? rest;
    const innerStart = start + whole.indexOf(content, 2 + (triple === undefined ? sigil.length : 1));
    const inner = { start: innerStart, end: innerStart + content.length };
    const kind = sigil === '!' ? 'comment' : sigil === '' || sigil === '&' ? 'expression' : 'statement';
    tags.push({ kind, range, inner });
    const path = content.trim();
    if (sigil === '!' || sigil === '>' || sigil === '=' || path === '' || path === '.') continue;
    const at = inner.start + content.indexOf(path);
    const [first = '', ...properties] = path.split('.');
    const section = sigil === '#' || sigil === '^';
    const around = open.at(-1)?.use;
    const variable: NameUse = {
      kind: 'variable',
      name: first,
      range: { start: at, end: at + first.length },
      guarded: section,
      ...(around && sigil !== '/' ? { of: around } : {}),
    };
    names.push(variable);
    let next = at + first.length + 1;
    for (const property of properties) {
      names.push({
        kind: 'property',
        name: property,
        range: { start: next, end: next + property.length },
        of: variable,
      });
      next += property.length + 1;
    }
    if (section) open.push({ name: path, use: variable, tag: range });
    else if (sigil === '/') {
      const found = open.findLastIndex(block => block.name === path);
      if (found === -1) {
        const meant = open.at(-1)?.name;
        const message = l10n.t('No section “{0}” is open here. Remove this tag or correct its name.', path);
        report(message, { start: at, end: at + path.length }, { meant: meant === undefined ? [] : [meant] });
        continue;
      }
      for (const block of open.splice(found).reverse()) {
        blocks.push({ name: block.name, open: block.tag, close: range, captures: false });
        if (block.name !== path) unclosed(block.name, block.tag, false);
      }
    }
  }
  const end = offset + source.length;
  for (const { name, tag } of open.reverse()) {
    blocks.push({ name, open: tag, close: { start: end, end }, captures: false });
    unclosed(name, tag, true);
  }
  return { tags, names, blocks, problems };

  function unclosed(name: string, tag: TextRange, atEnd: boolean): void {
    const missing = `{{/${name}}}`;
    report(l10n.t('The section “{0}” is not closed. Add “{1}”.', name, missing), tag, atEnd ? { missing } : {});
  }
}
