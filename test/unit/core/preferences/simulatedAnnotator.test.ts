import assert from 'node:assert/strict';
import { Rng } from '../../../../src/base/rng.ts';
import {
  compareReplies,
  describeAnnotator,
  judgeReply,
  shufflePreferences,
} from '../../../../src/core/preferences/simulatedAnnotator.ts';

const long = (count: number): string => Array.from({ length: count }, () => 'so').join(' ');

describe('simulated annotator', () => {
  for (const [about, answer, score] of [
    ['kettle', 'We are sorry. Thank you for your message.', 0],
    ['kettle', 'We are sorry about the Kettle.', 1],
    ['kettle', 'Our manager will call you back today.', 1],
    ['kettle', 'We will send you a full refund for the kettle.', 2],
    ['fan', 'It was fantastic to hear from you.', 0],
    ['watch', 'Both watches get a free repair.', 2],
    ['kettle', long(40), 0],
    ['kettle', long(45), -0.5],
    ['kettle', `kettle refund ${long(48)}`, 1],
    ['c++ (book)', 'The C++ (book) is great.', 1],
  ] as const) {
    it(`gives ${score} to “${answer.slice(0, 40)}” about ${about}`, () => {
      assert.ok(Math.abs(judgeReply(about, answer).score - score) < 1e-9);
    });
  }

  it('never prefers an answer for being longer', () => {
    const short = judgeReply('kettle', 'The kettle gets a refund.').score;
    const padded = judgeReply('kettle', `The kettle gets a refund. ${long(30)}`).score;
    assert.equal(short, padded);
  });

  it('says its rule and its noise', () => {
    assert.match(describeAnnotator(), /15 %/);
    assert.match(describeAnnotator(), /above 40/);
  });

  it('errs in the stated share of its preferences, never ties apart, same seed same labels', () => {
    const answers = ['the kettle', 'nothing', 'the kettle, refund', 'nothing else', 'nothing'];
    let pairs = 0;
    let mistakes = 0;
    for (let prompt = 0; prompt < 1500; prompt++) {
      for (const { chosen, rejected, mistaken } of compareReplies('kettle', answers, Rng.seeded(5).stream(prompt))) {
        const difference =
          judgeReply('kettle', answers[chosen]!).score - judgeReply('kettle', answers[rejected]!).score;
        assert.notEqual(difference, 0);
        assert.equal(difference < 0, mistaken);
        pairs++;
        if (mistaken) mistakes++;
      }
    }
    assert.equal(pairs, 1500 * 7);
    assert.ok(Math.abs(mistakes / pairs - 0.15) < 0.015, `${mistakes} of ${pairs}`);
    assert.deepEqual(
      compareReplies('kettle', answers, Rng.seeded(5)),
      compareReplies('kettle', answers, Rng.seeded(5)),
    );
  });

  it('without noise makes no mistakes', () => {
    assert.ok(compareReplies('kettle', ['a', 'kettle'], Rng.seeded(0), 0).every(({ mistaken }) => !mistaken));
  });
});

describe('shuffled preferences', () => {
  it('turn exactly half of each group around', () => {
    const pairs = Array.from({ length: 101 }, (_, index) => ({
      chosen: `good ${index}`,
      rejected: `bad ${index}`,
      group: index < 41 ? 'a' : 'b',
    }));
    const shuffled = shufflePreferences(pairs, ({ group }) => group, Rng.seeded(1));
    assert.equal(shuffled.length, 100);
    for (const [group, size] of [
      ['a', 40],
      ['b', 60],
    ] as const) {
      const members = shuffled.filter(pair => pair.group === group);
      assert.equal(members.length, size);
      assert.equal(members.filter(({ chosen }) => chosen.startsWith('bad')).length, size / 2);
    }
  });
});
