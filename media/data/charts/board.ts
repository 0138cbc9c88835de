/** The leaderboard of models with intervals, with or without the length of answers, and who won against whom. */
import { html, nothing, svg, type TemplateResult } from 'lit';
import { l10n } from '../../../src/base/l10n.ts';
import type { ShownBoard, ShownFigures } from '../../../src/protocol/preferenceFigures.ts';
import { icon } from '../../common/codicon.ts';
import { figure } from '../words.ts';
import { chartView } from './chart.ts';
import { percent, points } from './figures.ts';

const rowHeight = 26;
const nameWidth = 150;

export function boardView(
  { board, boardOfEqualLength }: ShownFigures,
  options: { readonly equalLength: boolean; readonly toggle: () => void; readonly changed: () => void },
): TemplateResult {
  const shown = options.equalLength ? boardOfEqualLength : board;
  if (shown.games === 0)
    return html`<figure class="card" aria-label=${l10n.t('Leaderboard')}><figcaption><b>${l10n.t('Leaderboard')}</b></figcaption>
      <p class="says">${l10n.t('No judgement compares answers of two models. Put answers of several models up for ranking.')}</p></figure>`;
  const effect = shown.lengthEffect;
  const says = html`${l10n.t('{0} comparisons of two models’ answers, {1} of them ties.', figure(shown.games), figure(shown.ties))}
    <label class="check"><input type="checkbox" .checked=${options.equalLength} @change=${options.toggle}>${l10n.t('For answers of equal length')}</label>
    ${effect ? html`<br>${l10n.t('One standard deviation of extra length is worth {0} points.', points(effect))}` : nothing}
    ${
      shown.connected
        ? nothing
        : html`<span class="note">${icon('warning', 'c-warn')}<span>${l10n.t('Some models only won or only lost against the others: their ratings are held back and not to be trusted.')}</span></span>`
    }`;
  return html`${chartView({
    id: 'board',
    title: l10n.t('Leaderboard'),
    says,
    changed: options.changed,
    table: {
      head: [l10n.t('Model'), l10n.t('Rating'), l10n.t('Comparisons'), l10n.t('Won')],
      rows: shown.ratings.map(({ player, rating, games, winRate }) => [
        player,
        points(rating),
        figure(games),
        percent(winRate),
      ]),
    },
    draw: width => drawing(shown, width),
  })}${winRates(shown)}`;
}

function drawing({ ratings }: ShownBoard, width: number): TemplateResult {
  const low = Math.min(...ratings.map(({ rating }) => rating.low ?? rating.estimate ?? 1000));
  const high = Math.max(...ratings.map(({ rating }) => rating.high ?? rating.estimate ?? 1000));
  const names = Math.min(nameWidth, width * 0.35);
  const figures = 150;
  const room = Math.max(40, width - names - figures - 16);
  const x = (value: number): number => names + 8 + ((value - low) / (high - low || 1)) * room;
  const height = ratings.length * rowHeight + 4;
  return svg`<svg width=${width} height=${height}>
    ${low <= 1000 && high >= 1000 ? svg`<line class="grid" x1=${x(1000)} x2=${x(1000)} y1="0" y2=${height} />` : nothing}
    ${ratings.map(({ player, rating }, i) => {
      const y = i * rowHeight + rowHeight / 2;
      const estimate = rating.estimate ?? 1000;
      const most = Math.max(6, Math.floor(names / 7));
      return svg`<text class="name" x="0" y=${y + 4}>${player.length > most ? `${player.slice(0, most - 1)}…` : player}<title>${player}</title></text>
        <line class="whisker" x1=${x(rating.low ?? estimate)} x2=${x(rating.high ?? estimate)} y1=${y} y2=${y} />
        <circle cx=${x(estimate)} cy=${y} r="4" fill="var(--vscode-charts-blue)" />
        <text x=${width} y=${y + 4} text-anchor="end">${points(rating)}</text>`;
    })}
  </svg>` as unknown as TemplateResult;
}

function winRates({ ratings, winRates: matrix }: ShownBoard): TemplateResult | typeof nothing {
  if (ratings.length < 2) return nothing;
  return html`<figure class="card" aria-label=${l10n.t('Win rates')}>
    <figcaption><b>${l10n.t('Win rates')}</b></figcaption>
    <p class="says">${l10n.t('How often the model of the row won against that of the column; a tie counts half.')}</p>
    <div class="table-box" tabindex="0" role="group" aria-label=${l10n.t('Win rates')}>
    <table class="table figures heat"><thead><tr><td></td>${ratings.map(({ player }) => html`<th scope="col" class="num"><span class="clip" title=${player}>${player}</span></th>`)}</tr></thead>
      <tbody>${ratings.map(
        ({ player }, i) =>
          html`<tr><th scope="row"><span class="clip" title=${player}>${player}</span></th>${ratings.map((other, j) => {
            const share = matrix[i]?.[j] ?? null;
            if (i === j || share === null) return html`<td class="num dim">${i === j ? '' : '–'}</td>`;
            const title = l10n.t('{0} won {1} against {2}', player, percent(share), other.player);
            return html`<td class="num" title=${title} style="--share:${share}">${percent(share)}</td>`;
          })}</tr>`,
      )}</tbody></table></div>
  </figure>`;
}
