/**
 * How often each task of a mixture is seen: examples-proportional mixing with a cap (Raffel et al. 2020, §3.5.2; FLAN, Wei et
 * al. 2021, "mixing rate maximum"), times a weight. The cap bounds what a task counts, not what of it can be seen: a large task
 * goes on with its further rows in the next epoch.
 */
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import type { Rng } from '../../base/rng.ts';
import { splitHash } from './splitHash.ts';

export interface Mixture {
  /** Rows of a task in one epoch at most; null for all. */
  readonly cap: number | null;
  /** What a task counts beside the others, by name; 1 where absent, 0 leaves it out. */
  readonly weights: ReadonlyMap<string, number>;
}

/** What the settings of a job say of tasks. */
export interface TaskSettings {
  readonly taskCap: number | null;
  /** `name=2`. */
  readonly taskWeights: readonly string[];
  /** Names, or one number. */
  readonly holdOutTasks: readonly string[];
}

/** Refuses settings that the tasks of the rows contradict, before anything is computed. Throws a HumanError. */
export function checkTasks(rows: readonly { readonly task?: string }[], settings: TaskSettings): void {
  const counts = new Map<string, number>();
  for (const { task = '' } of rows) counts.set(task, (counts.get(task) ?? 0) + 1);
  for (const task of heldOutTasks([...counts.keys()], settings.holdOutTasks)) counts.delete(task);
  rowsPerEpoch(counts, { cap: settings.taskCap, weights: parseTaskWeights(settings.taskWeights) });
}

/** Reads `name=2` entries. Throws a HumanError for what is none. */
export function parseTaskWeights(entries: readonly string[]): ReadonlyMap<string, number> {
  return new Map(
    entries.map(entry => {
      const at = entry.lastIndexOf('=');
      const value = Number(entry.slice(at + 1));
      if (at > 0 && entry.length > at + 1 && Number.isFinite(value) && value >= 0) return [entry.slice(0, at), value];
      throw new HumanError(l10n.t('The weight of a task is written as name=2, not “{0}”.', entry));
    }),
  );
}

/** Rows of each task in one epoch: min(rows, cap) · weight, at least one unless the weight is 0. Throws a HumanError. */
export function rowsPerEpoch(
  counts: ReadonlyMap<string, number>,
  { cap, weights }: Mixture,
): ReadonlyMap<string, number> {
  for (const name of weights.keys()) if (!counts.has(name)) throw unknownTask(name, counts.keys());
  const shares = new Map<string, number>();
  for (const [task, count] of counts) {
    const weight = weights.get(task) ?? 1;
    shares.set(task, weight === 0 ? 0 : Math.max(1, Math.round(Math.min(count, cap ?? count) * weight)));
  }
  if ([...shares.values()].every(share => share === 0)) {
    throw new HumanError(l10n.t('All tasks have the weight 0, so there is nothing to learn. Give one of them more.'));
  }
  return shares;
}

/**
 * The rows of epoch number `epoch`, in random order. A task's rows come from an endless stream that is shuffled anew for every
 * pass over it, so that over the epochs all of them are seen equally often.
 */
export function mixtureEpoch<T>(
  rows: ReadonlyMap<string, readonly T[]>,
  shares: ReadonlyMap<string, number>,
  epoch: number,
  rng: Rng,
): T[] {
  const chosen: T[] = [];
  for (const [task, own] of rows) {
    const share = shares.get(task) ?? 0;
    if (share === own.length) {
      chosen.push(...own);
      continue;
    }
    let pass = -1;
    let order: readonly T[] = [];
    for (let place = epoch * share; place < (epoch + 1) * share; place++) {
      if (Math.floor(place / own.length) !== pass) {
        pass = Math.floor(place / own.length);
        order = rng.stream('task', task, pass).shuffled(own);
      }
      chosen.push(order[place % own.length]!);
    }
  }
  return rng.stream('examples', epoch).shuffled(chosen);
}

/** Tasks that are named, or as many as a lone number says: those that come first by a fixed hash of their names. Throws a HumanError. */
export function heldOutTasks(tasks: readonly string[], wanted: readonly string[]): ReadonlySet<string> {
  if (wanted.length === 0) return new Set();
  const [only] = wanted;
  const byNumber = wanted.length === 1 && /^\d+$/.test(only!) && !tasks.includes(only!);
  const chosen = byNumber
    ? [...tasks].sort((a, b) => splitHash(a) - splitHash(b) || (a < b ? -1 : 1)).slice(0, Number(only))
    : wanted;
  for (const name of chosen) if (!tasks.includes(name)) throw unknownTask(name, tasks);
  const held = new Set(chosen);
  if (held.size >= tasks.length) {
    throw new HumanError(
      tasks.length < 2
        ? l10n.t(
            'The data has one task only, so no task can be held out. Give several files, or rows with a field “task”.',
          )
        : l10n.t('All {0} tasks are held out, so there is nothing to learn. Hold out fewer.', tasks.length),
    );
  }
  return held;
}

function unknownTask(name: string, tasks: Iterable<string>): HumanError {
  const all = [...tasks];
  const shown = all.slice(0, 12).join(', ') + (all.length > 12 ? ' …' : '');
  return new HumanError(l10n.t('The data has no task “{0}”. Its tasks are: {1}.', name, shown || l10n.t('none')));
}
