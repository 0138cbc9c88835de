/** What can be written at a place of a template: keys and values of the front matter, names and words inside tags, roles. */
import { completeBody } from './completeBody.ts';
import { completeFrontMatter } from './completeFrontMatter.ts';
import type { Completion } from './completionItem.ts';
import type { LanguageHost } from './host.ts';
import { newTemplates } from './newTemplates.ts';
import type { TemplateDocument } from './templateDocument.ts';

/** In the order in which they are to be shown. */
export async function complete(
  document: TemplateDocument,
  offset: number,
  host: LanguageHost,
): Promise<readonly Completion[]> {
  const { text, template } = document;
  const isNew = !/\S\s+\S/.test(text) && text.trim().length <= 20;
  const fresh = isNew ? newTemplates({ start: 0, end: text.length }, template.file) : [];
  const { start, end } = template.frontMatterRange;
  if (offset >= start && offset <= end && start > 0)
    return [...(await completeFrontMatter(document, offset, host)), ...fresh];
  return [...fresh, ...(await completeBody(document, offset, host))];
}
