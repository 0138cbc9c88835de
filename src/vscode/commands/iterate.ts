/**
 * `Iterate: Sample, Judge, Retrain…`: the policy answers, its answers wait in the Ranking view, and when they are judged a reward
 * model is trained and the policy tuned on it; then the next round. What was begun goes on where it was left, also after a reload.
 */
import * as vscode from 'vscode';
import type { Prompt } from '../../core/generation.ts';
import { type Iteration, type IterationRound, iterationStage } from '../../core/jobs/iteration.ts';
import { type PresetName, PresetNames } from '../../core/jobs/presets.ts';
import { peopleOnly } from '../../core/preferences/judgeChoice.ts';
import type { ModelDescription } from '../../core/textGenerator.ts';
import {
  type DoneRound,
  doneRoundText,
  type IterationHost,
  type IterationOptions,
  judgedItems,
  runIteration,
} from '../../jobs/iterationRounds.ts';
import { listIterations, readIteration, writeIteration } from '../../storage/iterationFiles.ts';
import type { PreferenceJournal } from '../../storage/preferenceJournal.ts';
import { fileNameFor } from '../../storage/workspaceLayout.ts';
import { askPrompts } from '../askPrompts.ts';
import { type OpenProgress, openProgress } from '../cancellable.ts';
import { CommandIds, ViewIds } from '../commandIds.ts';
import { modelChoices } from '../modelChoices.ts';
import { type Choice, QuickSteps } from '../quickSteps.ts';
import { runJob } from '../runJob.ts';
import type { Services } from '../services.ts';
import { presetLabel } from '../training/reviewRows.ts';
import type { ModelNode } from '../views/modelsView.ts';
import { rankingHost } from '../views/rankingView.ts';

const iterateTitle = (): string => vscode.l10n.t('Iterate: Sample, Judge, Retrain');

interface Chosen {
  readonly iteration: Iteration;
  readonly options: IterationOptions;
}

type Then = 'again' | 'enough' | 'leave';

/** What this window is at, by name, so that one that is loaded again goes on. */
const goingOnKey = 'tunesmith.iterations';
/** By name: what ends the waiting for judgements, while there is any. */
const running = new Map<string, ((then: Then) => void) | undefined>();

/**
 * `given`: a model of the Models view, the first policy of a new iteration, or the name of one that waits for judgements in this
 * window, from the status bar.
 */
export async function iterate(services: Services, given?: ModelNode | string): Promise<void> {
  if (typeof given === 'string') {
    const steps = new QuickSteps(iterateTitle());
    try {
      await askWaiting(steps, given);
    } finally {
      steps.dispose();
    }
    return;
  }
  const node = given;
  const chosen = await choose(services, node?.type === 'model' ? node.model : undefined);
  if (chosen) await goOn(services, chosen);
}

/** Goes on with what this window was at before it was closed: called when the Ranking view opens. */
export async function resumeIterations(services: Services): Promise<void> {
  // A folder that came from elsewhere starts nothing by itself.
  if (!services.trusted || !services.workspaceFolder()) return;
  for (const [name, options] of Object.entries(remembered(services))) {
    if (running.has(name)) continue;
    const iteration = await readIteration(services.layout(), name);
    if (iteration) void goOn(services, { iteration, options }).catch(error => services.showError(error));
    else await remember(services, name, undefined);
  }
}

/** Forgotten when it ends, fails or is left; a window that is closed leaves it remembered. */
async function goOn(services: Services, { iteration, options }: Chosen): Promise<void> {
  const { name } = iteration;
  if (running.has(name)) return;
  running.set(name, undefined);
  await remember(services, name, options);
  const host = await hostOf(services, name);
  try {
    await runIteration(iteration, options, host);
  } finally {
    running.delete(name);
    host.dispose();
    await remember(services, name, undefined);
  }
}

const remembered = ({ context }: Services): Readonly<Record<string, IterationOptions>> =>
  context.workspaceState.get<Record<string, IterationOptions>>(goingOnKey, {});

async function remember(services: Services, name: string, options: IterationOptions | undefined): Promise<void> {
  const { [name]: _, ...others } = remembered(services);
  await services.context.workspaceState.update(goingOnKey, options ? { ...others, [name]: options } : others);
}

