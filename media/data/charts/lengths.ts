/** How long the answers of preference pairs are, the chosen against the rejected, and how often the longer one wins. */
import { html, svg, type TemplateResult } from 'lit';
import { l10n } from '../../../src/base/l10n.ts';
import type { ShownFigures } from '../../../src/protocol/preferenceFigures.ts';
import { figure } from '../words.ts';
import { chartView, ticks } from './chart.ts';
import { percentOf } from './figures.ts';

const height = 180;
const [left, bottom, top] = [40, 20, 6];
const colors = { chosen: 'var(--vscode-charts-blue)', rejected: 'var(--orange)' } as const;

export function lengthsChart({ lengths }: ShownFigures, changed: () => void): TemplateResult {
  const { edges, chosen, rejected, longerWins, medianChosen, medianRejected } = lengths;
  const pairs = chosen.reduce((sum, count) => sum + count, 0);
  const names = { chosen: l10n.t('chosen'), rejected: l10n.t('rejected') };
  return chartView({
    id: 'lengths',
    title: l10n.t('Length of answers'),
    says:
      pairs === 0
        ? l10n.t('No preference pair follows from these judgements.')
        : html`${l10n.t('Median {0} characters chosen, {1} rejected.', figure(medianChosen ?? 0), figure(medianRejected ?? 0))}
          ${longerWins.n === 0 ? '' : html`${l10n.t('The longer answer wins')} <b>${percentOf(longerWins)}</b>`}`,
    legend: [
      { name: names.chosen, color: colors.chosen },
      { name: names.rejected, color: colors.rejected },
    ],
    changed,
    table: {
      head: [l10n.t('Characters'), names.chosen, names.rejected],
      rows: chosen.map((count, i) => [
        `${figure(edges[i]!)}–${figure(edges[i + 1]!)}`,
        figure(count),
        figure(rejected[i] ?? 0),
      ]),
    },
    draw: width => {
      const marks = ticks(Math.max(0, ...chosen, ...rejected), 3);
      const most = marks.at(-1)!;
      const y = (value: number): number => top + (height - top - bottom) * (1 - value / most);
      const [low, high] = [Math.log(edges[0] ?? 1), Math.log(edges.at(-1) ?? 10)];
      const x = (value: number): number => left + ((Math.log(value) - low) / (high - low || 1)) * (width - left - 8);
      const outline = (counts: readonly number[]): string =>
        `M${x(edges[0] ?? 1)},${y(0)}${counts.map((count, i) => `V${y(count)}H${x(edges[i + 1]!)}`).join('')}V${y(0)}`;
      const labels = edges.filter((_, i) => i % Math.max(1, Math.ceil(edges.length / (width / 70))) === 0);
      return svg`<svg width=${width} height=${height}>
        ${marks.map(value => svg`<line class="grid" x1=${left} x2=${width} y1=${y(value)} y2=${y(value)} /><text x=${left - 6} y=${y(value) + 4} text-anchor="end">${figure(value)}</text>`)}
        <path d=${outline(chosen)} fill=${colors.chosen} fill-opacity="0.2" stroke=${colors.chosen} stroke-width="1.5" />
        <path d=${outline(rejected)} fill="none" stroke=${colors.rejected} stroke-width="1.5" stroke-dasharray="4 2" />
        ${labels.map((edge, i) => svg`<text x=${x(edge)} y=${height - 5} text-anchor=${i === 0 ? 'start' : 'middle'}>${figure(edge)}</text>`)}
      </svg>`;
    },
  });
}
