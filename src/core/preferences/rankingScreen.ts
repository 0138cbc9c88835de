/** What a page shows of a desk where somebody judges, and the decisions that it sends back. */

import type { ItemRecord, JudgementKind, JudgementRecord } from './judgement.ts';
import type { JudgeBeside } from './judgesBeside.ts';
import type { NextMode } from './nextItems.ts';
import type { SetProgress } from './openItems.ts';
import type { RankingSettings } from './rankingSettings.ts';

/** A decision as the page sends it: answers by their position on the screen. */
export interface DeskDecision {
  readonly item: string;
  readonly verdict: JudgementRecord['verdict'];
  readonly shown: readonly string[];
  readonly values: readonly (number | null)[];
  readonly flags: readonly (readonly string[])[];
  readonly note: string;
  readonly highlights: readonly ScreenHighlight[];
  readonly skipReason: string | null;
  readonly guidelines: string | null;
  readonly milliseconds: number;
}

export interface ScreenHighlight {
  readonly answer: number;
  readonly start: number;
  readonly end: number;
  readonly comment: string;
}

/** What a page shows of a desk. */
export interface Screen {
  readonly sets: SetProgress[];
  readonly set: string | null;
  readonly settings: RankingSettings;
  readonly item: ScreenItem | null;
  /** Disagreements are reviewed; what each person said of the item. */
  readonly review: { readonly said: Said[] } | null;
  /** Disagreements of all sets that nobody has settled. */
  readonly disputes: number;
  /** How the next item is chosen, and why it was this one. */
  readonly mode: NextMode;
  readonly reason: string | null;
  readonly paceMs: number | null;
  readonly consistency: { readonly same: number; readonly of: number } | null;
  /** Judges that judged enough of the same items; never what they said of one. */
  readonly judges: JudgeBeside[];
  readonly hint: string | null;
  readonly canUndo: boolean;
  readonly canReveal: boolean;
  readonly revealed: string[] | null;
  /** Version of the guidelines at the author's last judgement of this set. */
  readonly lastGuidelines: string | undefined;
}

export interface ScreenItem {
  readonly id: string;
  readonly kind: JudgementKind;
  readonly messages: ItemRecord['messages'];
  readonly answers: { id: string; text: string }[];
  readonly draft: {
    values: (number | null)[];
    flags: string[][];
    note: string;
    highlights: ScreenHighlight[];
  } | null;
}

/** What a person said of the answers as they are shown. */
export interface Said {
  readonly name: string;
  readonly kind: JudgementKind;
  readonly verdict: JudgementRecord['verdict'];
  /** By position; decision.ts says what the numbers mean. Null of what was not said. */
  readonly values: (number | null)[];
  readonly note: string;
  readonly flags: string[];
}

/** The fields of a judgement that is to be written. */
export type DeskJudgement = Omit<JudgementRecord, 'format' | 'type' | 'id' | 'at' | 'author'>;
