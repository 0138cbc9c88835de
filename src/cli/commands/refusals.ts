/** `tunesmith refusals`: how often models refuse what they should, also under known attacks, and what they should not. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import { parseRefusalSuite } from '../../core/refusals/suite.ts';
import type { TextGenerator } from '../../core/textGenerator.ts';
import { type Cli, numberOption } from '../cli.ts';
import { askOptions, collectWords } from '../experiments.ts';
import { askRefusals, refusalText } from '../refusals.ts';

interface Flags {
  readonly model: readonly string[];
  readonly suite?: string;
  readonly maxTokens?: number;
  readonly seed?: number;
  readonly fresh?: boolean;
  readonly concurrency?: number;
  readonly retries?: number;
  readonly json?: boolean;
}

export function registerRefusals(program: Command, cli: Cli): void {
  const command = program
    .command('refusals')
    .description(l10n.t('how often models refuse what they should, also under known attacks, and what they should not'))
    .requiredOption('-m, --model <id>', l10n.t('a model; a second one is compared with it'), collectWords)
    .option('--suite <file>', l10n.t('prompts of your own: JSON Lines with prompt, attack and shouldRefuse'))
    .option('--max-tokens <number>', l10n.t('tokens of an answer'), numberOption('--max-tokens', { min: 1 }))
    .option('--seed <number>', l10n.t('of sampling'), numberOption('--seed'));
  for (const option of askOptions()) command.addOption(option);
  command
    .option('--json', l10n.t('figures and all answers as one JSON object'))
    .action((flags: Flags) => refusals(cli, flags));
}

async function refusals(cli: Cli, { model: ids, suite: file, json, ...options }: Flags): Promise<void> {
  if (ids.length > 2) throw new HumanError(l10n.t('Give one model, or two to compare.'));
  const suite = file === undefined ? {} : { suite: parseRefusalSuite(await textOf(cli, file), file) };
  // A server that somebody names is one that they want.
  cli.allowOrigins(ids.map(id => id.split('|')[0]!));
  const generators: TextGenerator[] = [];
  for (const id of ids) generators.push(await cli.models.get(id));
  const report = await askRefusals(cli, generators, { ...options, ...suite });
  cli.out(json ? `${JSON.stringify(report)}\n` : refusalText(report));
}

async function textOf(cli: Cli, file: string): Promise<string> {
  try {
    return await readFile(resolve(cli.terminal.cwd, file), 'utf8');
  } catch (cause) {
    throw new HumanError(l10n.t('This file cannot be read. Check its path.'), { cause, place: { file } });
  }
}
