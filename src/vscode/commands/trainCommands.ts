/** The commands that train: each asks for what has no likely answer, shows the rest in one list with what the job needs, and starts it. */
import * as vscode from 'vscode';
import { HumanError } from '../../base/errors.ts';
import type { ItemRecord } from '../../core/preferences/judgement.ts';
import type { ModelDescription } from '../../core/textGenerator.ts';
import type { ModelRegistry } from '../../providers/registry.ts';
import { CommandIds } from '../commandIds.ts';
import { QuickSteps } from '../quickSteps.ts';
import type { Services } from '../services.ts';
import { askData, type DataSource } from '../training/data.ts';
import { type Family, familyTitle, methodsOf } from '../training/methods.ts';
import { newJob } from '../training/newJob.ts';
import { review } from '../training/review.ts';
import { baseIsGone } from '../training/reviewChange.ts';
import { askReward, baseOf, type ChosenReward } from '../training/reward.ts';
import { startJob } from '../training/start.ts';

export const trainRewardModel = (services: Services): Promise<void> => train(services, 'reward');
/** `given`: a file of examples, from another command. */
export const tuneOnExamples = (services: Services, given?: vscode.Uri): Promise<void> =>
  train(services, 'examples', { source: given && { kind: 'files', uris: [given] } });
export const tuneOnPreferences = (services: Services): Promise<void> => train(services, 'preferences');
export const fineTune = (services: Services): Promise<void> => train(services, 'reinforcement');
export const iterateExpert = (services: Services): Promise<void> =>
  train(services, 'reinforcement', { method: 'expert' });

interface Start {
  /** The method that is offered first. */
  readonly method?: string;
  readonly source?: DataSource | undefined;
}

async function train(services: Services, family: Family, { method: first, source: given }: Start = {}): Promise<void> {
  const layout = services.layout();
  const title = familyTitle(family);
  const steps = new QuickSteps(title);
  try {
    const source = given ?? (await askData(services, steps, family, title));
    if (!source) return;
    let reward: ChosenReward | undefined;
    if (family === 'reinforcement') {
      const chosen = await askReward(services, steps, title);
      if (chosen === 'train-first') {
        steps.dispose();
        await vscode.commands.executeCommand(CommandIds.trainRewardModel);
        return;
      }
      if (!chosen) return;
      reward = chosen;
    }
    const bases = await basesOf(services, await services.models());
    // A reward model scores answers of the base that it stands on.
    const wanted = (reward && baseOf(reward)) ?? bases[0]?.id;
    const model = bases.find(({ id }) => id === wanted);
    if (!model) {
      throw wanted === undefined
        ? new HumanError(vscode.l10n.t('There is no local model to train. Add one in the Models view.'))
        : baseIsGone(wanted);
    }
    const methods = methodsOf(family);
    const plans = await review(
      services,
      steps,
      {
        family,
        method: methods.find(({ id }) => id === first) ?? methods[0],
        source,
        reward,
        gold: undefined,
        ensemble: 1,
        model,
        preset: 'quick',
        changes: {},
        name: undefined,
      },
      bases,
    );
    for (const [place, plan] of (plans ?? []).entries()) {
      const { id, specification } = await newJob(layout, plan);
      await startJob(services, id, specification.name, { show: place === 0 });
    }
  } finally {
    steps.dispose();
  }
}

/** Local base models; the one that wrote most of the ranked answers first. */
async function basesOf(services: Services, registry: ModelRegistry): Promise<readonly ModelDescription[]> {
  const journal = await services.journal();
  const all = await registry.list();
  const counts = answersOf(all, journal.items());
  return all
    .filter(model => model.kind === 'local' && model.base === undefined)
    .sort((a, b) => (counts.get(b.id) ?? 0) - (counts.get(a.id) ?? 0));
}

function answersOf(models: readonly ModelDescription[], items: readonly ItemRecord[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const answer of items.flatMap(item => item.answers)) {
    const base = models.find(model => model.id === answer.model)?.base ?? answer.model;
    counts.set(base, (counts.get(base) ?? 0) + 1);
  }
  return counts;
}
