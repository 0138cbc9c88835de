/** Reads what a template names: its bank and rows inside the workspace, `${file:}` contents inside its own folder. */
import { readFile, realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute, relative, resolve, sep } from 'node:path';
import { HumanError, type Place } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import { type ExampleBank, readBank } from '../core/datasets/bank.ts';
import { type DataRow, readRows } from '../core/datasets/rows.ts';
import { parseTemplate } from '../core/prompts/promptyFile.ts';
import { isInside } from '../core/prompts/references.ts';
import { lineAt, type Template } from '../core/prompts/template.ts';

/** Larger files are refused: they would be read into memory whole. */
const largest = 256 * 2 ** 20;

/** Reads and parses a template. A file that cannot be read is a HumanError; what is wrong inside it are its diagnostics. */
export async function readTemplate(path: string): Promise<Template> {
  return parseTemplate(await readWhole(resolve(path), { file: path }), path);
}

/** The template's example bank, or undefined where it names none. `workspace` is the folder that nothing may leave. */
export async function readTemplateBank(template: Template, workspace: string): Promise<ExampleBank | undefined> {
  const examples = template.tunesmith.examples;
  if (!examples) return undefined;
  const place = { file: template.file, line: lineAt(template.text, examples.range.start) };
  const missing = l10n.t('The example bank “{0}” is not there. Correct the path, or set “shots: 0”.', examples.bank);
  const { path, text } = await readBeside(template.file, examples.bank, workspace, place, missing);
  return readBank(text, path);
}

/** The template's input rows, or undefined where it names none. */
export async function readTemplateRows(template: Template, workspace: string): Promise<DataRow[] | undefined> {
  const { rows } = template.tunesmith;
  if (rows === undefined) return undefined;
  const at = template.text.indexOf(rows, template.frontMatterRange.start);
  const place = { file: template.file, line: lineAt(template.text, Math.max(0, at)) };
  const missing = l10n.t('The input rows “{0}” are not there. Correct the path under metadata.tunesmith.', rows);
  const { path, text } = await readBeside(template.file, rows, workspace, place, missing);
  return readRows(text, path);
}

/** Input rows of a file that the person named, wherever it lies. */
export async function readDataFile(path: string): Promise<DataRow[]> {
  return readRows(await readWhole(resolve(path), { file: path }), path);
}

/** A file that `${file:…}` names: in or below the template's folder also after links were followed. */
export async function readReferencedFile(template: string, file: string): Promise<string> {
  const place = { file: template };
  if (!isInside(file))
    throw new HumanError(l10n.t('“{0}” must be a file in or below the template’s folder.', file), { place });
  const missing = l10n.t('The file “{0}” is not there. Correct the path.', file);
  return (await readBeside(template, file, dirname(resolve(template)), place, missing)).text;
}

async function readBeside(
  template: string,
  path: string,
  folder: string,
  place: Place,
  missing: string,
): Promise<{ path: string; text: string }> {
  const wanted = resolve(dirname(resolve(template)), path);
  let real: string;
  try {
    real = await realpath(wanted);
  } catch (cause) {
    throw new HumanError(missing, { cause, place });
  }
  if (!contains(await realpath(folder), real)) {
    throw new HumanError(l10n.t('“{0}” lies outside {1}. Move it there.', path, folder), { place });
  }
  return { path: wanted, text: await readWhole(real, place) };
}

function contains(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

async function readWhole(path: string, place: Place): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size > largest) throw new HumanError(l10n.t('“{0}” is larger than 256 MB. Split it.', path), { place });
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path));
  } catch (error) {
    if (error instanceof HumanError) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    if (error instanceof TypeError || code === 'ERR_ENCODING_INVALID_ENCODED_DATA')
      throw new HumanError(l10n.t('This file is not UTF-8 text. Save it as UTF-8.'), {
        cause: error,
        place: { file: path },
      });
    const message =
      code === 'ENOENT' || code === 'ENOTDIR'
        ? l10n.t('There is no such file.')
        : code === 'EISDIR'
          ? l10n.t('This is a folder, not a file.')
          : l10n.t('This file cannot be read ({0}).', code ?? String(error));
    throw new HumanError(message, { cause: error, place: { file: path } });
  }
}
