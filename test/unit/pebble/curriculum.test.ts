import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { segmentsOf } from '../../../scripts/pebble/chat.ts';
import { fullMix, tasks, trainingEpisode } from '../../../scripts/pebble/corpus.ts';
import { drawFrom, splitOf } from '../../../scripts/pebble/episode.ts';
import { sampleFiles } from '../../../scripts/pebble/sampleData.ts';
import { drawReply, drawReview, reviewSet } from '../../../scripts/pebble/tasks/reviewReplies.ts';
import { Rng } from '../../../src/base/rng.ts';
import { judgeReply } from '../../../src/core/preferences/simulatedAnnotator.ts';

const rng = Rng.seeded(11);
const training = Array.from({ length: 4000 }, (_, index) => trainingEpisode(rng, fullMix + index));
const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

describe("pebble's curriculum", () => {
  it('is the same for the same seed', () => {
    for (const index of [0, 17, 3999])
      assert.deepEqual(trainingEpisode(Rng.seeded(11), fullMix + index), training[index]);
  });

  it('has every task in about its share', () => {
    const whole = tasks.reduce((sum, { weight }) => sum + weight, 0);
    const shares = new Map<string, number>();
    for (const { task } of training) shares.set(task, (shares.get(task) ?? 0) + 1 / training.length);
    assert.equal(shares.size, tasks.length);
    assert.ok(Math.abs(shares.get('question-answering')! - tasks[0]!.weight / whole) < 0.03);
  });

  it('never shows in training what the samples ask', () => {
    const asked = new Set(
      [...sampleFiles()]
        .filter(([name]) => name.startsWith('data/') && !name.includes('items') && !name.includes('words'))
        .flatMap(([, rows]) => rows.map(row => Object.values(row).slice(0, 1).join('|'))),
    );
    for (const { fields, task } of training) {
      const text = String(Object.values(fields)[0]);
      assert.ok(!asked.has(text), `${task}: ${text}`);
    }
  });

  it('keeps training and held-out instances apart by key', () => {
    for (const { key, task } of training) {
      if (['kind', 'arithmetic', 'repeat', 'reply'].includes(task)) continue;
      const name = task.startsWith('problem') ? 'word-problem' : task;
      assert.equal(splitOf(`${name}:${key}`), 'train');
    }
    const unseen = drawFrom(tasks[0]!, Rng.seeded(1), 'heldout');
    assert.equal(splitOf(`${unseen.task}:${unseen.key}`), 'heldout');
  });

  it('learns only what the assistant says, end token included', () => {
    for (const episode of training.slice(0, 500)) {
      const segments = segmentsOf(episode);
      const learned = segments.filter(({ learn }) => learn).map(({ text }) => text);
      assert.ok(learned.length > 0);
      for (const text of learned) assert.ok(text.endsWith('<|im_end|>') && !text.includes('<|im_start|>'));
      assert.ok(learned.at(-1)!.includes(String(episode.fields.answer ?? '')));
    }
  });

  it('has its data files in step with the generators', () => {
    for (const [name, rows] of sampleFiles()) {
      const text = readFileSync(new URL(`../../../samples/${name}`, import.meta.url), 'utf8');
      assert.equal(
        text,
        rows.map(row => `${JSON.stringify(row)}\n`).join(''),
        `${name}: run scripts/pebble/sampleData.ts`,
      );
    }
  });
});

describe('replies to reviews', () => {
  const draws = Rng.seeded(5);
  const sample = (names?: boolean, offers?: boolean) =>
    Array.from({ length: 600 }, () => {
      const review = drawReview(draws);
      const text = drawReply(review, draws, names, offers);
      return { text, ...judgeReply(review.about, text) };
    });

  it('name the product and offer a step as told, and each in two of five otherwise', () => {
    for (const names of [true, false]) {
      for (const offers of [true, false]) {
        for (const reply of sample(names, offers)) {
          assert.deepEqual([reply.names, reply.offers], [names, offers], reply.text);
        }
      }
    }
    const free = sample();
    assert.ok(Math.abs(mean(free.map(({ names }) => Number(names))) - 0.4) < 0.07);
    assert.ok(Math.abs(mean(free.map(({ offers }) => Number(offers))) - 0.4) < 0.07);
  });

  it('are equally long with and without them', () => {
    const good = sample(true, true).map(({ words }) => words);
    const bad = sample(false, false).map(({ words }) => words);
    assert.ok(Math.abs(mean(good) - mean(bad)) < 0.4, `${mean(good)} against ${mean(bad)}`);
    assert.ok(Math.min(...good, ...bad) >= 20 && Math.max(...good, ...bad) <= 34);
  });

  it('vary as much when good as on average', () => {
    const distinct2 = (replies: readonly { text: string }[]): number => {
      const pairs = replies.flatMap(({ text }) => {
        const words = text.toLowerCase().split(/\s+/);
        return words.slice(1).map((word, i) => `${words[i]} ${word}`);
      });
      return new Set(pairs).size / pairs.length;
    };
    const ratio = distinct2(sample(true, true)) / distinct2(sample());
    assert.ok(ratio > 0.85 && ratio < 1.15, String(ratio));
  });

  it('come in three sets that share no product with the same complaint', () => {
    const sets = new Map<string, Set<string>>();
    for (let i = 0; i < 2000; i++) {
      const review = drawReview(draws);
      const key = `${review.about}|${review.issue}`;
      sets.set(key, (sets.get(key) ?? new Set()).add(reviewSet(review)));
    }
    assert.ok([...sets.values()].every(found => found.size === 1));
    assert.deepEqual(
      new Set([...sets.values()].flatMap(found => [...found])),
      new Set(['pebble', 'prompts', 'heldout']),
    );
  });
});
