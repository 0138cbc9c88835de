/** A job's events as lines of a log. */
import * as v from 'valibot';
import { figure, percent } from '../../base/figure.ts';
import { l10n } from '../../base/l10n.ts';
import { estimateText } from './estimate.ts';
import type { JobEvent } from './job.ts';

export const LogLineSchema = v.object({
  time: v.string(),
  level: v.picklist(['info', 'warning', 'error']),
  text: v.string(),
});
type LogLine = v.InferOutput<typeof LogLineSchema>;

const MaxLogLines = 120;

/** Newest first. */
export function logLines(events: readonly JobEvent[]): LogLine[] {
  const lines: LogLine[] = [];
  for (let i = events.length - 1; i >= 0 && lines.length < MaxLogLines; i--) {
    const line = logLine(events[i]!);
    if (line) lines.push(line);
  }
  return lines;
}

function logLine(event: JobEvent): LogLine | undefined {
  const { time } = event;
  switch (event.type) {
    case 'phase':
      return { time, level: 'info', text: event.phase };
    case 'log':
      return { time, level: event.level, text: event.message };
    case 'estimate':
      return { time, level: 'info', text: estimateText(event) };
    case 'checkpoint':
      return {
        time,
        level: 'info',
        text: l10n.t('checkpoint at step {0}, {1} MB', event.step, figure(event.bytes / 1e6)),
      };
    case 'metrics': {
      const { values } = event;
      const parts = [l10n.t('step {0}', event.step)];
      const add = (name: string, label: string, text: (value: number) => string = figure): void => {
        const value = values[name];
        if (value !== undefined && Number.isFinite(value)) parts.push(`${label} ${text(value)}`);
      };
      add('loss', l10n.t('loss'));
      add('accuracy', l10n.t('accuracy'), value => `${percent(value)} %`);
      add('rewards/accuracies', l10n.t('accuracy'), value => `${percent(value)} %`);
      add('margin', l10n.t('margin'));
      add('rewards/margins', l10n.t('margin'));
      add('reward', l10n.t('reward'));
      add('kl', l10n.t('kl'));
      add('entropy', l10n.t('entropy'));
      add('clip_ratio/region_mean', l10n.t('clipped'), value => `${percent(value)} %`);
      add('completions/mean_length', l10n.t('length'));
      return { time, level: 'info', text: parts.join('  ') };
    }
    case 'samples':
      return undefined;
  }
}
