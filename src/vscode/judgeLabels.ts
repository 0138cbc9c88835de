/** Whose judgements go into training data: people's, or a judge's beside them once it is known what it is worth. */
import * as vscode from 'vscode';
import type { JudgeFilter } from '../core/preferences/judgeChoice.ts';
import { type JudgeReport, judgeReports } from '../core/preferences/judgeReport.ts';
import { cautionText, judgeReportMarkdown, judgeVerdict } from '../core/preferences/judgeReportText.ts';
import type { PreferenceJournal } from '../storage/preferenceJournal.ts';
import { answerDocument } from './panels/answerDocuments.ts';
import { type Choice, QuickSteps } from './quickSteps.ts';

/**
 * Asks, where judges have judged here; people's alone is the first choice. A judge of which too little is known is named with what
 * it lacks, and choosing it opens the report. Undefined when the person gave up.
 */
export async function askWhose(journal: PreferenceJournal, title: string): Promise<JudgeFilter | undefined> {
  const reports = judgeReports(journal.state);
  const people = { judges: 'exclude' } as const;
  if (reports.length === 0) return people;
  const steps = new QuickSteps(title);
  try {
    const chosen = await steps.ask<JudgeFilter | 'report'>(vscode.l10n.t('Whose judgements?'), [
      {
        label: `$(account) ${vscode.l10n.t('People Only')}`,
        description: pairsText(journal.pairs(people).length),
        value: people,
      },
      ...reports.map(report => choiceOf(report, journal)),
    ]);
    if (chosen !== 'report') return chosen;
  } finally {
    steps.dispose();
  }
  await showJudgeReport(journal);
  return undefined;
}

function choiceOf(report: JudgeReport, journal: PreferenceJournal): Choice<JudgeFilter | 'report'> {
  const detail = [judgeVerdict(report), ...report.cautions.map(caution => cautionText(caution, report))].join(' ');
  if (report.standing === 'too-few')
    return {
      label: `$(lock) ${report.judge}`,
      description: vscode.l10n.t('not open yet: show its report'),
      detail,
      value: 'report',
    };
  const filter = { judges: 'include', named: [report.judge] } as const;
  return {
    label: `$(hubot) ${vscode.l10n.t('People and {0}', report.judge)}`,
    description: pairsText(journal.pairs(filter).length),
    detail,
    value: filter,
  };
}

const pairsText = (pairs: number): string =>
  pairs === 1 ? vscode.l10n.t('1 pair') : vscode.l10n.t('{0} pairs', pairs);

/** All judges as a page in the Markdown preview. */
export async function showJudgeReport({ state }: PreferenceJournal, first?: string): Promise<void> {
  const reports = judgeReports(state);
  const sorted = [...reports].sort((a, b) => Number(b.judge === first) - Number(a.judge === first));
  const name = vscode.l10n.t('Judges');
  await vscode.commands.executeCommand(
    'markdown.showPreview',
    answerDocument(`${name}.md`, judgeReportMarkdown(sorted)),
  );
}
