/**
 * A job as one HTML page that needs nothing else: outcome, curves, answers before and after, settings, lineage, warnings. It runs no
 * script and loads nothing; texts of models are escaped.
 */
import { figure } from '../../base/figure.ts';
import { l10n } from '../../base/l10n.ts';
import { type Range, wordDiff } from '../../base/wordDiff.ts';
import type { RefusalView } from '../refusals/report.ts';
import { chartLegend, chartSvg } from './chartSvg.ts';
import type { Comparison } from './comparison.ts';
import { type DashboardInput, dashboard } from './dashboard.ts';
import type { Chart } from './dashboardCharts.ts';
import { escapeXml } from './plotScale.ts';
import { statusWord } from './status.ts';

/** `language` is that of the texts, as HTML has it. */
export function jobReport(input: DashboardInput, language = 'en'): string {
  const { name, kindLabel, status, step, totalSteps, health, charts, samples, refusals, settings, lineage, log } =
    dashboard(input);
  const { specification, result, state } = input;
  const facts = [
    kindLabel,
    statusWord(status),
    totalSteps > 0 ? l10n.t('{0} of {1} steps', step, totalSteps) : '',
    date(specification.createdAt),
    result ? l10n.t('{0} s of work', Math.round(result.seconds)) : '',
  ].filter(fact => fact !== '');
  const warnings = [...new Set(log.filter(({ level }) => level !== 'info').map(({ text }) => text))].reverse();
  const metrics = Object.entries(result?.metrics ?? {});
  const error = state?.error?.message;
  return page(language, name, [
    `<h1>${escapeXml(name)}</h1>`,
    `<p class="dim">${facts.map(escapeXml).join(' · ')}</p>`,
    ...(health ? [`<p class="health ${health.level}">${escapeXml(health.text)}</p>`] : []),
    ...(error !== undefined && error !== health?.text ? [`<p class="health error">${escapeXml(error)}</p>`] : []),
    ...section(l10n.t('Curves'), figures(charts), 'charts'),
    ...section(l10n.t('Answers to the fixed prompts'), samples ? [answers(samples)] : []),
    ...section(l10n.t('Refusals before and after'), refusals ? refusalParts(refusals) : []),
    ...section(l10n.t('Result'), metrics.length > 0 ? [table(metrics.map(([key, value]) => [key, exact(value)]))] : []),
    ...section(l10n.t('Settings'), [table(settings.flat().map(({ label, value }) => [label, value]))]),
    ...section(l10n.t('Lineage'), [
      table(lineage.map(row => [row.role, row.name + (row.detail === '' ? '' : ` (${row.detail})`)])),
    ]),
    ...section(
      l10n.t('Warnings'),
      warnings.length > 0 ? [`<ul>${warnings.map(text => `<li>${escapeXml(text)}</li>`).join('')}</ul>`] : [],
    ),
    `<footer class="dim">${escapeXml(l10n.t('Job {0}, seed {1}, data {2}.', input.id, specification.seed, specification.data.sha256.slice(0, 12)))}</footer>`,
  ]);
}

/** Jobs beside each other: common charts, what differs between their specifications, and what came of them. */
export function comparisonReport({ jobs, charts, specification, same, results }: Comparison, language = 'en'): string {
  const names = jobs.map(({ name }) => name);
  const rows = (list: Comparison['results']): string[] =>
    list.length === 0
      ? []
      : [
          `<table><tr><td></td>${names.map(name => `<th scope="col">${escapeXml(name)}</th>`).join('')}</tr>${list
            .map(
              ({ label, values }) =>
                `<tr><th scope="row">${escapeXml(label)}</th>${values.map(value => `<td>${escapeXml(value ?? '—')}</td>`).join('')}</tr>`,
            )
            .join('')}</table>`,
        ];
  return page(language, names.join(', '), [
    `<h1>${escapeXml(l10n.t('Compare Jobs'))}</h1>`,
    `<ul>${jobs.map(job => `<li><b>${escapeXml(job.name)}</b> <span class="dim">${escapeXml(`${job.kindLabel}, ${statusWord(job.status)}.`)}</span> ${escapeXml(job.outcome)}</li>`).join('')}</ul>`,
    ...section(l10n.t('Curves'), figures(charts), 'charts'),
    ...section(l10n.t('What differs'), [
      ...rows(specification),
      `<p class="dim">${escapeXml(l10n.t('{0} settings are the same.', same))}</p>`,
    ]),
    ...section(l10n.t('Results'), rows(results)),
  ]);
}

