/** The learning curve as SVG: accuracy against comparisons, and against the size of the model, with people as lines across. */
import { l10n } from '../../base/l10n.ts';
import type { Interval } from '../statistics/intervals.ts';
import type { LearningCurveModel, LearningCurveResult } from './learningCurve.ts';

const Panel = { width: 440, height: 300, left: 48, right: 16, top: 34, bottom: 42 } as const;
/** Told apart by dashes and marks as well; legible on white and on black. */
const colours = ['#2b7fd4', '#c2661d', '#2f9e61', '#9a5fc0'] as const;
const dashes = ['', '6 3', '2 3', '8 3 2 3'] as const;
const grey = '#808080';
const grid = '#80808040';

interface Axis {
  /** log₂ of the ends. */
  readonly low: number;
  readonly high: number;
}

/** Readable on light and dark pages: no background, grey text. */
export function learningCurvePlot(result: LearningCurveResult): string {
  const { models } = result;
  const lines = linesAcross(result);
  const shares = [
    ...models.flatMap(({ points }) => points.flatMap(({ accuracy }) => [accuracy.low, accuracy.high])),
    ...lines.map(({ interval }) => interval.estimate),
    0.5,
  ];
  // Whole tenths around everything that is drawn.
  const y = { low: Math.floor(Math.min(...shares) * 10) / 10, high: Math.ceil(Math.max(...shares) * 10) / 10 };
  const panels = [comparisonsPanel(models, y, lines), ...(models.length > 1 ? [sizesPanel(models, y, lines)] : [])];
  const legend = [
    ...models.map(({ model }, index) => ({ label: model, mark: curveMark(index) })),
    ...lines.map(({ label, dash }) => ({ label, mark: across('M0,-4H22', dash) })),
  ];
  const perRow = panels.length * 2;
  const height = Panel.height + 18 * Math.ceil(legend.length / perRow) + 8;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${Panel.width * panels.length} ${height}" font-family="system-ui, sans-serif" font-size="11" role="img">`,
    `<title>${escapeXml(l10n.t('Accuracy of the reward model against what it learned from'))}</title>`,
    ...panels.map((panel, index) => `<g transform="translate(${index * Panel.width},0)">${panel}</g>`),
    ...legend.map(({ label, mark }, index) => {
      const x = Panel.left + (index % perRow) * 215;
      const top = Panel.height + 12 + 18 * Math.floor(index / perRow);
      return `<g transform="translate(${x},${top})">${mark}${text(28, 0, label)}</g>`;
    }),
    '</svg>\n',
  ].join('\n');
}

interface Across {
  readonly label: string;
  readonly interval: Interval;
  readonly dash: string;
}

function linesAcross({ person, group, lengthRule }: LearningCurveResult): Across[] {
  const percent = ({ estimate }: Interval) => `${(100 * estimate).toFixed(0)} %`;
  return [
    ...(group ? [{ label: l10n.t('a group of people ({0})', percent(group)), interval: group, dash: '1 0' }] : []),
    ...(person ? [{ label: l10n.t('one person ({0})', percent(person)), interval: person, dash: '7 4' }] : []),
    ...(lengthRule
      ? [{ label: l10n.t('a rule about length ({0})', percent(lengthRule)), interval: lengthRule, dash: '1 4' }]
      : []),
  ];
}

function comparisonsPanel(models: readonly LearningCurveModel[], y: Axis, lines: readonly Across[]): string {
  const counts = models.flatMap(({ points }) => points.map(({ comparisons }) => comparisons));
  const x = axisOf(counts);
  const place = placeOn(x, y);
  const parts = frame(
    l10n.t('comparisons'),
    [...new Set(models[0]!.points.map(point => point.comparisons))],
    x,
    y,
    lines,
  );
  for (const [index, { points }] of models.entries()) {
    const path = (values: readonly (readonly [number, number])[]) => values.map(one => place(...one)).join('L');
    const edge = (side: 'low' | 'high') => points.map(point => [point.comparisons, point.accuracy[side]] as const);
    parts.push(
      `<path d="M${path([...edge('low'), ...edge('high').reverse()])}Z" fill="${colours[index % 4]}" fill-opacity="0.15"/>`,
      stroke(index, `M${path(points.map(point => [point.comparisons, point.accuracy.estimate]))}`),
      ...points.map(point => dot(index, place(point.comparisons, point.accuracy.estimate))),
    );
  }
  return parts.join('');
}

