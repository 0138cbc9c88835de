/** The experiment's figure as SVG: proxy and gold against √KL, one panel for each strength of the penalty. */
import { l10n } from '../../base/l10n.ts';
import { frontier } from '../statistics/overoptimisation.ts';
import type { OveroptimisationCurve, OveroptimisationPoint, OveroptimisationResult } from './overoptimisation.ts';
import { escapeXml, type Range, roundUp, ticks } from './plotScale.ts';

const Panel = { width: 360, height: 260, left: 44, right: 12, top: 34, bottom: 38 } as const;
/** Told apart by dashes as well; both are legible on white and on black. */
const colours = { proxy: '#c2661d', gold: '#2b7fd4', text: '#808080', grid: '#80808040' } as const;

type Curve = 'proxy' | 'gold';

/** Readable on light and dark pages: no background, grey text. */
export function overoptimisationPlot({ curves, model, seeds }: OveroptimisationResult): string {
  const all = curves.flatMap(({ points }) => points);
  const x = { low: 0, high: roundUp(Math.max(...all.map(rootKl), 0.1)) };
  const ends = all.flatMap(({ proxy, gold }) =>
    [proxy, gold].flatMap(({ mean, error }) => [mean - error, mean + error]),
  );
  const y = { low: Math.min(0, ...ends), high: Math.max(0.1, ...ends) };
  const width = Panel.width * curves.length;
  const height = Panel.height + 26;
  const legend = (['proxy', 'gold'] as const).map((curve, i) => {
    const label =
      curve === 'proxy'
        ? l10n.t('proxy: the reward model, standard deviations')
        : l10n.t('gold: the true rule, points');
    return `<g transform="translate(${Panel.left + i * 300},${height - 10})">${stroke(curve, 'M0,-4H22')}${text(28, 0, label)}</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="11" role="img">`,
    `<title>${escapeXml(l10n.t('Reward against √KL, {0}, {1} seeds', model, seeds.length))}</title>`,
    ...curves.map((curve, i) => `<g transform="translate(${i * Panel.width},0)">${panel(curve, x, y)}</g>`),
    ...legend,
    '</svg>\n',
  ].join('\n');
}

function panel({ beta, points, fit }: OveroptimisationCurve, x: Range, y: Range): string {
  const atX = (value: number): number =>
    Panel.left + ((value - x.low) / (x.high - x.low)) * (Panel.width - Panel.left - Panel.right);
  const atY = (value: number): number =>
    Panel.height - Panel.bottom - ((value - y.low) / (y.high - y.low)) * (Panel.height - Panel.top - Panel.bottom);
  const place = (px: number, py: number): string => `${atX(px).toFixed(1)},${atY(py).toFixed(1)}`;
  const path = (values: readonly (readonly [number, number])[]): string =>
    `M${values.map(value => place(...value)).join('L')}`;
  const parts = [text(Panel.left, 18, beta === 0 ? l10n.t('no KL penalty') : l10n.t('β = {0}', beta), 'start', true)];
  for (const value of ticks(y))
    parts.push(
      `<path d="M${place(x.low, value)}H${atX(x.high)}" stroke="${colours.grid}"/>`,
      text(Panel.left - 6, atY(value) + 4, number(value), 'end'),
    );
  for (const value of ticks(x)) parts.push(text(atX(value), Panel.height - Panel.bottom + 15, number(value), 'middle'));
  parts.push(text(Panel.width - Panel.right, Panel.height - 8, l10n.t('√KL to the base, √nats'), 'end'));
  for (const curve of ['proxy', 'gold'] as const) {
    const edge = (side: 1 | -1) =>
      points.map(point => [rootKl(point), point[curve].mean + side * point[curve].error] as const);
    parts.push(
      `<path d="${path([...edge(1), ...edge(-1).reverse()])}Z" fill="${colours[curve]}" fill-opacity="0.15"/>`,
      stroke(curve, path(points.map(point => [rootKl(point), point[curve].mean]))),
    );
  }
  if (fit) {
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
