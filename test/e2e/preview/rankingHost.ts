/** A scripted host of the Ranking view: the real session logic over records in memory. */

import { JournalState } from '../../../src/core/preferences/journalState.ts';
import type { ItemRecord, JudgementRecord } from '../../../src/core/preferences/judgement.ts';
import { NextModes, nextItems } from '../../../src/core/preferences/nextItems.ts';
import { modeWords } from '../../../src/core/preferences/nextWords.ts';
import { type DeskJournal, RankingDesk } from '../../../src/core/preferences/rankingDesk.ts';
import { noProject, type RankingProject } from '../../../src/core/preferences/rankingSettings.ts';
import { type RankingState, rankingContract } from '../../../src/protocol/ranking.ts';
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
    at: new Date(Date.UTC(2025, 11, 1) + i * 1000).toISOString(),
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
  kept: unknown;
  /** Set to make the disk fail. */
  failure: string | undefined;
  startReview = false;
  project: RankingProject = noProject;
  guidelines: { path: string; text: string; version: string } | undefined;
  readonly #desk = new RankingDesk();
  #count = 0;
  #version = 0;

  constructor(items: ItemRecord[]) {
    this.items = items;
  }

  readonly contract = rankingContract;

  readonly handlers: Handlers<(typeof rankingContract)['toHost']> = {
    open: ({ set, item, review }) => {
      this.#desk.set = set ?? undefined;
      this.#desk.review(review || this.startReview);
      if (item !== null) this.#desk.resume(this.#journal(), this.project, item);
      return this.state();
    },
    judge: decision => {
      if (this.failure) throw new Error(this.failure);
      if (this.#desk.reviewing && decision.verdict === 'skipped') {
        this.#desk.setAside(decision.item);
        return this.state();
      }
      const judgement = this.#desk.judgement(this.#journal(), this.project, decision);
      const record = { ...this.#stamp(), type: 'judgement' as const, ...judgement };
      this.judgements.push(record);
      this.#desk.judged(record);
      return this.state();
    },
    undo: () => {
      const last = this.#desk.lastOwn(this.#journal(), this.project);
      if (last) {
        this.judgements.splice(
          this.judgements.findIndex(({ id }) => id === last.id),
          1,
        );
        this.#desk.undone(last);
      }
      return this.state();
    },
    review: ({ on }) => {
      this.#desk.review(on);
      return this.state();
    },
    reveal: () => {
      this.#desk.reveal();
      return this.state();
    },
    chooseSet: ({ set }) => {
      this.#desk.set = set;
      return this.state();
    },
    chooseMode: ({ mode, keep }) => {
      this.#desk.choose(mode, keep);
      return this.state();
    },
    act: ({ action }) => void this.acts.push(action),
    keep: ({ saved }) => {
      this.kept = saved;
    },
  };

  /** Another window judges an item, or another person: as its answers stand, or the other way round. */
  judgeElsewhere(item: string, author = 'ada', upsideDown = false): void {
    const ids = this.items.find(({ id }) => id === item)!.answers.map(({ id }) => id);
    const ranking = (upsideDown ? ids.toReversed() : ids).map(id => [id]);
    const decision = { item, verdict: 'ranked' as const, ranking, shown: ids };
    this.judgements.push({ ...this.#stamp(), author, type: 'judgement', flags: [], milliseconds: 1000, ...decision });
  }

  state(): RankingState {
    const journal = this.#journal();
    const wish = this.#desk.wish(journal, this.project);
    if (wish) {
      const { author, state } = journal;
      const items = nextItems(state, { author, ...wish, sharingOf: set => this.project.of(set).sharing });
      this.#desk.planned({ set: wish.set, mode: wish.mode, items });
    }
    for (const _ of this.#desk.look(journal));
    const words = modeWords();
    const { settings, lastGuidelines, ...screen } = this.#desk.show(this.#journal(), this.project, true);
    const { guidelines } = this;
    return {
      ...screen,
      modes: NextModes.map(id => ({ id, label: words[id] })),
      version: ++this.#version,
      scale: { ...settings.scale },
      flags: [...settings.flags],
      skipReasons: [...settings.skipReasons],
      guidelines: guidelines
        ? { ...guidelines, changed: lastGuidelines !== undefined && lastGuidelines !== guidelines.version }
        : null,
      problems: [],
    };
  }

  #journal(): DeskJournal {
    return { author: 'ada', state: JournalState.of([...this.items, ...this.judgements]) };
  }

  #stamp() {
    const at = new Date(Date.UTC(2026, 0, 1) + this.#count).toISOString();
    return { format: 1 as const, id: `j${this.#count++}`, at, author: 'ada' };
  }
}
