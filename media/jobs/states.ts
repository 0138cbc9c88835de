/** A job's status in words and as an icon. */
import { l10n } from '../../src/base/l10n.ts';
import type { Dashboard } from '../../src/protocol/jobDashboard.ts';

export const stateWords = (job: Pick<Dashboard, 'status'>): string =>
  ({
    queued: l10n.t('Waiting for another job'),
    running: l10n.t('Running'),
    stopping: l10n.t('Stopping after this step'),
    waiting: l10n.t('Waiting for the editor'),
    succeeded: l10n.t('Done'),
    failed: l10n.t('Failed'),
    cancelled: l10n.t('Stopped'),
    lost: l10n.t('Interrupted'),
  })[job.status];

export const stateIcons: Readonly<Record<Dashboard['status'], readonly [string, string]>> = {
  queued: ['clock', 'c-dim'],
  running: ['loading', 'c-running'],
  stopping: ['loading', 'c-running'],
  waiting: ['debug-pause', 'c-dim'],
  succeeded: ['pass', 'c-right'],
  failed: ['error', 'c-wrong'],
  cancelled: ['debug-stop', 'c-dim'],
  lost: ['warning', 'c-warn'],
};
