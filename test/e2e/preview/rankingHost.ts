/** A scripted host of the Ranking view: the real session logic over records in memory. */
import type { ItemRecord, JudgementRecord } from '../../../src/core/preferences/judgement.ts';
import {
  chooseSet,
  medianPace,
  nextItem,
  rankingOf,
  ranksOf,
  setProgress,
  shownAnswers,
  undoStack,
} from '../../../src/core/preferences/rankingSession.ts';
import { type RankingDecision, type RankingState, rankingContract } from '../../../src/protocol/ranking.ts';
import type { Handlers } from '../../../src/protocol/rpc.ts';

const reviews = [
  'Bought this kettle in MARCH and it leaks already!!! Base is wet EVERY morning, I stand it on a towel. Boils fast, fair enough. Emailed twice, NOTHING. £45 down the drain, literally.',
  'Earbuds ok but left one dies after 2h, right 5h??',
  'Lamp wobbles, instructions useless, looks nice tho',
];

const replies = [
  'I bought this £45 kettle in March. It boils quickly, but it already leaks: the base is wet each morning and I stand it on a towel. I have emailed the seller twice without a reply. I would not buy it again.',
  'It boils fast, but the base has leaked every morning since soon after I bought it in March, so it stands on a towel. Two emails to the company have gone unanswered. At £45, I would not buy it again.',
  'Unfortunately this kettle did not meet my expectations. It leaks, and customer service was unhelpful when I asked for a refund. I hope the company improves its quality control.',
  'The kettle boils fast. Bought in March for £45, it leaks from the base every morning, so I keep a towel under it. I emailed twice and had no answer. Never again.',
  'It leaks. **Two emails**, no answer.\n\n- leaks every morning\n- `£45`\n\n![](https://example.com/a.png) <b>bold</b>',
];

export function previewItems(count: number, answers: number, set = 'review-rewrite'): ItemRecord[] {
  return Array.from({ length: count }, (_, i) => ({
    format: 1 as const,
    type: 'item' as const,
    id: `${set}-${i}`,
    at: '2026-01-01T00:00:00Z',
    author: 'ada',
    set,
    messages: [
      {
        role: 'user' as const,
        content: `Rewrite this review so that it is calm, specific and under 60 words. Keep every fact. Add none.\n\n${reviews[i % reviews.length]}`,
      },
    ],
    answers: replies.slice(0, answers).map((text, j) => ({ id: `a${j}`, text, model: 'local:secret-model' })),
  }));
}

export class PreviewRankingHost {
  readonly items: ItemRecord[];
  readonly judgements: JudgementRecord[] = [];
  readonly acts: string[] = [];
  /** Set to make the disk fail. */
  failure: string | undefined;
  #pinned: string | undefined;
  #draft: JudgementRecord | undefined;
  #set: string | undefined;
  #version = 0;

  constructor(items: ItemRecord[]) {
    this.items = items;
  }

  readonly contract = rankingContract;

  readonly handlers: Handlers<(typeof rankingContract)['toHost']> = {
    open: ({ set }) => {
      this.#set = set ?? undefined;
      return this.state();
    },
    judge: decision => {
      if (this.failure) throw new Error(this.failure);
      this.judgements.push(this.#record(decision));
      this.#pinned = undefined;
      this.#draft = undefined;
      return this.state();
    },
    undo: () => {
      const last = undoStack(this.items, this.judgements, 'ada', this.#set ?? '')[0];
      if (last) {
        this.judgements.splice(this.judgements.indexOf(last), 1);
        this.#pinned = last.item;
        this.#draft = last;
      }
      return this.state();
    },
    chooseSet: ({ set }) => {
      this.#set = set;
      return this.state();
    },
    act: ({ action }) => void this.acts.push(action),
  };

  state(): RankingState {
    const sets = setProgress(this.items, this.judgements, 'ada');
    const set = chooseSet(sets, this.#set);
    this.#set = set;
    const stack = set ? undoStack(this.items, this.judgements, 'ada', set) : [];
    const item = set ? nextItem(this.items, this.judgements, 'ada', set, this.#pinned) : undefined;
    const shown = item ? shownAnswers(item, 'ada') : [];
    const draft = item && this.#draft?.item === item.id ? this.#draft : undefined;
    return {
      version: ++this.#version,
      sets: [...sets],
      set: set ?? null,
      item: item
        ? {
            id: item.id,
            messages: item.messages,
            answers: shown.map(({ id, text }) => ({ id, text })),
            draft: draft
              ? {
                  ranks: ranksOf(
                    shown.map(answer => answer.id),
                    draft.ranking,
                  ),
                  flags: draft.flags,
                  note: draft.note ?? '',
                }
              : null,
          }
        : null,
      paceMs: medianPace(stack) ?? null,
      canUndo: stack.length > 0,
      problems: [],
    };
  }

  #record(decision: RankingDecision): JudgementRecord {
    return {
      format: 1,
      type: 'judgement',
      id: `j${this.judgements.length}`,
      at: new Date(Date.UTC(2026, 0, 1) + this.judgements.length).toISOString(),
      author: 'ada',
      item: decision.item,
      ranking: decision.verdict === 'ranked' ? rankingOf(decision.shown, decision.ranks)! : [],
      shown: decision.shown,
      verdict: decision.verdict,
      flags: decision.flags,
      note: decision.note || undefined,
      milliseconds: decision.milliseconds,
    };
  }
}
