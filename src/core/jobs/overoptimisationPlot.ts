/** The experiment's figure as SVG: proxy above gold, each on a scale of its own, against √KL; a column for each strength of the penalty. */
import { l10n } from '../../base/l10n.ts';
import { frontier } from '../statistics/overoptimisation.ts';
import type { OveroptimisationCurve, OveroptimisationPoint, OveroptimisationResult } from './overoptimisation.ts';
import { escapeXml, type Range, roundUp, ticks } from './plotScale.ts';

const Panel = { width: 360, height: 190, left: 44, right: 12, top: 40, bottom: 20 } as const;
/** Of the words under the columns. */
const Foot = 22;
/** Told apart by dashes as well; both are legible on white and on black. */
const colours = { proxy: '#c2661d', gold: '#2b7fd4', text: '#808080', grid: '#80808040' } as const;

const rows = ['proxy', 'gold'] as const;
type Curve = (typeof rows)[number];

/** Readable on light and dark pages: no background, grey text. */
export function overoptimisationPlot({ curves, model, seeds }: OveroptimisationResult): string {
  const all = curves.flatMap(({ points }) => points);
  const x = { low: 0, high: roundUp(Math.max(...all.map(rootKl), 0.1)) };
  const width = Panel.width * curves.length;
  const height = rows.length * Panel.height + Foot;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="11" role="img">`,
    `<title>${escapeXml(l10n.t('Reward against √KL, {0}, {1} seeds', model, seeds.length))}</title>`,
    ...rows.flatMap((row, down) => {
      const ends = all.flatMap(point => [point[row].mean - point[row].error, point[row].mean + point[row].error]);
      const y = { low: Math.min(0, ...ends), high: Math.max(0.1, ...ends) };
      return curves.map(
        (curve, across) =>
          `<g transform="translate(${across * Panel.width},${down * Panel.height})">${panel(curve, row, x, y)}</g>`,
      );
    }),
    ...curves.map((_, across) =>
      text((across + 1) * Panel.width - Panel.right, height - 8, l10n.t('√KL to the base, √nats'), 'end'),
    ),
    '</svg>\n',
  ].join('\n');
}

function panel({ beta, points, fit }: OveroptimisationCurve, row: Curve, x: Range, y: Range): string {
  const atX = (value: number): number =>
    Panel.left + ((value - x.low) / (x.high - x.low)) * (Panel.width - Panel.left - Panel.right);
  const atY = (value: number): number =>
    Panel.height - Panel.bottom - ((value - y.low) / (y.high - y.low)) * (Panel.height - Panel.top - Panel.bottom);
  const place = (px: number, py: number): string => `${atX(px).toFixed(1)},${atY(py).toFixed(1)}`;
  const path = (values: readonly (readonly [number, number])[]): string =>
    `M${values.map(value => place(...value)).join('L')}`;
  const label =
    row === 'proxy' ? l10n.t('proxy: the reward model, standard deviations') : l10n.t('gold: the true rule, points');
  const parts = [
    ...(row === rows[0]
      ? [text(Panel.left, 14, beta === 0 ? l10n.t('no KL penalty') : l10n.t('β = {0}', beta), 'start', true)]
      : []),
    text(Panel.left, Panel.top - 9, label),
  ];
  for (const value of ticks(y))
    parts.push(
      `<path d="M${place(x.low, value)}H${atX(x.high)}" stroke="${colours.grid}"/>`,
      text(Panel.left - 6, atY(value) + 4, number(value), 'end'),
    );
  for (const value of ticks(x)) parts.push(text(atX(value), Panel.height - Panel.bottom + 15, number(value), 'middle'));
  const edge = (side: 1 | -1) =>
    points.map(point => [rootKl(point), point[row].mean + side * point[row].error] as const);
  parts.push(
    `<path d="${path([...edge(1), ...edge(-1).reverse()])}Z" fill="${colours[row]}" fill-opacity="0.15"/>`,
    stroke(row, path(points.map(point => [rootKl(point), point[row].mean]))),
  );
  if (row === 'gold' && fit) {
    const last = Math.max(...points.map(rootKl));
    const curve = Array.from({ length: 60 }, (_, i) => (last * (i + 1)) / 60).map(
      d => [d, frontier(fit, 'rl', d)] as const,
    );
    parts.push(
      `<path d="${path(curve)}" fill="none" stroke="${colours.text}" stroke-dasharray="1 3" stroke-linecap="round"/>`,
    );
  }
  return parts.join('');
}

const stroke = (curve: Curve, d: string): string =>
  `<path d="${d}" fill="none" stroke="${colours[curve]}" stroke-width="2" stroke-linejoin="round"${curve === 'proxy' ? ' stroke-dasharray="6 3"' : ''}/>`;

const text = (
  x: number,
  y: number,
  label: string,
  anchor: 'start' | 'middle' | 'end' = 'start',
  strong = false,
): string =>
  `<text x="${x}" y="${y.toFixed(1)}" text-anchor="${anchor}" fill="${colours.text}"${strong ? ' font-weight="600" font-size="12"' : ''}>${escapeXml(label)}</text>`;

const number = (value: number): string => String(Number(value.toFixed(2))).replace('-', '−');
const rootKl = ({ kl }: OveroptimisationPoint): number => Math.sqrt(Math.max(0, kl.mean));
