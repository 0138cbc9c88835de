/** The commands of `tunesmith` and how one command line runs: data to stdout, progress to stderr, an exit code. */
import { Command, CommanderError, Option } from 'commander';
import { errorMessage, isAbort, isHumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import { Cli, type GlobalOptions, type Terminal, useTerminalLanguage } from './cli.ts';
import { registerAnswers } from './commands/answers.ts';
import { registerBestOf } from './commands/bestOf.ts';
import { registerCache } from './commands/cache.ts';
import { registerCompare } from './commands/compare.ts';
import { registerConstitution } from './commands/constitution.ts';
import { registerConvert } from './commands/convert.ts';
import { registerIterate } from './commands/iterate.ts';
import { registerJobs } from './commands/jobs.ts';
import { registerJudge } from './commands/judge.ts';
import { registerLearningCurve } from './commands/learningCurve.ts';
import { registerLoop } from './commands/loop.ts';
import { registerModels } from './commands/models.ts';
import { registerOveroptimise } from './commands/overoptimise.ts';
import { registerPreferences } from './commands/preferences.ts';
import { registerRank } from './commands/rank.ts';
import { registerRefusals } from './commands/refusals.ts';
import { registerRun } from './commands/run.ts';
import { registerScore } from './commands/score.ts';
import { registerSearch } from './commands/search.ts';
import { registerSelfImprove } from './commands/selfImprove.ts';
import { registerSweep } from './commands/sweep.ts';
import { registerTrain } from './commands/train.ts';

/** Each command's file adds itself; it finds what it needs in `cli`. */
const registrations: readonly ((program: Command, cli: Cli) => void)[] = [
  registerRun,
  registerConvert,
  registerSearch,
  registerCompare,
  registerSweep,
  registerScore,
  registerRank,
  registerJudge,
  registerConstitution,
  registerAnswers,
  registerBestOf,
  registerPreferences,
  registerTrain,
  registerSelfImprove,
  registerRefusals,
  registerJobs,
  registerIterate,
  registerLearningCurve,
  registerLoop,
  registerOveroptimise,
  registerModels,
  registerCache,
];

function buildProgram(cli: Cli): Command {
  const program = new Command('tunesmith')
    .description(l10n.t('Write prompts, rank answers, tune models.'))
    .version(cli.version)
    .option(
      '--workspace <folder>',
      l10n.t('where .tunesmith lies (default: the nearest folder above that has it, or .git)'),
    )
    .option('--allow-code', l10n.t('let code of the workspace run, such as a JavaScript reward'))
    .addOption(
      new Option('--allow-env <name>', l10n.t('an environment variable that templates may read; repeat it')).argParser(
        collectWords,
      ),
    )
    .addOption(
      new Option('--allow-file <path>', l10n.t('a file that a template may send to a server; repeat it')).argParser(
        collectWords,
      ),
    )
    .option('--quiet', l10n.t('no progress'))
    .addOption(
      new Option(
        '--precision <bits>',
        l10n.t('of local models (default: auto, 8 bits but 32 for small models)'),
      ).choices(['auto', 'float32', 'int8', 'int4']),
    )
    .addOption(new Option('--node-path <file>', l10n.t('another Node for child processes')))
    .addOption(new Option('--debug').hideHelp())
    .showHelpAfterError(l10n.t('(--help shows what there is)'))
    .exitOverride()
    .configureOutput({ writeOut: text => cli.out(text), writeErr: text => void cli.terminal.stderr.write(text) });
  for (const register of registrations) register(program, cli);
  for (const command of [program, ...descendants(program)]) {
    command.exitOverride();
    if (command === program) continue;
    // Options of all commands may also stand after the command's name.
    for (const option of program.options) if (option.long !== '--version') command.addOption(copyOf(option).hideHelp());
  }
  program.hook('preAction', (_, action) => cli.configure(action.optsWithGlobals<GlobalOptions>()));
  return program;
}

const collectWords = (word: string, before: readonly string[] = []): string[] => [...before, word];

function copyOf({ flags, description, parseArg }: Option): Option {
  const copy = new Option(flags, description);
  return parseArg ? copy.argParser(parseArg) : copy;
}

const descendants = (command: Command): Command[] => command.commands.flatMap(child => [child, ...descendants(child)]);

/** Runs one command line. Returns the exit code. */
export async function runCommandLine(argv: readonly string[], terminal?: Terminal): Promise<number> {
  const cli = new Cli(import.meta.url, terminal);
  useTerminalLanguage(cli);
  const interrupt = (): void => cli.interrupt();
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  try {
    await buildProgram(cli).parseAsync(argv, { from: 'user' });
    return cli.signal.aborted ? 130 : cli.exitCode;
  } catch (error) {
    return report(error, cli);
  } finally {
    cli.dispose();
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
}

function report(error: unknown, cli: Cli): number {
  const say = (text: string): void => void cli.terminal.stderr.write(`${text}\n`);
  if (error instanceof CommanderError) return error.exitCode;
  if (isAbort(error) || cli.signal.aborted) return 130;
  cli.progress('');
  say(errorMessage(error));
  if (isHumanError(error)) return 1;
  say(l10n.t('This is a fault of Tunesmith. Run again with --debug to see where.'));
  if (cli.options.debug && error instanceof Error) say(error.stack ?? '');
  return 70;
}
