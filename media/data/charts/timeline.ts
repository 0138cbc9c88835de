/** Judgements over time, stacked by annotator. */
import { svg, type TemplateResult } from 'lit';
import { l10n } from '../../../src/base/l10n.ts';
import type { ShownFigures } from '../../../src/protocol/preferenceFigures.ts';
import { dateTime, day, figure } from '../words.ts';
import { chartView, seriesColors, ticks } from './chart.ts';

const height = 180;
const [left, bottom, top] = [40, 20, 6];

export function timelineChart({ timeline }: ShownFigures, changed: () => void): TemplateResult {
  const { starts, series, unit } = timeline;
  const nameOf = (annotator: string | null): string => annotator ?? l10n.t('all others');
  const label = (time: number): string => {
    // Stretches are those of the coordinated time.
    const there = time + new Date(time).getTimezoneOffset() * 60_000;
    return unit === 'hour' ? dateTime(time) : unit === 'month' ? day(there).slice(0, 7) : day(there);
  };
  const units = {
    hour: l10n.t('by hour'),
    day: l10n.t('by day'),
    week: l10n.t('by week'),
    month: l10n.t('by month'),
  };
  return chartView({
    id: 'timeline',
    title: l10n.t('Judgements over time'),
    says: units[unit],
    legend: series.map(({ annotator }, i) => ({ name: nameOf(annotator), color: colorOf(i) })),
    changed,
    table: {
      head: [l10n.t('From'), ...series.map(({ annotator }) => nameOf(annotator))],
      rows: starts.map((start, i) => [label(start), ...series.map(({ counts }) => figure(counts[i] ?? 0))]),
    },
    draw: width => {
      const totals = starts.map((_, i) => series.reduce((sum, { counts }) => sum + (counts[i] ?? 0), 0));
      const marks = ticks(Math.max(0, ...totals), 3);
      const most = marks.at(-1)!;
      const y = (value: number): number => top + (height - top - bottom) * (1 - value / most);
      const step = (width - left - 4) / Math.max(1, starts.length);
      const bars = starts.map((start, i) => {
        let base = 0;
        return series.map(({ annotator, counts }, s) => {
          const count = counts[i] ?? 0;
          base += count;
          if (count === 0) return '';
          const gap = step > 3 ? 1 : 0;
          return svg`<rect x=${left + i * step} y=${y(base)} width=${Math.min(48, Math.max(1, step - gap))} height=${y(base - count) - y(base)} fill=${colorOf(s)}
            ><title>${label(start)}, ${nameOf(annotator)}: ${figure(count)}</title></rect>`;
        });
      });
      const shown = [...new Set([0, Math.floor((starts.length - 1) / 2), starts.length - 1])].filter(
        i => i >= 0 && (width > 360 || i !== Math.floor((starts.length - 1) / 2)),
      );
      return svg`<svg width=${width} height=${height}>
        ${marks.map(value => svg`<line class="grid" x1=${left} x2=${width} y1=${y(value)} y2=${y(value)} /><text x=${left - 6} y=${y(value) + 4} text-anchor="end">${figure(value)}</text>`)}
        ${bars}
        ${shown.map(i => svg`<text x=${Math.min(width - 2, left + i * step)} y=${height - 5} text-anchor=${i === 0 ? 'start' : i === starts.length - 1 ? 'end' : 'middle'}>${label(starts[i]!)}</text>`)}
      </svg>`;
    },
  });
}

const colorOf = (index: number): string => seriesColors[Math.min(index, seriesColors.length - 1)]!;