/** The window as a host of the rounds: models and jobs are its own, the judges are the people in front of it. */
async function hostOf(services: Services, name: string): Promise<IterationHost & vscode.Disposable> {
  const [journal, registry, dispatcher, inference] = await Promise.all([
    services.journal(),
    services.models(),
    services.dispatcher(),
    services.inference(),
  ]);
  const abort = new AbortController();
  const { signal } = abort;
  let sampling: OpenProgress | undefined;
  return {
    layout: services.layout(),
    journal,
    filter: peopleOnly,
    signal,
    async model(id) {
      const generator = await registry.get(id);
      return { label: generator.model.label, ask: dispatcher.ask(generator, {}) };
    },
    reference(id) {
      registry.refresh();
      return registry.reference(id);
    },
    tunedFrom: async id => (await registry.tuned(id))?.lineage.base.id,
    parameters: async base => (await inference.load({ base })).parameters,
    run: job => runJob(services, job, signal),
    judge: (iteration, round) => peopleJudge(services, journal, iteration, round),
    onProgress(round, done, prompts) {
      sampling ??= openProgress(vscode.l10n.t('{0}, round {1}: sampling', name, round), () => abort.abort());
      sampling.report(done, prompts, vscode.l10n.t('{0} of {1} prompts', done, prompts));
      if (done < prompts) return;
      sampling.close();
      sampling = undefined;
    },
    note: message => services.logger.info(`${name}: ${message}`),
    onRound: round => void tellRound(round),
    dispose: () => sampling?.close(),
  };
}

async function tellRound(round: DoneRound): Promise<void> {
  const use = vscode.l10n.t('Use in Playground');
  const choice = await vscode.window.showInformationMessage(doneRoundText(round), use);
  if (choice === use) await vscode.commands.executeCommand(CommandIds.useModel, round.tuned.id);
}

/** Shows the round in the Ranking view, and waits until all of it is judged, in this window or elsewhere. */
async function peopleJudge(
  services: Services,
  journal: PreferenceJournal,
  { name, rounds }: Iteration,
  round: IterationRound,
): Promise<Then> {
  const status = vscode.window.createStatusBarItem(vscode.StatusBarAlignment.Left);
  status.command = { command: CommandIds.iterate, title: '', arguments: [name] };
  status.name = vscode.l10n.t('Tunesmith: Iteration');
  status.tooltip = vscode.l10n.t('Training begins when all of the round is judged. Show what else can be done.');
  const first = [...journal.state.openItems(journal.author, round.set)][0]?.read();
  void vscode.window.showInformationMessage(
    vscode.l10n.t(
      '{0}, round {1}: answers to {2} prompts wait in the Ranking view. Training begins when they are judged; the status bar counts them.',
      name,
      rounds.length,
      round.items,
    ),
  );
  try {
    return await new Promise<Then>(resolve => {
      const look = (): void => {
        const judged = judgedItems(journal, round, peopleOnly);
        status.text = `$(list-ordered) ${vscode.l10n.t('{0}: {1} of {2} judged', name, judged, round.items)}`;
        if (judged >= round.items) done('again');
      };
      const listening = journal.onDidChange(look);
      const done = (then: Then): void => {
        listening.dispose();
        if (running.has(name)) running.set(name, undefined);
        resolve(then);
      };
      running.set(name, done);
      look();
      status.show();
      if (first)
        void rankingHost(services)
          .ask(first.id)
          .catch(error => services.showError(error));
    });
  } finally {
    status.dispose();
  }
}

/** Undefined when the person gave up, or chose something for one that waits in this window. */
async function choose(services: Services, model: ModelDescription | undefined): Promise<Chosen | undefined> {
  const title = iterateTitle();
  const layout = services.layout();
  const names = model ? [] : await listIterations(layout);
  if (names.length === 0) return begin(services, title, model);
  const journal = await services.journal();
  await journal.refresh();
  const known = await Promise.all(names.map(name => readIteration(layout, name)));
  const steps = new QuickSteps(title);
  let chosen: Iteration | 'new' | undefined;
  let preset: PresetName | undefined;
  try {
    chosen = await steps.ask<Iteration | 'new'>(vscode.l10n.t('Which iteration?'), [
      ...known
        .filter(iteration => iteration !== undefined)
        .map(iteration => ({
          label: `$(sync) ${iteration.name}`,
          description: stageText(iteration, journal),
          value: iteration,
        })),
      { label: `$(add) ${vscode.l10n.t('Begin a New One…')}`, alwaysShow: true, value: 'new' },
    ]);
    if (chosen === undefined) return undefined;
    if (chosen !== 'new') {
      if (running.has(chosen.name)) {
        await askWaiting(steps, chosen.name);
        return undefined;
      }
      preset = await askPreset(steps);
    }
  } finally {
    steps.dispose();
  }
  if (chosen === 'new') return begin(services, title, undefined);
  const [round] = chosen.rounds;
  return preset && { iteration: chosen, options: { items: round?.items ?? usualItems, samples: usualSamples, preset } };
}

/** Prompts of a round, and answers to each. */
const usualItems = 24;
const usualSamples = 4;