/** Each model at its most comparisons. */
function sizesPanel(models: readonly LearningCurveModel[], y: Axis, lines: readonly Across[]): string {
  const x = axisOf(models.map(({ parameters }) => parameters));
  const place = placeOn(x, y);
  const sizes = models.map(({ parameters }) => parameters);
  const parts = frame(l10n.t('parameters, at the most comparisons'), sizes, x, y, lines);
  for (const [index, { parameters, points }] of models.entries()) {
    const { low, high, estimate } = points.at(-1)!.accuracy;
    parts.push(
      `<path d="M${place(parameters, low)}L${place(parameters, high)}" stroke="${colours[index % 4]}" stroke-width="2"/>`,
      dot(index, place(parameters, estimate)),
    );
  }
  return parts.join('');
}

function axisOf(values: readonly number[]): Axis {
  const logs = values.map(value => Math.log2(Math.max(1, value)));
  const [low, high] = [Math.min(...logs), Math.max(...logs)];
  const room = Math.max(0.3, 0.06 * (high - low));
  return { low: low - room, high: high + room };
}

const placeOn = (x: Axis, y: Axis) => {
  const atX = (value: number) =>
    Panel.left +
    ((Math.log2(Math.max(1, value)) - x.low) / (x.high - x.low)) * (Panel.width - Panel.left - Panel.right);
  return (value: number, share: number) => `${atX(value).toFixed(1)},${heightOf(share, y).toFixed(1)}`;
};

const heightOf = (share: number, y: Axis): number =>
  Panel.height - Panel.bottom - ((share - y.low) / (y.high - y.low)) * (Panel.height - Panel.top - Panel.bottom);

/** Axes, and lines for what does not depend on x. */
function frame(label: string, values: readonly number[], x: Axis, y: Axis, lines: readonly Across[]): string[] {
  const place = placeOn(x, y);
  const right = Panel.width - Panel.right;
  const parts = [text(Panel.left, 18, l10n.t('held-out accuracy'), 'start', true)];
  for (let tenth = Math.round(y.low * 10); tenth <= Math.round(y.high * 10); tenth++) {
    const height = heightOf(tenth / 10, y);
    parts.push(
      `<path d="M${Panel.left},${height.toFixed(1)}H${right}" stroke="${grid}"/>`,
      text(Panel.left - 6, height + 4, `${tenth * 10} %`, 'end'),
    );
  }
  for (const value of values) {
    const [at] = place(value, y.low).split(',');
    parts.push(text(Number(at), Panel.height - Panel.bottom + 15, short(value), 'middle'));
  }
  parts.push(text(right, Panel.height - 8, label, 'end'));
  for (const { interval, dash } of lines) {
    const height = heightOf(interval.estimate, y).toFixed(1);
    parts.push(across(`M${Panel.left},${height}H${right}`, dash));
  }
  return parts;
}

/** 1250 → 1250, 1250000 → 1.3M. */
const short = (value: number): string =>
  value >= 1e9
    ? `${(value / 1e9).toPrecision(2)}B`
    : value >= 1e6
      ? `${Number((value / 1e6).toPrecision(value >= 1e8 ? 3 : 2))}M`
      : String(Math.round(value));

const across = (d: string, dash: string): string =>
  `<path d="${d}" fill="none" stroke="${grey}" stroke-width="1.5" stroke-dasharray="${dash}"/>`;
const stroke = (index: number, d: string): string =>
  `<path d="${d}" fill="none" stroke="${colours[index % 4]}" stroke-width="2" stroke-linejoin="round"${dashes[index % 4] === '' ? '' : ` stroke-dasharray="${dashes[index % 4]}"`}/>`;
const curveMark = (index: number): string => stroke(index, 'M0,-4H22') + dot(index, '11,-4');

function dot(index: number, at: string): string {
  const [x, y] = at.split(',');
  return `<circle cx="${x}" cy="${y}" r="3.5" fill="${colours[index % 4]}"/>`;
}

const text = (
  x: number,
  y: number,
  label: string,
  anchor: 'start' | 'middle' | 'end' = 'start',
  strong = false,
): string =>
  `<text x="${x}" y="${y.toFixed(1)}" text-anchor="${anchor}" fill="${grey}"${strong ? ' font-weight="600" font-size="12"' : ''}>${escapeXml(label)}</text>`;

const escapeXml = (label: string): string => label.replace(/&/g, '&amp;').replace(/</g, '&lt;');
