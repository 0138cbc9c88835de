/** `tunesmith constitution`: shows a constitution, and lets a model revise its own answers by it into examples for `train sft`. */
import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { HumanError } from '../../base/errors.ts';
import { stringifyJsonLines } from '../../base/jsonLines.ts';
import { l10n } from '../../base/l10n.ts';
import { type Constitution, parseConstitution } from '../../core/constitution/constitution.ts';
import { exampleOf, reviseAnswers } from '../../core/constitution/revise.ts';
import { revisionNotes } from '../../core/constitution/revisionText.ts';
import { defaultSampling, type Prompt } from '../../core/generation.ts';
import { parseTrlPrompts } from '../../core/preferences/trlImport.ts';
import { promptOf } from '../../core/prompts/template.ts';
import { type Cli, numberOption } from '../cli.ts';
import { askOptions, renderColumn } from '../experiments.ts';
import { loadTemplate, rowsOf, withReferences } from '../templates.ts';

interface ReviseFlags {
  readonly model: string;
  readonly prompts?: string;
  readonly template?: string;
  readonly rounds: number;
  readonly seed: number;
  readonly temperature: number;
  readonly maxTokens: number;
  readonly limit?: number;
  readonly output: string;
  readonly chains?: string;
  readonly fresh?: boolean;
  readonly concurrency?: number;
  readonly retries?: number;
}

export function registerConstitution(program: Command, cli: Cli): void {
  const constitution = program
    .command('constitution')
    .description(l10n.t('principles by which a model criticises and revises its own answers'));
  constitution
    .command('show <file>')
    .description(l10n.t('check a constitution and list its principles'))
    .action(async (file: string) => {
      const { name, principles } = await readConstitution(cli, file);
      cli.out(`${l10n.t('{0}: {1} principles', name, principles.length)}\n`);
      for (const principle of principles) cli.out(`- ${principle.name}: ${principle.critique}\n`);
    });
  const revise = constitution
    .command('revise <file>')
    .description(l10n.t('answer, criticise and revise: examples for “train sft”'))
    .option('-m, --model <model>', l10n.t('who answers, criticises and revises'), 'pebble')
    .option('--prompts <file>', l10n.t('prompts as TRL JSON Lines'))
    .option('--template <file>', l10n.t('a template whose rows are the prompts'))
    .option('--rounds <n>', l10n.t('critiques and revisions of each answer'), numberOption('--rounds', { min: 1 }), 1)
    .option('--seed <number>', l10n.t('of sampling, and of drawing principles'), numberOption('--seed'), 0)
    .option(
      '--temperature <number>',
      l10n.t('0 is greedy'),
      numberOption('--temperature', { min: 0, whole: false }),
      defaultSampling.temperature,
    )
    .option('--max-tokens <number>', l10n.t('tokens of an answer'), numberOption('--max-tokens', { min: 1 }), 256)
    .option('--limit <number>', l10n.t('the first prompts alone'), numberOption('--limit', { min: 1 }))
    .option('-o, --output <file>', l10n.t('the examples'), 'revised.jsonl')
    .option('--chains <file>', l10n.t('all answers, critiques and revisions (default: beside the examples)'));
  for (const option of askOptions()) revise.addOption(option);
  revise.action((file: string, flags: ReviseFlags) => reviseBy(cli, file, flags));
}

/** Rejects with a HumanError, with the line, for what is no constitution. */
export async function readConstitution(cli: Cli, file: string): Promise<Constitution> {
  return parseConstitution(await textOf(cli, file), file);
}

async function reviseBy(cli: Cli, file: string, flags: ReviseFlags): Promise<void> {
  const constitution = await readConstitution(cli, file);
  const { seed, temperature, maxTokens, rounds } = flags;
  // A server that somebody names is one that they want.
  cli.allowOrigins([flags.model.split('|')[0]!]);
  const prompts = (await promptsOf(cli, flags)).slice(0, flags.limit);
  const generator = await cli.models.get(flags.model);
  const revisions = await reviseAnswers(prompts, {
    constitution,
    rounds,
    seed,
    sampling: { ...defaultSampling, seed, temperature, maxOutputTokens: maxTokens },
    ask: cli.dispatcher.ask(generator, flags),
    signal: cli.signal,
    onProgress: done => cli.progress(l10n.t('{0} of {1} prompts', done, prompts.length)),
  });
  cli.progress('');
  const output = resolve(cli.terminal.cwd, flags.output);
  const chainFile = resolve(cli.terminal.cwd, flags.chains ?? flags.output.replace(/(\.jsonl)?$/i, '.chains.jsonl'));
  const { chains } = revisions;
  const examples = chains.flatMap(chain => exampleOf(chain) ?? []);
  await writeFile(chainFile, stringifyJsonLines(chains.map(chain => ({ model: generator.model.id, ...chain }))));
  for (const note of revisionNotes(revisions)) cli.note(note);
  if (examples.length === 0)
    throw new HumanError(
      l10n.t(
        'No answer is left to learn from. {0} has what the model wrote; a higher --max-tokens may help.',
        chainFile,
      ),
    );
  await writeFile(output, stringifyJsonLines(examples));
  cli.note(l10n.t('{0} examples in {1}; what led to them is in {2}.', examples.length, output, chainFile));
  cli.note(l10n.t('Learn from them: tunesmith train sft --data {0}', flags.output));
}

async function promptsOf(cli: Cli, { prompts: file, template: path, model }: ReviseFlags): Promise<Prompt[]> {
  if ((file === undefined) === (path === undefined))
    throw new HumanError(
      l10n.t('Give the prompts: --prompts with a file, or --template with a template that has rows.'),
    );
  if (file !== undefined) {
    const prompts = parseTrlPrompts(await textOf(cli, file), file);
    if (prompts.length > 0) return prompts;
    throw new HumanError(l10n.t('This file has no prompts. Add rows with a field “prompt”.'), { place: { file } });
  }
  const local = !/^https?:/i.test(model);
  const template = await withReferences(cli, await loadTemplate(cli, path!), { local, allowEndpoint: [] });
  const rendered = await renderColumn(cli, template, await rowsOf(cli, template), {}, new Set());
  return rendered.map(promptOf);
}

async function textOf(cli: Cli, file: string): Promise<string> {
  try {
    return await readFile(resolve(cli.terminal.cwd, file), 'utf8');
  } catch (cause) {
    throw new HumanError(l10n.t('This file cannot be read. Check its path.'), { cause, place: { file } });
  }
}
