/** Live curves: uPlot in the editor's colours, one plot a chart, kept between updates. */
import uPlot from 'uplot';
import { type Chart, type Series, seriesDashes } from '../../src/protocol/jobDashboard.ts';
import { columns } from './lines.ts';
import { drawPicture } from './picture.ts';

const variables: Readonly<Record<Series['color'], string>> = {
  proxy: '--vscode-charts-blue',
  gold: '--orange',
  kl: '--vscode-charts-purple',
  loss: '--vscode-charts-foreground',
  dim: '--vscode-descriptionForeground',
  'job-1': '--vscode-charts-blue',
  'job-2': '--orange',
  'job-3': '--vscode-charts-green',
  'job-4': '--vscode-charts-purple',
  'job-5': '--vscode-charts-red',
  'job-6': '--vscode-charts-yellow',
};

interface Plot {
  readonly plot: uPlot;
  readonly shape: string;
  /** Charts whose x is not the step may turn back: they are drawn as they come. */
  readonly host: HTMLElement;
}

export class Curves {
  readonly #plots = new Map<string, Plot>();
  #charts: readonly Chart[] = [];
  #root: HTMLElement | undefined;
  readonly #resize = new ResizeObserver(() => this.#redraw(false));

  constructor() {
    // A change of theme changes the class of the body; canvases do not follow variables by themselves.
    new MutationObserver(() => this.#redraw(true)).observe(document.body, { attributeFilter: ['class', 'style'] });
    new MutationObserver(() => this.#redraw(true)).observe(document.documentElement, { attributeFilter: ['style'] });
  }

  draw(root: HTMLElement, charts: readonly Chart[]): void {
    this.#root = root;
    this.#charts = charts;
    this.#redraw(false);
  }

  /** All charts as they stand, with their captions: a PNG as a data URL; null where none is drawn. */
  picture(title: string): string | null {
    const section = this.#root?.querySelector<HTMLElement>('.charts');
    if (!section || this.#plots.size === 0) return null;
    return drawPicture(title, section, id => this.#plots.get(id)?.plot.ctx.canvas);
  }

  #redraw(anew: boolean): void {
    // Charts that are no longer shown.
    for (const [id, { plot }] of this.#plots) {
      if (this.#charts.some(chart => chart.id === id)) continue;
      plot.destroy();
      this.#plots.delete(id);
    }
    for (const chart of this.#charts) {
      const host = this.#root?.querySelector<HTMLElement>(`[data-chart="${CSS.escape(chart.id)}"]`);
      if (!host || host.clientWidth === 0 || chart.series.length === 0) continue;
      const shape = JSON.stringify([
        chart.series.map(series => [series.color, series.noisy, series.points.length < fewPoints]),
        chart.xMax,
        chart.yRange,
        host.clientWidth,
      ]);
      const { xs, lines } = columns(chart);
      const data = [xs, ...lines] as uPlot.AlignedData;
      const known = this.#plots.get(chart.id);
      if (known && !anew && known.shape === shape && known.host === host) {
        known.plot.setData(data);
        continue;
      }
      known?.plot.destroy();
      this.#resize.observe(host);
      this.#plots.set(chart.id, { host, shape, plot: new uPlot(optionsOf(chart, host), data, host) });
    }
  }
}

const height = 214;
/** So few are drawn as points too: one alone makes no line. */
const fewPoints = 9;
/** Steps are whole. */
const wholeSteps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000];

function optionsOf(chart: Chart, host: HTMLElement): uPlot.Options {
  const style = getComputedStyle(host);
  // Canvases know no variables: an element resolves them.
  const probe = host.appendChild(document.createElement('span'));
  const resolve = (css: string): string => {
    probe.style.color = css;
    return getComputedStyle(probe).color;
  };
  const color = (variable: string): string => resolve(`var(${variable}, var(--vscode-foreground))`);
  const dim = resolve('var(--dim)');
  const lines = resolve('var(--vscode-charts-lines)');
  const grid = { stroke: resolve('color-mix(in srgb, var(--vscode-charts-lines) 28%, transparent)'), width: 1 };
  const strokes = chart.series.map(series => color(variables[series.color]));
  probe.remove();
  const font = `11px ${style.fontFamily}`;
  return {
    width: host.clientWidth,
    height,
    padding: [8, 12, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { size: 5 }, drag: { x: false, y: false } },
    scales: {
      x: { time: false, range: (_, min, max) => [Math.min(0, min ?? 0), Math.max(chart.xMax ?? 0, max ?? 1, 0.5)] },
      y: {
        range: chart.yRange
          ? [chart.yRange[0], chart.yRange[1]]
          : // Of zeros alone uPlot makes 0 to 100.
            (_, min, max) => (min === 0 && max === 0 ? [0, 1] : uPlot.rangeNum(min ?? 0, max ?? 1, 0.1, true)),
      },
    },
    axes: [
      {
        stroke: dim,
        font,
        size: 18,
        ...(chart.id === 'frontier' ? {} : { incrs: wholeSteps }),
        gap: 2,
        space: 48,
        grid: { show: false },
        ticks: { show: false },
        border: { show: true, stroke: lines, width: 1 },
      },
      {
        stroke: dim,
        font,
        size: (_, values) => 12 + 6.5 * Math.max(3, ...(values ?? []).map(text => text?.length ?? 0)),
        gap: 4,
        space: 34,
        grid,
        ticks: { show: false },
        values: (_, splits) => splits.map(value => String(Number(value.toPrecision(6))).replace('-', '−')),
      },
    ],
    series: [
      {},
      ...chart.series.flatMap((series, i): uPlot.Series[] => {
        const stroke = strokes[i]!;
        const line: uPlot.Series = {
          stroke,
          width: 1.5,
          dash: chart.series.length > 1 ? [...seriesDashes[series.color]] : [],
          spanGaps: true,
          points: { show: series.points.length < fewPoints, size: 5, fill: stroke },
        };
        return series.noisy
          ? [
              { stroke, spanGaps: true, width: 1, alpha: 0.35, points: { show: false } },
              { ...line, points: { show: false } },
            ]
          : [line];
      }),
    ],
  };
}
