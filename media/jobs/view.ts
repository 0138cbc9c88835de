/** A job's dashboard as a function of its model: where it stands, curves, fixed prompts, settings and log. */
import { html, nothing, type TemplateResult } from 'lit';
import { figure } from '../../src/base/figure.ts';
import { l10n } from '../../src/base/l10n.ts';
import { wordDiff } from '../../src/base/wordDiff.ts';
import type { Dashboard, JobActions } from '../../src/protocol/jobDashboard.ts';
import { icon } from '../common/codicon.ts';
import { chartsView } from './charts.ts';
import { opening, type PageModel } from './livePage.ts';
import { marked } from './marks.ts';
import { refusalsView } from './refusalsView.ts';
import { stateIcons, stateWords } from './states.ts';

export interface Model extends PageModel {
  readonly job: Dashboard | null;
  readonly allSamples: boolean;
  readonly allRefusals: boolean;
  /** Words that only one of two answers has are marked. */
  readonly differences: boolean;
}

export interface Actions {
  act(action: (typeof JobActions)[number]): void;
  openJob(id: string): void;
  showAll(): void;
  showRefusals(): void;
  showCurves(all: boolean): void;
  compareSamples(before: number, now: number): void;
  markDifferences(): void;
  retry(): void;
}

const shownSamples = 4;

export function jobView(model: Model, actions: Actions): TemplateResult {
  const { job } = model;
  if (!job) return opening(model.error, () => actions.retry());
  return html`<main class="job">
    ${header(model, job, actions)}
    ${lineage(job, actions)}
    ${health(model, job)}
    <div class="scroll">
      ${chartsView(job.charts)}
      ${
        job.hiddenCurves > 0 || job.allCurves
          ? html`<p class="more"><button class="link" aria-expanded=${job.allCurves ? 'true' : 'false'} @click=${() => actions.showCurves(!job.allCurves)}>${
              job.allCurves ? l10n.t('Show Fewer Curves') : l10n.t('Show {0} More Curves', job.hiddenCurves)
            }</button></p>`
          : nothing
      }
      <div class="low">
        <div class="main">${samples(model, job, actions)}${refusalsView(job, model.allRefusals, () => actions.showRefusals())}${log(job, actions)}</div>
        ${settings(job, actions)}
      </div>
    </div>
  </main>`;
}

function header(model: Model, job: Dashboard, actions: Actions): TemplateResult {
  const live = job.status === 'running' || job.status === 'stopping';
  const [name, color] = stateIcons[job.status];
  const share = job.totalSteps > 0 ? Math.min(100, (100 * job.step) / job.totalSteps) : 0;
  return html`<header class="head">
      <h1 class="clip">${job.name}</h1>
      <div class="st">
        ${icon(name, color)}<span class="state" role="status">${stateWords(job)}</span>
        ${live && job.step === 0 && job.phase ? html`<span class="nowrap">${job.phase}</span>` : nothing}
        ${job.totalSteps > 0 ? html`<span class="nowrap">${l10n.t('step')} <b>${job.step}</b> ${l10n.t('of {0}', job.totalSteps)}</span>` : nothing}
        ${job.secondsLeft === null ? nothing : html`<span class="nowrap">${l10n.t('{0} left', duration(job.secondsLeft))}</span>`}
        ${job.secondsPerStep === null ? nothing : html`<span class="dim nowrap">${l10n.t('{0} s a step', Number(job.secondsPerStep.toPrecision(2)))}</span>`}
        <span class="dim nowrap">${job.kindLabel}</span>
        <span class="dim nowrap">${l10n.t('on this computer')}</span>
      </div>
      <div class="btns">
        ${job.can.use ? button('play', l10n.t('Use this Model'), 'use-model', true) : nothing}
        ${job.can.fineTune ? button('sparkle', l10n.t('Fine-Tune with RLHF'), 'fine-tune', true) : nothing}
        ${job.can.stop ? button('debug-stop', l10n.t('Stop'), 'stop', false) : nothing}
        ${job.can.resume ? button('debug-restart', l10n.t('Resume'), 'resume', true) : nothing}
        ${action('git-compare', l10n.t('Compare with Other Jobs'), 'compare')}
        ${action('export', l10n.t('Export'), 'export')}
        ${job.can.stop || job.status === 'stopping' ? nothing : action('trash', l10n.t('Delete Job'), 'delete')}
      </div>
    </header>
    <div class="progress track" role="progressbar" aria-label=${l10n.t('Steps')} aria-valuemin="0" aria-valuemax=${job.totalSteps} aria-valuenow=${job.step}>
      <i class=${live ? '' : 'still'} style="width:${share}%"></i>
    </div>`;

  function action(iconName: string, label: string, what: (typeof JobActions)[number]): TemplateResult {
    return html`<button class="action" title=${label} aria-label=${label} ?disabled=${model.busy} @click=${() => actions.act(what)}>${icon(iconName)}</button>`;
  }
  function button(
    iconName: string,
    label: string,
    action: (typeof JobActions)[number],
    solid: boolean,
  ): TemplateResult {
    return html`<button class="button ${solid ? '' : 'secondary'}" ?disabled=${model.busy} @click=${() => actions.act(action)}>${icon(iconName)}${label}</button>`;
  }
}

