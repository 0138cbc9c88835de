/** A chart of a job's dashboard as SVG, for pages that run no script. Colours are the page's: `--ink`, `--dim`, `--grid`, `--proxy`, `--gold`, `--kl`, `--loss`, `--job-1` … */
import type { Chart, Series } from './dashboardCharts.ts';
import { escapeXml, type Range, ticks } from './plotScale.ts';
import { seriesDashes } from './seriesDashes.ts';

const Size = { width: 460, height: 240, left: 48, right: 12, top: 12, bottom: 34 } as const;
/** So few are drawn as points too: one alone makes no line. */
const fewPoints = 9;
type Point = readonly [number, number];

/** Empty when the chart has no line. Its title stands outside; `label` is what a screen reader says. */
export function chartSvg(chart: Chart): string {
  const points = chart.series.flatMap(series => series.points);
  if (points.length === 0) return '';
  const x = widened({
    low: chart.id === 'calibration' ? 0.5 : points.reduce((low, [at]) => Math.min(low, at), 0),
    high: points.reduce((high, [at]) => Math.max(high, at), chart.xMax ?? Number.NEGATIVE_INFINITY),
  });
  const y = chart.yRange ? { low: chart.yRange[0], high: chart.yRange[1] } : padded(points.map(([, value]) => value));
  const atX = (value: number): number =>
    Size.left + ((value - x.low) / (x.high - x.low)) * (Size.width - Size.left - Size.right);
  const atY = (value: number): number =>
    Size.height - Size.bottom - ((value - y.low) / (y.high - y.low)) * (Size.height - Size.top - Size.bottom);
  const bottom = Size.height - Size.bottom;
  const path = (line: readonly Point[]): string =>
    `M${line.map(([px, py]) => `${atX(px).toFixed(1)},${atY(py).toFixed(1)}`).join('L')}`;
  const text = (px: number, py: number, label: string, anchor: 'middle' | 'end'): string =>
    `<text x="${px.toFixed(1)}" y="${py.toFixed(1)}" text-anchor="${anchor}" fill="var(--dim)">${escapeXml(label)}</text>`;
  const unit = chart.unit === '' ? '' : ` (${chart.unit})`;
  return [
    `<svg viewBox="0 0 ${Size.width} ${Size.height}" role="img" aria-label="${escapeXml(`${chart.title}${unit}`)}" font-size="11">`,
    ...ticks(y).map(
      value =>
        `<path d="M${Size.left},${atY(value).toFixed(1)}H${Size.width - Size.right}" stroke="var(--grid)"/>${text(Size.left - 6, atY(value) + 4, number(value), 'end')}`,
    ),
    ...ticks(x).map(value => text(atX(value), bottom + 15, number(value), 'middle')),
    text(Size.width - Size.right, Size.height - 4, chart.xLabel, 'end'),
    ...chart.series.flatMap(series =>
      drawn(series, path, point => [atX(point[0]), atY(point[1])], chart.series.length > 1),
    ),
    '</svg>',
  ].join('');
}

/** What tells the lines of a chart apart, beside it. Empty where there is one line only. */
export function chartLegend(chart: Chart): string {
  if (chart.series.length < 2) return '';
  return chart.series
    .map(
      ({ label, color }) =>
        `<span><svg viewBox="0 0 22 8" width="22" height="8" aria-hidden="true"><path d="M0,4H22" ${stroke(color, seriesDashes[color].join(' '))}/></svg> ${escapeXml(label)}</span>`,
    )
    .join(' ');
}

const stroke = (color: Series['color'], dash: string, width = 1.6, opacity = 1): string =>
  `fill="none" stroke="var(--${color})" stroke-width="${width}" stroke-linejoin="round"${opacity === 1 ? '' : ` stroke-opacity="${opacity}"`}${dash === '' ? '' : ` stroke-dasharray="${dash}"`}`;

function drawn(
  series: Series,
  path: (line: readonly Point[]) => string,
  at: (point: Point) => Point,
  several: boolean,
): string[] {
  const { points, trend = points, color, noisy } = series;
  const line = (through: readonly Point[]): string =>
    `<path d="${path(through)}" ${stroke(color, several ? seriesDashes[color].join(' ') : '')}/>`;
  if (noisy) return [`<path d="${path(points)}" ${stroke(color, '', 1, 0.3)}/>`, line(centred(trend))];
  const dots =
    points.length < fewPoints
      ? points.map(point => {
          const [x, y] = at(point);
          return `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="2.5" fill="var(--${color})"/>`;
        })
      : [];
  return [line(points), ...dots];
}

/** Means over a window around each point: a finished curve need not lag behind itself. */
function centred(points: readonly Point[]): Point[] {
  const reach = Math.max(1, Math.round(points.length / 30));
  return points.map(([x], i) => {
    const window = points.slice(Math.max(0, i - reach), i + reach + 1);
    return [x, window.reduce((sum, [, y]) => sum + y, 0) / window.length];
  });
}

/** A range with some air; 0 is its end where the values come near it. */
function padded(values: readonly number[]): Range {
  const low = values.reduce((a, b) => Math.min(a, b));
  const high = values.reduce((a, b) => Math.max(a, b));
  const air = 0.08 * (high - low);
  return widened({
    low: low >= 0 && low - air < 0.3 * high ? 0 : low - air,
    high: high <= 0 && high + air > 0.3 * low ? 0 : high + air,
  });
}

const widened = ({ low, high }: Range): Range => {
  if (high > low) return { low, high };
  const air = Math.abs(low) / 2;
  return low === 0 ? { low, high: 1 } : { low: low - air, high: high + air };
};

const number = (value: number): string => String(Number(value.toPrecision(6))).replace('-', '−');
