/** What a grammar cannot know: roles that are roles, variables that are inputs, the template's own, or declared nowhere. */
import { builtInVariables } from '../prompts/promptyFile.ts';
import type { TextRange } from '../prompts/template.ts';
import { declarations, isDeclared, type TemplateDocument } from './templateDocument.ts';
import type { TokenType } from './tokenTypes.ts';

export interface SemanticToken {
  readonly type: TokenType;
  readonly isDeclaration: boolean;
  readonly range: TextRange;
}

/** By place, never overlapping. */
export function semanticTokens(document: TemplateDocument): SemanticToken[] {
  const { text, template, body } = document;
  const tokens: SemanticToken[] = [];
  const add = (type: TokenType, range: TextRange, isDeclaration = false): void => {
    tokens.push({ type, range, isDeclaration });
  };
  for (const { nameRange } of declarations(document)) add('promptInput', nameRange, true);
  for (const { range } of template.roles) {
    const word = /[A-Za-z]+/.exec(text.slice(range.start, range.end))!;
    add('promptRole', { start: range.start + word.index, end: range.start + word.index + word[0].length });
  }
  for (const use of body.names) {
    const { kind, name, range, binding } = use;
    if (kind === 'filter' || kind === 'test' || kind === 'function') add('promptFilter', range);
    else if (kind !== 'variable') continue;
    else if (binding) add('promptLocal', range, binding.range.start === range.start);
    else if (builtInVariables.has(name)) add('promptShots', range);
    else if (isDeclared(document, name)) add('promptInput', range);
    // Inside a section of Mustache it is a field of the item.
    else add(use.of ? 'promptLocal' : 'promptUndeclared', range);
  }
  return tokens.sort((a, b) => a.range.start - b.range.start);
}