const figures = (charts: readonly Chart[]): string[] =>
  charts.flatMap(chart => {
    const svg = chartSvg(chart);
    if (svg === '') return [];
    const unit = chart.unit === '' ? '' : ` <span class="dim">${escapeXml(chart.unit)}</span>`;
    return [
      `<figure><figcaption>${escapeXml(chart.title)}${unit}<span class="legend">${chartLegend(chart)}</span></figcaption>${svg}</figure>`,
    ];
  });

const section = (title: string, parts: readonly string[], className = ''): string[] =>
  parts.length === 0
    ? []
    : [
        `<section><h2>${escapeXml(title)}</h2><div${className === '' ? '' : ` class="${className}"`}>${parts.join('\n')}</div></section>`,
      ];

const table = (rows: readonly (readonly [string, string])[]): string =>
  `<table>${rows.map(([key, value]) => `<tr><th scope="row">${escapeXml(key)}</th><td>${escapeXml(value)}</td></tr>`).join('')}</table>`;

function answers({ before, now, rows }: NonNullable<ReturnType<typeof dashboard>['samples']>): string {
  const reward = (value: number | null): string =>
    value === null ? '' : `<div class="dim">${escapeXml(l10n.t('reward {0}', figure(value)))}</div>`;
  const cells = rows.map(row => {
    const marks = row.now === null ? undefined : wordDiff(row.before, row.now);
    const first = marked(row.before, marks?.own, 'del') + reward(row.rewardBefore);
    const second = marked(row.now ?? '', marks?.others, 'ins') + reward(row.rewardNow);
    return `<tr><td>${escapeXml(row.prompt)}</td><td>${first}</td><td>${second}</td></tr>`;
  });
  const after = now !== null && now > 0 ? l10n.t('After step {0}', now) : l10n.t('After');
  const heads = [l10n.t('Prompt'), before > 0 ? l10n.t('After step {0}', before) : l10n.t('Before'), after];
  return `<table class="answers"><tr>${heads.map(head => `<th scope="col">${escapeXml(head)}</th>`).join('')}</tr>${cells.join('')}</table>`;
}

/** Counts by attack, totals with their tests, and the prompts whose outcome changed with both answers. */
function refusalParts({ attacks, totals, empty, changed }: RefusalView): string[] {
  const row = (cells: readonly string[]): string => `<tr>${cells.join('')}</tr>`;
  const head = (labels: readonly string[]): string =>
    row(labels.map(label => `<th scope="col">${escapeXml(label)}</th>`));
  const cell = (text: string): string => `<td>${escapeXml(text)}</td>`;
  const name = (text: string): string => `<th scope="row">${escapeXml(text)}</th>`;
  const [before, now] = [l10n.t('Refused before'), l10n.t('Refused now')];
  return [
    `<table class="refusals">${head([l10n.t('Attack'), before, now, l10n.t('Change')])}${[
      ...attacks.map(of => row([name(of.attack), cell(of.before), cell(of.now), cell('')])),
      ...totals.map(of =>
        row([
          name(of.label),
          cell(of.before),
          cell(of.now),
          `<td title="${escapeXml(of.test)}">${escapeXml(of.change)}</td>`,
        ]),
      ),
    ].join('')}</table>`,
    ...(empty === null ? [] : [`<p class="dim">${escapeXml(empty)}</p>`]),
    ...(changed.length === 0
      ? []
      : [
          `<table class="answers">${head([l10n.t('Prompt'), l10n.t('Before'), l10n.t('After')])}${changed
            .map(of =>
              row([
                `<td>${escapeXml(of.prompt)}<div class="${of.better ? 'good' : 'bad'}">${escapeXml(`${of.better ? '✓' : '✗'} ${of.attack}, ${of.outcome}`)}</div></td>`,
                cell(of.before),
                cell(of.now),
              ]),
            )
            .join('')}</table>`,
        ]),
  ];
}

