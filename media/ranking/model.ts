/** What the Ranking page shows and what can be done on it. */
import type { RankingAction, RankingItem, RankingState } from '../../src/protocol/ranking.ts';
import type { Mark } from '../common/answerText.ts';
import { differences } from './differences.ts';
import type { Draft } from './draft.ts';
import type { KeyContext } from './keys.ts';

/** A range that is being highlighted: word by word with the keys, then with a comment. */
export interface Marking {
  readonly answer: number;
  readonly start: number;
  readonly end: number;
  /** Words are chosen with the arrow keys, or the range is set and a comment is asked for. */
  readonly stage: 'words' | 'comment';
  readonly comment: string;
}

export interface Model {
  readonly state: RankingState | null;
  readonly draft: Draft;
  readonly saving: boolean;
  readonly message: { readonly kind: 'error' | 'hint'; readonly text: string } | null;
  readonly promptOpen: boolean;
  readonly guidelinesOpen: boolean;
  /** In the narrow view note and flags come when they are asked for. */
  readonly extraOpen: boolean;
  readonly helpOpen: boolean;
  readonly differences: boolean;
  /** Long answers are shown whole. */
  readonly unfolded: boolean;
  readonly scrollTogether: boolean;
  /** Asks why the item is skipped. */
  readonly skipping: boolean;
  readonly marking: Marking | null;
  /** The item was judged in another window while this one has unsaved work: what that window says comes next. */
  readonly elsewhere: RankingState | null;
}

export interface Actions {
  focus(position: number): void;
  /** A value by the buttons of an answer. */
  value(position: number, value: number): void;
  drop(position: number, group: number, how: 'onto' | 'before'): void;
  save(): void;
  allBad(): void;
  askSkip(): void;
  skip(reason: string | null): void;
  undo(): void;
  flag(id: string): void;
  note(text: string): void;
  openExtra(field: 'note' | 'flag'): void;
  mark(): void;
  comment(text: string): void;
  saveMark(): void;
  removeMark(index: number): void;
  back(): void;
  toggle(what: 'promptOpen' | 'guidelinesOpen' | 'helpOpen' | 'differences' | 'unfolded' | 'scrollTogether'): void;
  reveal(): void;
  leave(): void;
  chooseSet(name: string): void;
  review(on: boolean): void;
  /** Takes over what somebody said. */
  take(index: number): void;
  chooseMode(mode: RankingState['mode']): void;
  retry(): void;
  act(action: RankingAction): void;
}

export const keyContext = (state: RankingState, item: RankingItem, wide: boolean): KeyContext => ({
  kind: item.kind,
  answers: item.answers.length,
  scale: state.scale,
  wide,
  review: state.review !== null,
});

/** What is marked in each answer: differences, highlights, and the range being chosen. */
export function marksOf(model: Model, item: RankingItem): readonly (readonly Mark[])[] {
  const { draft, marking } = model;
  const differing = model.differences ? differences(item, draft.focus) : undefined;
  return item.answers.map((_, position) => [
    ...(differing?.[position] ?? []).map(range => ({ ...range, kind: 'differs' as const })),
    ...draft.highlights
      .filter(({ answer }) => answer === position)
      .map(({ start, end }) => ({ start, end, kind: 'marked' as const })),
    ...(marking?.answer === position ? [{ start: marking.start, end: marking.end, kind: 'marking' as const }] : []),
  ]);
}
