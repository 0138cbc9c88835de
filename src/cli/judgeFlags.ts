/** `--judges`: whether judgements of model judges count, and what must be known of a judge before they may be trained on. */
import { type Command, Option } from 'commander';
import { HumanError, isHumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import type { JournalState } from '../core/preferences/journalState.ts';
import {
  isNamed,
  type JudgeChoice,
  JudgeChoices,
  type JudgeFilter,
  requireChecked,
} from '../core/preferences/judgeChoice.ts';
import { judgeReports } from '../core/preferences/judgeReport.ts';
import { cautionText, judgeVerdict } from '../core/preferences/judgeReportText.ts';
import type { Cli } from './cli.ts';
import { collectWords } from './experiments.ts';

export interface JudgeFlags {
  readonly judges: JudgeChoice;
  readonly judge?: readonly string[];
  readonly unchecked?: boolean;
}

/** The flags of commands that take judgements of judges in; `checked`: only after a report. */
export function withJudgeFlags(command: Command, { checked }: { readonly checked: boolean }): Command {
  command
    .addOption(
      new Option('--judges <choice>', l10n.t('judgements of model judges: left out, beside those of people, or alone'))
        .choices(JudgeChoices)
        .default('exclude'),
    )
    .addOption(
      new Option('--judge <name>', l10n.t('of judges only those with this in their name; repeat it')).argParser(
        collectWords,
      ),
    );
  if (checked) command.option('--unchecked', l10n.t('also judges whose agreement with people is not known'));
  return command;
}

export const filterOf = ({ judges, judge }: JudgeFlags): JudgeFilter => ({ judges, named: judge });

/** What the judges that are taken in are worth goes to stderr; throws a HumanError for one of which too little is known. */
export function checkJudges(cli: Cli, state: JournalState, flags: JudgeFlags, set?: string): JudgeFilter {
  const filter = filterOf(flags);
  if (filter.judges === 'exclude') return filter;
  const reports = judgeReports(state, { set, only: judge => isNamed(filter, judge) });
  if (reports.length === 0)
    throw new HumanError(
      l10n.t(
        'No such judge has judged anything here. “tunesmith judge” asks one, “tunesmith prefs judges” lists them.',
      ),
    );
  if (!flags.unchecked) {
    try {
      requireChecked(reports);
    } catch (error) {
      if (!isHumanError(error)) throw error;
      throw new HumanError(`${error.message} ${l10n.t('--unchecked takes its labels all the same.')}`, {
        cause: error,
      });
    }
  }
  for (const report of reports) {
    cli.note(`${report.judge}: ${judgeVerdict(report)}`);
    for (const caution of report.cautions) cli.note(`  ! ${cautionText(caution, report)}`);
  }
  return filter;
}
