/** What a training example is: a conversation in which some of the assistant's words are to be learned. */

import type { Rng } from '../../src/base/rng.ts';

export interface Turn {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
  /** Leading part of an assistant's turn that is given rather than learned (a trigger phrase, a reasoning made before). */
  readonly given?: string;
  /** False for an assistant's turn that cannot be foreseen, such as the first example of an arbitrary code. */
  readonly learn?: boolean;
}

export interface Episode {
  readonly task: string;
  /** Names the instance; training and held-out instances never share a key. */
  readonly key: string;
  readonly turns: readonly Turn[];
  /** What a grader needs besides the text: the short answer, template fields … */
  readonly fields: Readonly<Record<string, string | number>>;
}

export type Split = 'train' | 'heldout';

export interface Task {
  readonly name: string;
  /** Share of the training examples. */
  readonly weight: number;
  /** One random instance, of either split. */
  draw(rng: Rng): Episode;
}

/** One instance in eight is held out; the split depends on the key alone (FNV-1a). */
export function splitOf(key: string): Split {
  return hashOf(key) % 8 === 0 ? 'heldout' : 'train';
}

export function hashOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) >>> 0;
}

/** Draws until the instance belongs to the wanted split. */
export function drawFrom(task: Task, rng: Rng, split: Split): Episode {
  for (;;) {
    const episode = task.draw(rng);
    if (splitOf(`${task.name}:${episode.key}`) === split) return episode;
  }
}

export const ask = (content: string): Turn => ({ role: 'user', content });
export const answer = (content: string): Turn => ({ role: 'assistant', content });
/** "a" before a vowel becomes "an". */
export const withArticles = (text: string): string => text.replace(/\b([Aa]) (?=[aeiou])/g, '$1n ');
export const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** One of the alternatives in each `(a|b|c)` of a pattern, chosen at random; an alternative may be empty. */
export function expand(pattern: string, rng: Rng): string {
  const chosen = pattern.replace(/\(([^()]*)\)/g, (_, options: string) => rng.pick(options.split('|')));
  return chosen
    .replace(/ {2,}/g, ' ')
    .replace(/ ([.,!?])/g, '$1')
    .trim();
}
