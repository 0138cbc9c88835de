/**
 * A job's process in miniature: counts to 20 in `events.jsonl` with a heartbeat and a checkpoint each step, resumes from the
 * last checkpoint, obeys `control.json`. `seed` of the specification chooses what it does: 1 never obeys, 2 fails, 3 dies at once.
 */
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { processStartedAt } from '../../src/storage/processIdentity.ts';

const folder = process.argv[2]!;
const file = (name: string) => join(folder, name);
const { seed } = JSON.parse(readFileSync(file('job.json'), 'utf8')) as { seed: number };
const total = 20;

const replace = (name: string, value: unknown) => {
  writeFileSync(file(`${name}.tmp`), JSON.stringify(value));
  renameSync(file(`${name}.tmp`), file(name));
};
const event = (value: object) =>
  appendFileSync(file('events.jsonl'), JSON.stringify({ time: new Date().toISOString(), ...value }) + '\n');
const state = (status: string, step: number, more: object = {}) =>
  replace('state.json', {
    format: 1,
    status,
    pid: process.pid,
    processStartedAt: processStartedAt(process.pid),
    heartbeatAt: new Date().toISOString(),
    step,
    totalSteps: total,
    ...more,
  });

if (seed === 3) {
  console.error('Error: cannot find the engine');
  process.exit(7);
}
process.on('SIGTERM', () => {
  if (seed !== 1) process.exit(1);
});
mkdirSync(file('checkpoints'), { recursive: true });
let step = Math.max(
  0,
  ...readdirSync(file('checkpoints'))
    .filter(name => existsSync(file(`checkpoints/${name}/complete.json`)))
    .map(Number),
);
event({ type: 'phase', phase: step === 0 ? 'start' : `resumed at ${step}` });
while (step < total) {
  step++;
  await new Promise(resolve => setTimeout(resolve, 8));
  event({ type: 'metrics', step, values: { loss: 1 / step, args: process.argv.length } });
  state('running', step);
  mkdirSync(file(`checkpoints/${step}`), { recursive: true });
  writeFileSync(file(`checkpoints/${step}/complete.json`), '{}');
  if (seed === 2 && step === 3) {
    state('failed', step, { error: { message: 'The loss is not a number. Lower the learning rate.', human: true } });
    process.exit(1);
  }
  if (seed !== 1 && existsSync(file('control.json'))) {
    state('cancelled', step);
    process.exit(0);
  }
  if (seed === 1 && step === total) step = 1;
}
replace('result.json', { format: 1, adapter: 'x', seconds: 1, metrics: { loss: 1 / total }, warnings: [] });
state('succeeded', total);
