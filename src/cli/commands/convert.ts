/** `tunesmith convert <file>`: prompts of other tools as templates, templates as requests, code or `.prompt.yml`. */
import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import type { Conversion } from '../../core/prompts/convert/conversion.ts';
import { asVersion2, convertTemplate, type Target, Targets } from '../../core/prompts/convert/convertTemplate.ts';
import { importPrompt } from '../../core/prompts/convert/importPrompt.ts';
import { exampleValues } from '../../core/prompts/inputValues.ts';
import { firstError, parseTemplate } from '../../core/prompts/promptyFile.ts';
import { renderPrompt } from '../../core/prompts/render.ts';
import { type Cli, numberOption } from '../cli.ts';
import { bankOf, givenValues, withReferences } from '../templates.ts';

interface ConvertOptions {
  readonly to: Target;
  readonly output?: string;
  readonly input?: readonly string[];
  readonly prompt?: number;
}

export function registerConvert(program: Command, cli: Cli): void {
  const collect = (word: string, before: readonly string[] = []): string[] => [...before, word];
  program
    .command('convert <file>')
    .description(l10n.t('convert prompts: .prompty, .prompt.yml, dotprompt, promptfoo, .prompt.md'))
    .addOption(new Option('--to <format>', l10n.t('what to write')).choices(Targets).makeOptionMandatory())
    .option('-o, --output <file>', l10n.t('where to write (default: stdout)'))
    .addOption(new Option('-i, --input <name=value>', l10n.t('a value of an input; repeat it')).argParser(collect))
    .option(
      '--prompt <number>',
      l10n.t('which prompt of a promptfoo file'),
      numberOption('--prompt', { min: 1, max: 1_000_000 }),
    )
    .action((path: string, options: ConvertOptions) => convert(cli, path, options));
}

async function convert(cli: Cli, path: string, options: ConvertOptions): Promise<void> {
  const text = await readFile(path, 'utf8').catch(() => {
    throw new HumanError(l10n.t('The file “{0}” is not there.', path));
  });
  const imported = /\.prompty$/i.test(path)
    ? { text: asVersion2(text), notes: [] }
    : importPrompt(text, path, { read: name => readBeside(path, name), which: options.prompt });
  const result = options.to === 'prompty' ? imported : await exported(cli, path, imported, options, options.to);
  for (const { message, line } of result.notes)
    cli.note(line === undefined ? `${basename(path)}: ${message}` : `${basename(path)}:${line}: ${message}`);
  await write(cli, result, options);
}

async function exported(
  cli: Cli,
  path: string,
  imported: Conversion,
  options: ConvertOptions,
  to: Exclude<Target, 'prompty'>,
): Promise<Conversion> {
  const parsed = parseTemplate(imported.text, resolve(path));
  const wrong = firstError(parsed, parsed.diagnostics);
  if (wrong) throw wrong;
  // Where the prompt is sent to is up to who sends it: keys and addresses of the template stay out of the result.
  const { connection: _, connectionFile: __, ...model } = parsed.model;
  const template = await withReferences(cli, { ...parsed, model }, { local: true, allowEndpoint: [] });
  const bank = (template.tunesmith.examples?.shots ?? 0) > 0 ? await bankOf(cli, template) : undefined;
  const values = { ...exampleValues(template.inputs), ...givenValues(template, options.input ?? []) };
  const { prompt, diagnostics } = await renderPrompt(template, { values, bank }, cli.evaluator.render);
  if (!prompt) throw firstError(template, diagnostics) ?? new Error('nothing rendered and nothing said');
  const result = convertTemplate(template, prompt, to);
  return { ...result, notes: [...imported.notes, ...result.notes] };
}

async function write(cli: Cli, { text, files = [] }: Conversion, { output }: ConvertOptions): Promise<void> {
  if (output === undefined) {
    cli.out(text);
    for (const { name } of files) cli.note(l10n.t('The rows belong into “{0}”. Use -o to have it written.', name));
    return;
  }
  await writeFile(output, text);
  for (const { name, text: data } of files) {
    const beside = join(dirname(output), name);
    const before = await readFile(beside, 'utf8').catch(() => undefined);
    if (before !== undefined && before !== data)
      throw new HumanError(l10n.t('There is already another file {0}. Move it away first.', beside));
    await writeFile(beside, data);
    cli.note(l10n.t('Wrote {0}.', beside));
  }
}

/** The importer has seen to it that `name` stays inside the folder. */
function readBeside(path: string, name: string): string | undefined {
  try {
    return readFileSync(join(dirname(path), name), 'utf8');
  } catch {
    return undefined;
  }
}
