/**
 * People as the gold of a job of reinforcement learning: its answers to the fixed prompts at each evaluation, put up blind against
 * the answers to the same prompts before training. What people say of them measures the job and is never learned from
 * (`gold` of preferences/judgement.ts). A step's gold is its share of wins, a tie half; the same answer as before is a tie that
 * nobody has to judge.
 */
import { percent } from '../../base/figure.ts';
import { l10n } from '../../base/l10n.ts';
import { comparisonsOf } from '../preferences/comparisons.ts';
import type { JournalState } from '../preferences/journalState.ts';
import { admitted, peopleOnly } from '../preferences/judgeChoice.ts';
import type { Answer, ItemRecord } from '../preferences/judgement.ts';
import { type Interval, wilson } from '../statistics/intervals.ts';
import type { JobEvent } from './job.ts';
import { MetricColumns } from './metricColumns.ts';

/** The set of items in which a job's answers are judged. */
export const goldSet = (job: string): string => `gold-${job}`;

interface GoldItem extends Pick<ItemRecord, 'set' | 'messages'> {
  readonly gold: string;
  readonly answers: readonly Omit<Answer, 'id'>[];
}

/** A prompt's answer at one evaluation, beside that before training. */
interface Pairing {
  readonly step: number;
  readonly prompt: string;
  readonly before: string;
  readonly now: string;
}

/**
 * What is to be judged, prompt by prompt, so that all steps are known about equally well whenever somebody stops. `prompts`: the
 * first so many alone.
 */
export function goldItems(
  job: string,
  events: readonly JobEvent[],
  { prompts = Number.POSITIVE_INFINITY }: { readonly prompts?: number } = {},
): GoldItem[] {
  const byPrompt = Map.groupBy(pairings(events), ({ prompt }) => prompt);
  return [...byPrompt.values()].slice(0, prompts).flatMap(list => {
    const isNew = ({ now }: Pairing, place: number): boolean => list.findIndex(one => one.now === now) === place;
    return list
      .filter((one, place) => one.before !== one.now && isNew(one, place))
      .map(({ step, prompt, before, now }) => ({
        set: goldSet(job),
        gold: job,
        messages: [{ role: 'user' as const, content: prompt }],
        answers: [
          { text: before, model: `${job}@0`, source: `job:${job}` },
          { text: now, model: `${job}@${step}`, source: `job:${job}` },
        ],
      }));
  });
}

export interface GoldPoint {
  readonly step: number;
  /** Share of wins over the answers before training, a tie half, with Wilson's 95 % interval over prompts. */
  readonly wins: Interval;
  /** Prompts whose answer differs from that before training and that nobody has judged yet. */
  readonly open: number;
  /** √KL of the policy to the base at that step, nats½; undefined where the job does not tell. */
  readonly distance: number | undefined;
}

/** The gold of each evaluation that somebody's judgement says something of. Judges that are no people do not count. */
export function goldCurve(job: string, events: readonly JobEvent[], state: JournalState): GoldPoint[] {
  if (!state.sets.includes(goldSet(job))) return [];
  const found = outcomes(job, state);
  const asked = new Set([...state.eachItem(goldSet(job))].filter(({ gold }) => gold === job).map(promptOf));
  if (found.size === 0) return [];
  const metrics = MetricColumns.of(events);
  const [watched, kl] = [metrics.column('gold/kl'), metrics.column('kl')];
  const distanceAt = (step: number): number | undefined => {
    const row = metrics.steps.indexOf(step);
    const nats = [watched[row], kl[row]].find(value => value !== undefined && Number.isFinite(value));
    return nats === undefined ? undefined : Math.sqrt(Math.max(0, nats));
  };
  const bySteps = Map.groupBy(pairings(events), ({ step }) => step);
  return [...bySteps].flatMap(([step, list]) => {
    const known = list.flatMap(({ prompt, before, now }) => {
      if (!asked.has(prompt)) return [];
      if (before === now) return [0.5];
      return found.get(keyOf(prompt, before, now)) ?? [];
    });
    const different = list.filter(({ prompt, before, now }) => asked.has(prompt) && before !== now);
    const open = different.filter(({ prompt, before, now }) => !found.has(keyOf(prompt, before, now))).length;
    // Prompts whose answer did not change say nothing by themselves of a step that nobody looked at.
    if (different.length > 0 && open === different.length) return [];
    const sum = known.reduce((total, outcome) => total + outcome, 0);
    return [{ step, wins: wilson(sum, known.length), open, distance: distanceAt(step) }];
  });
}

/** The step of the highest share of wins; of equal ones the earliest, which is nearest to the base. Undefined where none beats the base. */
export function goldPeak(curve: readonly GoldPoint[]): GoldPoint | undefined {
  let best: GoldPoint | undefined;
  for (const point of curve) if (point.wins.estimate > (best?.wins.estimate ?? 0.5)) best = point;
  return best;
}

/** What people found, in one sentence; empty where nobody judged. */
export function goldSentence(curve: readonly GoldPoint[]): string {
  if (curve.length === 0) return '';
  const peak = goldPeak(curve);
  if (!peak) return l10n.t('People prefer the answers of no step to those before training.');
  const { estimate, low, high, n } = peak.wins;
  return l10n.t(
    'People like the answers of step {0} best: they win {1} % against those before training (95 % interval {2}–{3}, {4} prompts).',
    peak.step,
    percent(estimate),
    percent(low),
    percent(high),
    n,
  );
}

/** By prompt and its two answers: how the later one did, 1 better, ½ tied, 0 worse; the mean of all people. */
function outcomes(job: string, state: JournalState): ReadonlyMap<string, number> {
  const sums = new Map<string, { sum: number; n: number }>();
  for (const { item, first, second, outcome } of comparisonsOf(admitted(state, peopleOnly), state.itemById)) {
    if (item.gold !== job) continue;
    const isFirst = first.model === `${job}@0`;
    if (!isFirst && second.model !== `${job}@0`) continue;
    const [before, now] = isFirst ? [first, second] : [second, first];
    const key = keyOf(promptOf(item), before.text, now.text);
    const known = sums.get(key) ?? { sum: 0, n: 0 };
    sums.set(key, { sum: known.sum + (isFirst ? 1 - outcome : outcome), n: known.n + 1 });
  }
  return new Map([...sums].map(([key, { sum, n }]) => [key, sum / n]));
}

const promptOf = ({ messages }: Pick<ItemRecord, 'messages'>): string => messages[0]?.content ?? '';
const keyOf = (...parts: readonly string[]): string => JSON.stringify(parts);

/** Every fixed prompt at every evaluation after the start; of a step that came twice (a resumed job) the later. */
function pairings(events: readonly JobEvent[]): Pairing[] {
  const bySteps = new Map<number, readonly { readonly prompt: string; readonly answer: string }[]>();
  for (const event of events) if (event.type === 'samples') bySteps.set(event.step, event.samples);
  const first = bySteps.get(0) ?? [];
  return [...bySteps]
    .filter(([step]) => step > 0)
    .sort(([a], [b]) => a - b)
    .flatMap(([step, samples]) =>
      samples.flatMap(({ prompt, answer }, index) => {
        const before = first[index];
        return before?.prompt !== prompt ? [] : [{ step, prompt, before: before.answer, now: answer }];
      }),
    );
}