function lineage(job: Dashboard, actions: Actions): TemplateResult {
  return html`<nav class="lin" aria-label=${l10n.t('Lineage')}><ol>${job.lineage.map(
    (step, i) =>
      html`<li>${i > 0 ? icon('chevron-right', 'c-dim') : nothing}<span class="dim">${step.role}</span>${
        step.here
          ? html`<b aria-current="page">${step.name}</b>`
          : step.job === null
            ? html`<span>${step.name}</span>`
            : html`<button class="link" @click=${() => actions.openJob(step.job!)}>${step.name}</button>`
      }${step.detail === '' ? nothing : html`<span class="dim xs">${step.detail}</span>`}</li>`,
  )}</ol></nav>`;
}

function health(model: Model, job: Dashboard): TemplateResult | typeof nothing {
  const icons = {
    info: ['info', 'c-info'],
    good: ['pass', 'c-right'],
    warning: ['warning', 'c-warn'],
    error: ['error', 'c-wrong'],
  };
  const lines = [
    ...(model.error === null ? [] : [{ level: 'error' as const, text: model.error }]),
    ...(job.health ? [job.health] : []),
  ];
  if (lines.length === 0) return nothing;
  return html`<div class="health" role="status">${lines.map(({ level, text }) => {
    const [name, color] = icons[level];
    return html`<p class="note">${icon(name!, color)}<span>${text}</span></p>`;
  })}</div>`;
}

