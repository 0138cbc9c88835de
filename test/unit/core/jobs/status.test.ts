import assert from 'node:assert/strict';
import { type JobFacts, jobStatus, Wakefulness } from '../../../../src/core/jobs/status.ts';
import { jobState } from '../../../fakes/jobs.ts';

const start = Date.UTC(2026, 0, 5, 14);
const at = (seconds: number): number => start + 1000 * seconds;
const iso = (seconds: number): string => new Date(at(seconds)).toISOString();

/** A job whose process cannot be proved to be the same, as on systems that do not tell when processes began. */
const facts = (heartbeat: number, now: number, more: Partial<JobFacts> = {}): JobFacts => ({
  state: jobState({ pid: 7, heartbeatAt: iso(heartbeat) }),
  worker: 'unknown',
  launched: 'gone',
  now: at(now),
  ...more,
});

describe('jobStatus', () => {
  it('takes silence for the end, but not that of a computer that slept', () => {
    const wakefulness = new Wakefulness();
    const look = (heartbeat: number, now: number) =>
      jobStatus(facts(heartbeat, now, { beforeSleep: wakefulness.look(at(now)) }));
    assert.equal(look(0, 2), 'running');
    assert.equal(look(5, 6), 'running');
    // An hour of sleep: the last heartbeat is an hour old for everybody.
    assert.equal(look(5, 3606), 'running');
    assert.equal(look(5, 3616), 'running');
    assert.equal(look(3618, 3620), 'running', 'it beats again');
    assert.equal(look(3618, 3630), 'running');
    for (let now = 3632; now < 3650; now += 2) assert.equal(look(3618, now), now < 3648 ? 'running' : 'lost');
  });

  it('gives a job that died in its sleep half a minute', () => {
    const wakefulness = new Wakefulness();
    const look = (now: number) => jobStatus(facts(0, now, { beforeSleep: wakefulness.look(at(now)) }));
    assert.equal(look(2), 'running');
    for (let now = 3600; now < 3640; now += 2) assert.equal(look(now), now < 3630 ? 'running' : 'lost', `${now}`);
  });

  it('holds when the clock is set back', () => {
    const wakefulness = new Wakefulness();
    assert.equal(jobStatus(facts(3600, 3602, { beforeSleep: wakefulness.look(at(3602)) })), 'running');
    assert.equal(jobStatus(facts(3600, 0, { beforeSleep: wakefulness.look(at(0)) })), 'running');
  });

  it('waits in the queue whatever became of it before, unless it runs or is done', () => {
    const queued = { queued: true, worker: 'gone' } as const;
    assert.equal(jobStatus(facts(0, 0, { ...queued, state: undefined })), 'queued');
    for (const [status, expected] of [
      ['running', 'queued'],
      ['failed', 'queued'],
      ['cancelled', 'queued'],
      ['succeeded', 'succeeded'],
    ] as const)
      assert.equal(jobStatus(facts(0, 0, { ...queued, state: jobState({ status, pid: 7 }) })), expected);
    assert.equal(jobStatus(facts(0, 0, { queued: true, worker: 'alive' })), 'running');
    const control = { format: 1, request: 'cancel' } as const;
    assert.equal(jobStatus(facts(0, 0, { ...queued, control })), 'cancelled');
  });
});
