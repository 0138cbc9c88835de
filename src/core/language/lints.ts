/** What is worth a remark beyond what the parser says: near misses of keys, unused inputs, blocks left open, files that do not fit. */
import { l10n } from '../../base/l10n.ts';
import type { Diagnostic, TextRange } from '../prompts/template.ts';
import { allEntries, type Entry, entryAt } from './frontMatterTree.ts';
import type { TemplateFiles } from './host.ts';
import { nearest } from './nearest.ts';
import { specAt } from './schema.ts';
import { declarations, type TemplateDocument, usesOf } from './templateDocument.ts';

export interface Lint extends Diagnostic {
  /** What may be meant, to stand in its range. */
  readonly meant?: readonly string[];
  /** Text that closes what is open, for the end of the file. */
  readonly missing?: string;
  /** Shown faded rather than underlined. */
  readonly unnecessary?: boolean;
}

/** By place. Nothing while the front matter cannot be read: the rest would be noise. */
export function lints(document: TemplateDocument, files: TemplateFiles): Lint[] {
  const { template, body } = document;
  const isBroken = template.diagnostics.some(({ code }) => code === 'yaml' || code === 'front-matter');
  if (isBroken) return [...body.problems];
  const found = [
    ...unknownKeys(document.entries),
    ...unusedInputs(document),
    ...misfits(document, files),
    ...body.problems,
  ];
  return found.sort((a, b) => a.range.start - b.range.start);
}

/** Keys that are nobody's but look like one of ours; others are kept in silence. */
function* unknownKeys(entries: readonly Entry[]): Generator<Lint> {
  for (const { path, key, keyRange } of allEntries(entries)) {
    if (keyRange.end === keyRange.start) continue;
    const parent = specAt(path.slice(0, -1));
    if (!parent?.keys || parent.keys[key] || parent.each) continue;
    const candidates = Object.entries(parent.keys).filter(([, { old }]) => !old);
    const meant = nearest(
      key,
      candidates.map(([name]) => name),
    );
    if (meant.length === 0) continue;
    const message = l10n.t('There is no key “{0}” here. Is “{1}” meant?', key, meant[0]!);
    yield { severity: 'warning', code: 'unknown-key', message, range: keyRange, meant };
  }
}

function* unusedInputs(document: TemplateDocument): Generator<Lint> {
  const { template } = document;
  if (template.diagnostics.some(({ code }) => code === 'template-syntax' || code === 'no-message')) return;
  for (const { name, nameRange } of declarations(document)) {
    if (usesOf(document, name).length > 0) continue;
    const message = l10n.t('The input “{0}” is not used in the prompt.', name);
    yield { severity: 'information', code: 'unused-input', message, range: nameRange, unnecessary: true };
  }
}

/** Between the template and its files. */
function* misfits(document: TemplateDocument, { bank, rows }: TemplateFiles): Generator<Lint> {
  const { entries, template } = document;
  const settings = entryAt(entries, ['metadata', 'tunesmith']);
  const rangeOf = (...path: string[]): TextRange | undefined => {
    const entry = settings && entryAt(settings.entries, path);
    return entry?.kind === 'scalar' ? entry.valueRange : undefined;
  };
  const examples = template.tunesmith.examples;
  if (examples && bank && bank.count < examples.shots) {
    const message = l10n.t('The bank has only {0} examples. Lower “shots”, or add some.', bank.count);
    const range = rangeOf('examples', 'shots') ?? rangeOf('examples', 'bank') ?? examples.range;
    yield { severity: 'warning', code: 'too-few-examples', message, range };
  }
  const expected = template.tunesmith.expected;
  const at = rangeOf('expected');
  if (rows && at && expected !== undefined && !rows.fields.includes(expected)) {
    const message = l10n.t('The rows have no column “{0}”.', expected);
    yield { severity: 'warning', code: 'unknown-value', message, range: at, meant: nearest(expected, rows.fields) };
  }
  if (!rows) return;
  for (const { name, nameRange } of declarations(document)) {
    const input = template.inputs.find(candidate => candidate.name === name);
    if (!input?.required || input.default !== undefined || rows.fields.includes(name)) continue;
    // Candidates take its place.
    if (template.tunesmith.score?.input === name) continue;
    const message = l10n.t('The rows have no column “{0}”. Add one, or give the input a default.', name);
    yield { severity: 'warning', code: 'missing-input', message, range: nameRange };
  }
}
