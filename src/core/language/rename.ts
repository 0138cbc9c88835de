/** Renaming an input in front matter and prompt, or a name of the template's own in its scope. */
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import type { Replacement } from '../../base/textChange.ts';
import { builtInVariables } from '../prompts/promptyFile.ts';
import type { TextRange } from '../prompts/template.ts';
import { occurrencesAt } from './references.ts';
import { declarations, isDeclared, type TemplateDocument } from './templateDocument.ts';

/** What would be renamed, or undefined where nothing can be. */
export function renameable(
  document: TemplateDocument,
  offset: number,
): { readonly range: TextRange; readonly name: string } | undefined {
  const found = occurrencesAt(document, offset);
  if (!found || builtInVariables.has(found.name)) return undefined;
  return { range: bare(document.text, found.at), name: found.name };
}

/** Throws a HumanError where the name cannot be used. */
export function rename(document: TemplateDocument, offset: number, name: string): readonly Replacement[] {
  const found = occurrencesAt(document, offset);
  if (!found || builtInVariables.has(found.name)) throw new HumanError(l10n.t('There is nothing here to rename.'));
  if (name === found.name) return [];
  checkName(document, name, found.kind === 'input');
  const places = found.declaration ? [found.declaration, ...found.uses] : found.uses;
  return places.map(place => {
    const { start, end } = bare(document.text, place);
    return { offset: start, length: end - start, text: name };
  });
}

const reserved = new Set(
  'and or not in is if else elif for endfor endif set endset macro endmacro true false none True False None loop namespace range'.split(
    ' ',
  ),
);

function checkName(document: TemplateDocument, name: string, isInput: boolean): void {
  if (!/^[A-Za-z_]\w*$/.test(name))
    throw new HumanError(
      l10n.t('“{0}” is no name: use letters, digits and underscores, beginning with a letter.', name),
    );
  if (reserved.has(name) || builtInVariables.has(name))
    throw new HumanError(l10n.t('“{0}” means something else in templates. Choose another name.', name));
  // The template's own names would hide an input, or an input would turn up where there was none.
  const taken = document.body.names.some(use => use.kind === 'variable' && use.name === name);
  if (taken || isDeclared(document, name) || (isInput && declarations(document).some(other => other.name === name)))
    throw new HumanError(l10n.t('“{0}” is used in this template already. Choose another name.', name));
}

/** Without quotes. */
function bare(text: string, { start, end }: TextRange): TextRange {
  const quoted = end - start >= 2 && /^["']/.test(text[start]!) && text[end - 1] === text[start];
  return quoted ? { start: start + 1, end: end - 1 } : { start, end };
}
