import assert from 'node:assert/strict';
import { Pace, type Turn } from '../../../../src/core/evaluation/pace.ts';
import { ManualClock, settle } from '../../../fakes/manualClock.ts';

describe('Pace', () => {
  const clock = new ManualClock();
  const enterAll = async (pace: Pace): Promise<Turn[]> =>
    Promise.all(Array.from({ length: pace.limit - pace.running }, () => pace.enter()));

  it('grows with each answer while it is full, and not when few ask', async () => {
    const pace = new Pace({ clock, start: 2, most: 8 });
    const one = await pace.enter();
    pace.leave(one, 'answered');
    assert.equal(pace.limit, 2, 'one at a time is no reason to take more');
    for (const turn of await enterAll(pace)) pace.leave(turn, 'answered');
    assert.equal(pace.limit, 3);
    for (let i = 0; i < 20; i++) for (const turn of await enterAll(pace)) pace.leave(turn, 'answered');
    assert.ok(pace.limit > 3 && pace.limit <= 8);
  });

  it('halves once for requests that went out together, then grows slowly', async () => {
    const pace = new Pace({ clock, start: 16, most: 32 });
    const turns = await enterAll(pace);
    for (const turn of turns) pace.leave(turn, 'overload');
    assert.equal(pace.limit, 8);
    for (const turn of await enterAll(pace)) pace.leave(turn, 'answered');
    assert.ok(pace.limit <= 9, `a round of answers adds at most one, not ${pace.limit - 8}`);
    const [next] = await enterAll(pace);
    pace.leave(next!, 'overload');
    assert.equal(pace.limit, 4);
    for (let i = 0; i < 9; i++) pace.leave(await new Pace({ clock }).enter(), 'other');
    assert.equal(pace.limit, 4, 'other failures say nothing about the pace');
  });

  it('never goes below one', async () => {
    const pace = new Pace({ clock, start: 1 });
    for (let i = 0; i < 3; i++) pace.leave(await pace.enter(), 'overload');
    assert.equal(pace.limit, 1);
  });

  it('lets nobody through while the server asks to wait, and drops who is cancelled at once', async () => {
    const pace = new Pace({ clock, start: 1 });
    pace.leave(await pace.enter(), 'overload', 5000);
    const entered: string[] = [];
    const controller = new AbortController();
    const gone = pace.enter(controller.signal).catch(() => entered.push('dropped'));
    void pace.enter().then(() => entered.push('late'));
    await clock.pass(4999);
    controller.abort();
    await gone;
    assert.deepEqual(entered, ['dropped']);
    await clock.pass(1);
    assert.deepEqual(entered, ['dropped', 'late']);
  });

  it('keeps no timer for nobody', async () => {
    const pace = new Pace({ clock, start: 1 });
    pace.leave(await pace.enter(), 'overload', 5000);
    const controller = new AbortController();
    const gone = assert.rejects(pace.enter(controller.signal));
    assert.equal(clock.sleeping, 1);
    controller.abort();
    await gone;
    await settle();
    assert.equal(clock.sleeping, 0);
    await assert.rejects(pace.enter(controller.signal));
  });
});