/** What to do with one that this window is at. */
async function askWaiting(steps: QuickSteps, name: string): Promise<void> {
  const waiting = running.get(name);
  if (!waiting) {
    void vscode.window.showInformationMessage(vscode.l10n.t('“{0}” is at work: its jobs are in the Jobs view.', name));
    return;
  }
  const then = await steps.ask(vscode.l10n.t('It waits for judgements'), waitChoices());
  if (then === 'again') await vscode.commands.executeCommand(`${ViewIds.rank}.focus`);
  else if (then) waiting(then);
}

const waitChoices = (): Choice<Then>[] => [
  { label: vscode.l10n.t('Go On Judging'), value: 'again' },
  { label: vscode.l10n.t('Train on What Is Judged'), value: 'enough' },
  { label: vscode.l10n.t('Stop Waiting'), description: vscode.l10n.t('it can go on from here later'), value: 'leave' },
];

/** Where it stands: `round 2: 11 of 24 judged`. */
function stageText(iteration: Iteration, journal: PreferenceJournal): string {
  const round = iteration.rounds.at(-1);
  const judged = round ? judgedItems(journal, round, peopleOnly) : 0;
  const number = iteration.rounds.length;
  switch (iterationStage(iteration, one => judged >= one.items)) {
    case 'sample':
      return number === 0 ? vscode.l10n.t('not sampled yet') : vscode.l10n.t('{0} rounds are done', number);
    case 'judge':
      return vscode.l10n.t('round {0}: {1} of {2} judged', number, judged, round!.items);
    case 'reward':
      return vscode.l10n.t('round {0}: the reward model is next', number);
    case 'tune':
      return vscode.l10n.t('round {0}: tuning is next', number);
  }
}

const askPreset = (steps: QuickSteps): Promise<PresetName | undefined> =>
  steps.ask<PresetName>(
    vscode.l10n.t('How thoroughly is each model trained?'),
    PresetNames.map(value => ({ label: presetLabel(value), value })),
  );

async function begin(
  services: Services,
  title: string,
  given: ModelDescription | undefined,
): Promise<Chosen | undefined> {
  const layout = services.layout();
  const found = await askPrompts(
    services,
    title,
    vscode.l10n.t('Which prompts does the policy answer? Of a template, each row'),
  );
  if (!found) return undefined;
  const registry = await services.models();
  const steps = new QuickSteps(title);
  let made: Omit<IterationOptions, 'rounds'> | undefined;
  let model = given;
  try {
    const locals = (await registry.list()).filter(({ kind }) => kind === 'local');
    model ??= await steps.ask(vscode.l10n.t('Which model is tuned?'), modelChoices(locals, found.model));
    const items =
      model && (await steps.ask(vscode.l10n.t('How many prompts are judged in a round?'), itemChoices(found.prompts)));
    const samples =
      items &&
      (await steps.ask(
        vscode.l10n.t('How many different answers to each?'),
        [2, 3, usualSamples].map(count => ({ label: String(count), value: count })),
      ));
    const preset = samples && (await askPreset(steps));
    if (items && samples && preset) made = { items, samples, preset };
  } finally {
    steps.dispose();
  }
  if (!made || !model) return undefined;
  const taken = new Set(await listIterations(layout));
  const name = await vscode.window.showInputBox({
    title,
    prompt: vscode.l10n.t('Name of the iteration; its models are called after it'),
    value: freeName(found.name, taken),
    ignoreFocusOut: true,
    validateInput: text => {
      if (text.trim() === '') return vscode.l10n.t('Type something, or press Escape.');
      return taken.has(fileNameFor(text, 'iteration'))
        ? vscode.l10n.t('There is one of this name. Run the command again to go on with it.')
        : undefined;
    },
  });
  if (name === undefined) return undefined;
  const iteration: Iteration = {
    format: 1,
    name: name.trim(),
    model: await registry.reference(model.id),
    seed: 0,
    prompts: found.prompts.map(prompt => ({ prompt })),
    rounds: [],
  };
  await writeIteration(layout, iteration);
  return { iteration, options: made };
}

function freeName(wanted: string, taken: ReadonlySet<string>): string {
  for (let i = 1; ; i++) {
    const name = i === 1 ? wanted : `${wanted}-${i}`;
    if (!taken.has(fileNameFor(name, 'iteration'))) return name;
  }
}

const itemChoices = (prompts: readonly Prompt[]): Choice<number>[] =>
  [8, usualItems, 100]
    .filter(count => count < prompts.length)
    .concat(prompts.length <= 100 ? [prompts.length] : [])
    .map(count => ({ label: String(count), value: count }));
