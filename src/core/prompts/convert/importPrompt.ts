/** Which format a file is in, by its name and content, and its conversion to a `.prompty` template. */
import { l10n } from '../../../base/l10n.ts';
import { type Conversion, refuse } from './conversion.ts';
import { fromDotprompt } from './dotprompt.ts';
import { fromPromptfoo, type ReadBeside } from './promptfoo.ts';
import { fromPromptMarkdown } from './promptMarkdown.ts';
import { fromPromptYml } from './promptYml.ts';

export interface ImportOptions {
  readonly read: ReadBeside;
  /** Which prompt of a promptfoo configuration, counted from 1. */
  readonly which?: number;
}

/** Throws a HumanError with file and line for what cannot be converted. */
export function importPrompt(text: string, file: string, { read, which }: ImportOptions): Conversion {
  const plain = text.replace(/^\uFEFF/, '');
  if (/\.prompt\.ya?ml$/i.test(file)) return fromPromptYml(plain, file);
  if (/\.prompt\.md$/i.test(file)) return fromPromptMarkdown(plain, file);
  if (/\.prompt$/i.test(file)) return fromDotprompt(plain, file);
  if (/\.(ya?ml|json)$/i.test(file)) return fromPromptfoo(plain, file, read, which);
  return refuse(
    l10n.t('Files that can be converted end in .prompty, .prompt.yml, .prompt, .prompt.md, or .yaml (promptfoo).'),
    file,
  );
}
