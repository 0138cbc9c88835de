/** Pebble's chat format, as a template for users and as token segments for training. */

import type { Episode } from './episode.ts';

export const SPECIAL = { start: '<|im_start|>', end: '<|im_end|>', text: '<|endoftext|>' } as const;

export const chatTemplate =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

export interface Segment {
  readonly text: string;
  readonly learn: boolean;
}

/** The conversation cut where learning starts and stops; the joined texts are what the chat template gives. */
export function segmentsOf(episode: Episode): Segment[] {
  const segments: Segment[] = [];
  const add = (text: string, learn: boolean): void => {
    if (text !== '') segments.push({ text, learn });
  };
  episode.turns.forEach((turn, i) => {
    add(`${SPECIAL.start}${turn.role}\n`, false);
    const learn = turn.role === 'assistant' && turn.learn !== false;
    const given = learn ? (turn.given ?? '') : turn.content;
    add(given, false);
    add(turn.content.slice(given.length) + (learn ? SPECIAL.end : ''), learn);
    if (!learn) add(SPECIAL.end, false);
    if (i < episode.turns.length - 1) add('\n', false);
  });
  return segments;
}
