/** The chart of a shot sweep: mean accuracy against the number of examples with its band, each order's point, and the baseline. */
import { html, nothing, type SVGTemplateResult, svg, type TemplateResult } from 'lit';
import { l10n } from '../../src/base/l10n.ts';
import type { SweepCurve, SweepPoint } from '../../src/protocol/playgroundSweep.ts';

const Height = 260;
const margin = { left: 44, right: 14, top: 12, bottom: 40 };
/** Pixels between two labels on the x axis, at least. */
const LabelRoom = 22;

const colors = ['blue', 'orange', 'green', 'purple', 'red', 'yellow'];
/** Models differ in their marks too: colours alone do not tell everyone apart. */
const marks = ['circle', 'square', 'diamond', 'triangle'] as const;
type Mark = (typeof marks)[number];

export const colorOf = (curve: number): string => `var(--vscode-charts-${colors[curve % colors.length]})`;

interface Scales {
  x(shots: number): number;
  y(share: number): number;
}

/** `width` in pixels. The table beside it has the same numbers for those who do not see it. */
export function sweepChart(curves: readonly SweepCurve[], shots: readonly number[], width: number): TemplateResult {
  const most = Math.max(1, ...shots);
  const inner = {
    width: Math.max(40, width - margin.left - margin.right),
    height: Height - margin.top - margin.bottom,
  };
  const scales: Scales = {
    x: value => margin.left + (value / most) * inner.width,
    y: share => margin.top + (1 - share) * inner.height,
  };
  return html`<svg class="sweep-chart" role="img" width=${width} height=${Height} viewBox="0 0 ${width} ${Height}" aria-label=${chartWords(curves)}>
    ${axes(scales, shots, inner)}
    ${curves.map((curve, i) => band(curve, i, scales))}
    ${curves.map((curve, i) => baseline(curve, i, scales, inner.width))}
    ${curves.map((curve, i) => line(curve, i, scales))}
  </svg>`;
}

function axes({ x, y }: Scales, shots: readonly number[], inner: { width: number; height: number }): SVGTemplateResult {
  const right = margin.left + inner.width;
  const bottom = margin.top + inner.height;
  let last = Number.NEGATIVE_INFINITY;
  const labels = shots.filter(value => {
    if (x(value) - last < LabelRoom) return false;
    last = x(value);
    return true;
  });
  return svg`<g class="axes">
    ${[0, 0.25, 0.5, 0.75, 1].map(
      share => svg`<line class="grid" x1=${margin.left} x2=${right} y1=${y(share)} y2=${y(share)}></line>
        <text x=${margin.left - 6} y=${y(share) + 4} text-anchor="end">${share * 100}${share === 1 ? ' %' : ''}</text>`,
    )}
    ${shots.map(value => svg`<line class="tick" x1=${x(value)} x2=${x(value)} y1=${bottom} y2=${bottom + 4}></line>`)}
    ${labels.map(value => svg`<text x=${x(value)} y=${bottom + 17} text-anchor="middle">${value}</text>`)}
    <text x=${margin.left + inner.width / 2} y=${Height - 6} text-anchor="middle">${l10n.t('examples in the prompt')}</text>
  </g>`;
}

function band({ points }: SweepCurve, curve: number, { x, y }: Scales): SVGTemplateResult {
  const up = points.map(({ shots, accuracy }) => `${x(shots)},${y(accuracy.high)}`);
  const down = points.map(({ shots, accuracy }) => `${x(shots)},${y(accuracy.low)}`).reverse();
  return svg`<polygon class="band" style="fill:${colorOf(curve)}" points=${[...up, ...down].join(' ')}></polygon>
    ${points.map(
      ({ shots, accuracy }) =>
        svg`<line class="whisker" style="stroke:${colorOf(curve)}" x1=${x(shots)} x2=${x(shots)} y1=${y(accuracy.low)} y2=${y(accuracy.high)}></line>`,
    )}`;
}

/** The accuracy with the fewest examples, across the whole. */
function baseline(
  { points }: SweepCurve,
  curve: number,
  { y }: Scales,
  width: number,
): SVGTemplateResult | typeof nothing {
  const [first] = points;
  if (!first || points.length < 2) return nothing;
  const at = y(first.accuracy.estimate);
  return svg`<line class="baseline" style="stroke:${colorOf(curve)}" x1=${margin.left} x2=${margin.left + width} y1=${at} y2=${at}></line>`;
}

function line({ points, label }: SweepCurve, curve: number, { x, y }: Scales): SVGTemplateResult {
  const color = colorOf(curve);
  const path = points.map(({ shots, accuracy }) => `${x(shots)},${y(accuracy.estimate)}`).join(' ');
  return svg`<polyline class="mean" style="stroke:${color}" points=${path}></polyline>
    ${points.flatMap(({ shots, orders }) =>
      orders.length < 2
        ? []
        : orders.map(
            (order, i) =>
              svg`<circle class="order" style="stroke:${color}" cx=${x(shots)} cy=${y(order.estimate)} r="3"><title>${l10n.t('{0} shots, order {1}', shots, i + 1)}: ${percent(order.estimate)}</title></circle>`,
          ),
    )}
    ${points.map(point => {
      const place = mark(marks[curve % marks.length]!, x(point.shots), y(point.accuracy.estimate));
      return svg`<path class="point" style="fill:${color}" d=${place}><title>${pointWords(label, point)}</title></path>`;
    })}`;
}

function mark(kind: Mark, x: number, y: number): string {
  switch (kind) {
    case 'circle':
      return `M${x - 4.5},${y}a4.5,4.5 0 1,0 9,0a4.5,4.5 0 1,0 -9,0`;
    case 'square':
      return `M${x - 4},${y - 4}h8v8h-8z`;
    case 'diamond':
      return `M${x},${y - 5.5}l5.5,5.5l-5.5,5.5l-5.5,-5.5z`;
    case 'triangle':
      return `M${x},${y - 5.5}l5.5,9.5h-11z`;
  }
}

/** The sign of a curve in the legend. */
export const legendMark = (curve: number): TemplateResult =>
  html`<svg class="sweep-mark" width="12" height="12" aria-hidden="true"><path style="fill:${colorOf(curve)}" d=${mark(marks[curve % marks.length]!, 6, 6)}></path></svg>`;

const pointWords = (label: string, { shots, accuracy }: SweepPoint): string =>
  l10n.t(
    '{0}, {1} shots: {2}, 95 % from {3} to {4}',
    label,
    shots,
    percent(accuracy.estimate),
    percent(accuracy.low),
    percent(accuracy.high),
  );

function chartWords(curves: readonly SweepCurve[]): string {
  const words = curves.flatMap(({ label, points }) => {
    const [first, last] = [points[0], points.at(-1)];
    if (!first || !last) return [];
    return [
      l10n.t(
        '{0}: {1} with {2} examples, {3} with {4}',
        label,
        percent(first.accuracy.estimate),
        first.shots,
        percent(last.accuracy.estimate),
        last.shots,
      ),
    ];
  });
  return [l10n.t('Accuracy against the number of examples'), ...words].join('. ');
}

export const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;