/** Words that only one of two answers has. */
function marked(text: string, ranges: readonly Range[] = [], tag: 'ins' | 'del'): string {
  let place = 0;
  const parts: string[] = [];
  for (const { start, end } of ranges) {
    parts.push(escapeXml(text.slice(place, start)), `<${tag}>${escapeXml(text.slice(start, end))}</${tag}>`);
    place = end;
  }
  return parts.join('') + escapeXml(text.slice(place));
}

const exact = (value: number): string => String(Number(value.toPrecision(6))).replace('-', '−');

/** The day and minute, UTC. */
const date = (iso: string): string => `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;

const styles = `
:root { color-scheme: light dark; --ink: #1f2328; --dim: #59636e; --grid: #d8dee4; --paper: #ffffff; --proxy: #0b63c4; --gold: #8a6a00; --kl: #8250df; --loss: #b35900; --job-1: #0b63c4; --job-2: #b35900; --job-3: #1a7f37; --job-4: #8250df; --job-5: #b3261e; --job-6: #7d6b00; --warn: #9a6700; --bad: #b3261e; --good: #1a7f37 }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --dim: #9198a1; --grid: #30363d; --paper: #0d1117; --proxy: #4c9aff; --gold: #e3b341; --kl: #bc8cff; --loss: #f0a040; --job-1: #4c9aff; --job-2: #f0a040; --job-3: #3fb950; --job-4: #bc8cff; --job-5: #f85149; --job-6: #d9c400; --warn: #d29922; --bad: #f85149; --good: #3fb950 } }
body { margin: 0 auto; padding: 24px; max-width: 1000px; background: var(--paper); color: var(--ink); font: 14px/1.5 system-ui, sans-serif }
h1 { font-size: 24px; margin: 0; overflow-wrap: anywhere } h2 { font-size: 16px; margin: 28px 0 8px }
.dim { color: var(--dim) } .health { border-inline-start: 3px solid var(--dim); padding-inline-start: 10px }
.health.good { border-color: var(--good) } .health.warning { border-color: var(--warn) } .health.error { border-color: var(--bad) }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); gap: 20px }
figure { margin: 0 } figcaption { font-weight: 600; display: flex; flex-wrap: wrap; gap: 2px 8px } figcaption span { font-weight: 400 }
.legend { margin-inline-start: auto; display: flex; gap: 12px } svg { width: 100%; height: auto } .legend svg { width: 22px; height: 8px }
table { border-collapse: collapse; width: 100% } th, td { text-align: start; vertical-align: top; padding: 4px 12px 4px 0; border-bottom: 1px solid var(--grid); overflow-wrap: anywhere }
th[scope=row] { font-weight: 400; color: var(--dim); width: 40% } .refusals th[scope=row] { width: auto } .good { color: var(--good) } .bad { color: var(--bad) } .answers { table-layout: fixed } .answers td { white-space: pre-wrap }
ins, del { text-decoration: none } ins { background: color-mix(in srgb, var(--good) 22%, transparent) } del { background: color-mix(in srgb, var(--bad) 18%, transparent) }
footer { margin-top: 28px; font-size: 12px; overflow-wrap: anywhere }
@media print { :root { color-scheme: light } section { break-inside: avoid } }
`;

const page = (language: string, title: string, body: readonly string[]): string =>
  `<!doctype html>
<html lang="${escapeXml(language)}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeXml(title)}</title>
<style>${styles}</style>
</head>
<body>
${body.join('\n')}
</body>
</html>
`;