function samples(model: Model, job: Dashboard, actions: Actions): TemplateResult | typeof nothing {
  if (!job.samples) return nothing;
  const { rows, steps, before, now } = job.samples;
  const shown = model.allSamples ? rows : rows.slice(0, shownSamples);
  return html`<section aria-label=${l10n.t('Fixed prompts')}>
    <h2 class="section">${l10n.t('Fixed prompts')}<span class="sub">${l10n.t('{0} of {1}', shown.length, rows.length)}</span><span class="acts">${
      rows.some(row => row.now !== null)
        ? html`<button class="link" aria-pressed=${model.differences ? 'true' : 'false'} @click=${() => actions.markDifferences()}>${
            model.differences ? l10n.t('Unmark Differences') : l10n.t('Mark Differences')
          }</button>`
        : nothing
    }${
      rows.length > shownSamples
        ? html`<button class="link" @click=${() => actions.showAll()}>${
            model.allSamples ? l10n.t('Show Fewer') : l10n.t('Show All')
          }</button>`
        : nothing
    }</span></h2>
    <table class="table fx">
      <colgroup><col class="c-prompt"><col><col><col class="c-reward"></colgroup>
      <thead><tr><th scope="col">${l10n.t('Prompt')}</th><th scope="col">${stepChoice('before')}</th><th scope="col">${
        now === null ? l10n.t('Now') : stepChoice('now')
      }</th><th scope="col" class="num">${l10n.t('Reward')}</th></tr></thead>
      <tbody>${shown.map(row => {
        const change = row.rewardBefore === null || row.rewardNow === null ? null : row.rewardNow - row.rewardBefore;
        const marks = model.differences && row.now !== null ? wordDiff(row.before, row.now) : undefined;
        return html`<tr>
          <td><div class="clamp" title=${row.prompt}>${row.prompt}</div></td>
          <td class="prose">${marked(row.before, marks?.own, 'del')}</td>
          <td class="prose">${row.now === null ? html`<span class="dim">${l10n.t('not yet')}</span>` : marked(row.now, marks?.others, 'ins')}</td>
          <td class="num">${
            change === null
              ? row.rewardBefore === null
                ? nothing
                : html`<span>${figure(row.rewardBefore)}</span>`
              : html`<b class=${change < 0 ? 'neg' : ''}>${change > 0 ? '+' : ''}${figure(change)}</b><span class="dim xs">${figure(row.rewardBefore!)} → ${figure(row.rewardNow!)}</span>`
          }</td>
        </tr>`;
      })}</tbody>
    </table>
  </section>`;

  /** The step of a column: a choice where there are more than two. */
  function stepChoice(column: 'before' | 'now'): TemplateResult {
    const chosen = column === 'before' ? before : now!;
    const name = (step: number): string => (step === 0 ? l10n.t('Before, step 0') : l10n.t('Step {0}', step));
    if (steps.length < 3) {
      return html`${steps.length === 0 ? (column === 'before' ? l10n.t('Before') : l10n.t('Now')) : name(chosen)}`;
    }
    const choose = (event: Event): void => {
      const step = Number((event.target as HTMLSelectElement).value);
      if (column === 'before') actions.compareSamples(step, now!);
      else actions.compareSamples(before, step);
    };
    return html`<select class="step" aria-label=${column === 'before' ? l10n.t('Answers of this step') : l10n.t('Compared with those of')} @change=${choose}>${steps.map(
      step => html`<option value=${step} .selected=${step === chosen}>${name(step)}</option>`,
    )}</select>`;
  }
}

function log(job: Dashboard, actions: Actions): TemplateResult {
  return html`<section class="logs" aria-label=${l10n.t('Log')}>
    <h2 class="section">${l10n.t('Log')}<span class="acts"><button class="link" @click=${() => actions.act('open-log')}>${l10n.t('Open')}</button></span></h2>
    ${
      job.log.length === 0
        ? html`<p class="dim empty">${l10n.t('Nothing yet.')}</p>`
        : html`<ol class="log mono" tabindex="0" aria-label=${l10n.t('Log, newest first')}>${job.log.map(
            line =>
              html`<li class=${line.level}><i>${clock(line.time)}</i>${
                line.level === 'info'
                  ? nothing
                  : html`${icon(line.level, line.level === 'error' ? 'c-wrong' : 'c-warn')} `
              }${line.text}</li>`,
          )}</ol>`
    }
  </section>`;
}

function settings(job: Dashboard, actions: Actions): TemplateResult {
  return html`<section class="side" aria-label=${l10n.t('Settings')}>
    <h2 class="section">${l10n.t('Settings')}<span class="acts"><button class="link" @click=${() => actions.act('open-specification')}>${l10n.t('Open Specification')}</button></span></h2>
    ${job.settings.map(group => html`<dl class="set">${group.map(({ label, value }) => html`<dt>${label}</dt><dd>${value}</dd>`)}</dl>`)}
  </section>`;
}

function duration(seconds: number): string {
  if (seconds < 90) return l10n.t('{0} s', Math.round(seconds));
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? l10n.t('{0} min', minutes) : l10n.t('{0} h {1} min', Math.floor(minutes / 60), minutes % 60);
}

const clock = (time: string): string => new Date(time).toTimeString().slice(0, 8);
