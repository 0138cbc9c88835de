/** Reads YAML and Markdown with front matter of other tools, bounded and with the line of what is broken. */
import { LineCounter, parseDocument } from 'yaml';
import { l10n } from '../../../base/l10n.ts';
import { isRecord, splitFrontMatter } from '../frontMatter.ts';
import { lineAt } from '../template.ts';
import { refuse } from './conversion.ts';

/** Characters. */
const longest = 4 << 20;

/** A mapping; throws a HumanError with file and line for everything else. */
export function readYaml(text: string, file: string, linesBefore = 0): Record<string, unknown> {
  if (text.length > longest) refuse(l10n.t('The file is longer than {0} MB.', 4), file);
  const lines = new LineCounter();
  const document = parseDocument(text, { prettyErrors: false, logLevel: 'silent', lineCounter: lines });
  const [error] = document.errors;
  if (error) {
    const line = lines.linePos(error.pos[0]).line + linesBefore;
    refuse(l10n.t('This YAML is broken: {0}.', error.message.replace(/\.$/, '')), file, line);
  }
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 }) ?? {};
  } catch {
    refuse(l10n.t('This YAML is broken: {0}.', l10n.t('it is nested too deeply')), file);
  }
  return isRecord(value) ? value : refuse(l10n.t('The file must be a mapping of keys to values.'), file, 1);
}

export function readMarkdown(
  text: string,
  file: string,
): { data: Record<string, unknown>; body: string; bodyStart: number } {
  const plain = text.replace(/\r\n/g, '\n');
  const { yaml, body, unclosed } = splitFrontMatter(plain);
  if (unclosed) refuse(l10n.t('The front matter is not closed. Add a line with “---”.'), file, 1);
  const data = readYaml(plain.slice(yaml.start, yaml.end), file, lineAt(plain, yaml.start) - 1);
  return { data, body: plain.slice(body.start), bodyStart: body.start };
}
