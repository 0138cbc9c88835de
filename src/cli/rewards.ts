/** What a reward model of the workspace says of answers that wait to be judged, for `prefs next` and `rank`. */
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import type { RankingProject } from '../core/preferences/rankingSettings.ts';
import { itemsToScore, mostScored, type Rewards } from '../core/preferences/rewardMargins.ts';
import type { PreferenceJournal } from '../storage/preferenceJournal.ts';
import type { Cli } from './cli.ts';

interface Wanted {
  readonly set?: string | undefined;
  /** Name of the reward model; the newest where it is absent. */
  readonly model?: string | undefined;
}

/** Throws a HumanError when there is no reward model. */
export async function rewardsOf(
  cli: Cli,
  { state, author }: PreferenceJournal,
  project: RankingProject,
  { set, model }: Wanted,
): Promise<Rewards> {
  const name = model ?? (await cli.models.rewardModels())[0]?.name;
  if (name === undefined)
    throw new HumanError(l10n.t('There is no reward model yet. Train one with “tunesmith train reward”.'));
  const { base, adapter } = await cli.models.rewardReference(name);
  const work = itemsToScore(state, { author, set, sharingOf: of => project.of(of).sharing }, mostScored);
  let step = work.next();
  while (!step.done) step = work.next();
  const rewards = await cli.rewardScores.of({ base, ...(adapter !== undefined && { adapter }) }, step.value, {
    signal: cli.signal,
    onProgress: (_, fraction = 0) => cli.progress(l10n.t('{0} reads answers: {1} %', name, Math.round(100 * fraction))),
  });
  cli.progress('');
  return rewards;
}
