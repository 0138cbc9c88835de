/** Prints what instruction tuning did on learned tasks and on tasks that were held out. */
import { l10n } from '../base/l10n.ts';
import type { SftGroup, SftReport } from '../core/jobs/sftReport.ts';
import type { Interval } from '../core/statistics/intervals.ts';

const percent = (value: number): string => `${Math.round(100 * value)} %`;
const range = ({ estimate, low, high }: Interval): string =>
  `${percent(estimate)} (${Math.round(100 * low)} … ${Math.round(100 * high)})`;

/** Both groups with their 95 % intervals, then each task, where there are several. */
export function sftReportText({ seen, unseen, tasks }: SftReport): string {
  const lines = [
    ...(seen ? groupLines(l10n.t('Held-out prompts of learned tasks'), seen) : []),
    ...(unseen ? groupLines(l10n.t('Tasks held out: {0}', unseen.tasks.join(', ')), unseen) : []),
  ];
  if (tasks.length > 1) {
    const width = Math.max(...tasks.map(({ task }) => task.length)) + 2;
    lines.push(`${''.padEnd(width)}${l10n.t('rows')}  ${l10n.t('exact match')}     ROUGE-L`);
    for (const { task, unseen: apart, rows, exactBefore, exactAfter, rougeBefore, rougeAfter } of tasks) {
      const change = (before: number, after: number) => `${percent(before)} → ${percent(after)}`;
      lines.push(
        `${apart ? '*' : ' '} ${task.padEnd(width - 2)}${String(rows).padStart(4)}  ${change(exactBefore, exactAfter).padEnd(16)}${change(rougeBefore, rougeAfter)}`,
      );
    }
    if (unseen) lines.push(l10n.t('* held out'));
  }
  return lines.map(line => `${line}\n`).join('');
}

function groupLines(title: string, { exactMatch, rougeL, p }: SftGroup): string[] {
  return [
    l10n.t('{0}, {1} rows answered (95 % intervals):', title, exactMatch.after.n),
    `  ${l10n.t('exact match: {0} before, {1} after (p = {2})', range(exactMatch.before), range(exactMatch.after), p < 0.001 ? '< 0.001' : p.toFixed(3))}`,
    `  ${l10n.t('ROUGE-L: {0} before, {1} after', range(rougeL.before), range(rougeL.after))}`,
  ];
}
