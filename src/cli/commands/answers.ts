/** `tunesmith answers`: puts answers up for ranking: from files, from a job's samples, or drawn from models until they differ. */
import { readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import { defaultSampling } from '../../core/generation.ts';
import { answersFromFiles, answersOfJob, rankable, type Sourced } from '../../core/preferences/answerSources.ts';
import { drawAnswers, unanswered } from '../../core/preferences/drawAnswers.ts';
import { parseTrlPrompts } from '../../core/preferences/trlImport.ts';
import { JobFolder, startOfEvents } from '../../storage/jobFolder.ts';
import { type Cli, numberOption } from '../cli.ts';

interface SampleOptions {
  readonly model: readonly string[];
  readonly set?: string;
  readonly samples: number;
  readonly tries?: number;
  readonly temperature: number;
  readonly maxTokens: number;
  readonly seed: number;
  readonly limit?: number;
}

export function registerAnswers(program: Command, cli: Cli): void {
  const answers = program
    .command('answers')
    .description(l10n.t('put answers up for ranking: from files, a job, or drawn from models until they differ'));
  answers
    .command('add')
    .argument('<files...>', l10n.t('JSON Lines with a prompt and its answers, or one file for each model'))
    .description(l10n.t('join the answers of files by their prompts'))
    .option('--set <name>', l10n.t('name of the set (default: the first file’s)'))
    .action(async (files: string[], { set }: { set?: string }) => {
      const read = files.map(async name => ({ name, text: await textOf(cli, name) }));
      await putUp(cli, set ?? nameOf(files[0]!), answersFromFiles(await Promise.all(read)));
    });
  answers
    .command('job')
    .argument('<id>', l10n.t('a job that tells samples'))
    .description(l10n.t('what a job answered to its fixed prompts before training and last'))
    .option('--set <name>', l10n.t('name of the set (default: the job’s)'))
    .action(async (id: string, { set }: { set?: string }) => {
      const job = await JobFolder.open(join(cli.layout.jobs, basename(id)));
      const { events } = await job.eventsSince(startOfEvents);
      const samples = events.flatMap(event => (event.type === 'samples' ? [event] : []));
      await putUp(cli, set ?? job.id, answersOfJob(job.id, samples));
    });
  answers
    .command('sample')
    .argument('<prompts>', l10n.t('JSON Lines with a field “prompt”: a text or a list of messages'))
    .description(l10n.t('draw answers of models until they differ'))
    .requiredOption('-m, --model <id>', l10n.t('who answers; several times for several models'), collected)
    .option('--set <name>', l10n.t('name of the set (default: the file’s)'))
    .option('--samples <number>', l10n.t('different answers of each model'), numberOption('--samples', { min: 1 }), 2)
    .option(
      '--tries <number>',
      l10n.t('answers drawn at most (default: four times --samples)'),
      numberOption('--tries', { min: 1 }),
    )
    .option(
      '--temperature <number>',
      l10n.t('of sampling'),
      numberOption('--temperature', { min: 0, whole: false }),
      0.8,
    )
    .option('--max-tokens <number>', l10n.t('length of an answer'), numberOption('--max-tokens', { min: 1 }), 256)
    .option('--seed <number>', l10n.t('of sampling'), numberOption('--seed'), 0)
    .option('--limit <number>', l10n.t('the first prompts alone'), numberOption('--limit', { min: 1 }))
    .action((file: string, options: SampleOptions) => sample(cli, file, options));
}

async function sample(cli: Cli, file: string, options: SampleOptions): Promise<void> {
  const prompts = parseTrlPrompts(await textOf(cli, file), file).slice(0, options.limit);
  const { samples, tries = 4 * samples, seed, temperature, maxTokens } = options;
  if (samples < 2 && options.model.length < 2)
    throw new HumanError(l10n.t('One answer of one model is nothing to compare: give --samples 2 or two models.'));
  const sampling = { ...defaultSampling, seed, temperature, maxOutputTokens: maxTokens };
  const items = unanswered(prompts);
  // A server that somebody names is one that they want.
  cli.allowOrigins(options.model.map(id => id.split('|')[0]!));
  for (const id of options.model) {
    const generator = await cli.models.get(id);
    const ask = cli.dispatcher.ask(generator, {});
    const { short } = await drawAnswers(prompts, items, {
      model: generator.model.id,
      wanted: samples,
      most: tries,
      sampling,
      signal: cli.signal,
      ask: async request => (await ask(request, { signal: cli.signal })).generation,
      onProgress: done =>
        cli.progress(
          l10n.t('{0}: {1} of {2} prompts', generator.model.label, Math.min(done + 1, prompts.length), prompts.length),
        ),
    });
    cli.signal.throwIfAborted();
    cli.progress('');
    if (short > 0)
      cli.note(
        l10n.t(
          '{0}: {1} of {2} prompts gave fewer than {3} different answers in {4} tries. A higher --temperature gives more.',
          generator.model.label,
          short,
          prompts.length,
          samples,
          Math.max(samples, tries),
        ),
      );
  }
  await putUp(cli, options.set ?? nameOf(file), rankable(items));
}

async function putUp(cli: Cli, set: string, { items, alone }: Sourced): Promise<void> {
  if (items.length === 0)
    throw new HumanError(l10n.t('There is nothing to rank: no prompt has two answers that differ.'));
  const journal = await cli.journal();
  try {
    const made = await journal.addItems(items.map(item => ({ set, ...item })));
    cli.note(l10n.t('{0} to rank in “{1}”: tunesmith rank', made.length, set));
    if (alone > 0) cli.note(l10n.t('{0} prompts were left out: they have no two answers that differ.', alone));
  } finally {
    await journal.close();
  }
}

async function textOf(cli: Cli, name: string): Promise<string> {
  try {
    return await readFile(resolve(cli.terminal.cwd, name), 'utf8');
  } catch (cause) {
    throw new HumanError(l10n.t('There is no file {0} that can be read.', name), { cause });
  }
}

const nameOf = (file: string): string => basename(file).replace(/\.[^.]*$/, '');
const collected = (value: string, before: readonly string[] = []): string[] => [...before, value];
