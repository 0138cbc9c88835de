/** Runs one case: ours and its peer take turns, a whole step each. */
import path from 'node:path';
import { pythonWithTorch } from '../../../scripts/python.ts';
import { Child } from '../engine/child.ts';
import { busyShare } from '../engine/quiet.ts';
import { answersOf, type Case } from './cases.ts';
import { modelFolder, promptsFor } from './models.ts';
import type { Request } from './ours.ts';

/** Seconds of the two parts of a step, and the tokens that were sampled in it. */
export interface Step {
  readonly rollout: number;
  readonly update: number;
  readonly tokens: number;
}

interface Prepared {
  /** Of a fixed text: everybody has to have the same model. */
  readonly logLikelihood: number;
  readonly version: string;
  readonly variant?: string;
  readonly notes?: readonly string[];
}

export interface Rounds {
  readonly ours: readonly Step[];
  readonly theirs: readonly Step[];
  /** Share of the machine that others took between turns. */
  readonly busy: readonly number[];
  readonly peer: string;
  readonly notes: readonly string[];
}

const peers = { trl: 'trl_rloo.py', torch: 'torch_ppo.py' } as const;

/** Throws an Error when a side cannot take part or computes something else. */
export async function runCase(
  running: Case,
  { rounds, threads, log }: { rounds: number; threads: number; log: (line: string) => void },
): Promise<Rounds> {
  const python = pythonWithTorch('trl==1.13.0');
  if (typeof python !== 'string') throw new Error(python.missing);
  const folder = await modelFolder(running.model);
  const prompts = await promptsFor(running, folder);
  const request: Request = { case: running, folder, prompts, threads };
  const ours = new Child(process.execPath, [path.join(import.meta.dirname, 'ours.ts')]);
  const theirs = new Child(python, [path.join(import.meta.dirname, 'peers', peers[running.peer])], {
    HF_HUB_OFFLINE: '1',
    OMP_NUM_THREADS: String(threads),
    PYTHONPATH: path.join(import.meta.dirname, '..', 'engine', 'peers'),
  });
  const ask = async (child: Child): Promise<Step> => {
    const step = await child.ask<Step>('step');
    const wanted = answersOf(running) * running.settings.maxNewTokens;
    if (step.tokens !== wanted) throw new Error(`${running.name}: ${step.tokens} tokens were sampled, not ${wanted}`);
    return step;
  };
  try {
    const mine = await ours.ask<Prepared>('prepare', { ...request });
    const peer = await theirs.ask<Prepared>('prepare', { ...request });
    const apart = Math.abs(mine.logLikelihood - peer.logLikelihood);
    if (!(apart <= 1e-3 * Math.abs(mine.logLikelihood))) {
      throw new Error(`${running.name}: the models differ: ${mine.logLikelihood} and ${peer.logLikelihood}`);
    }
    // The first step of each opens sessions and fills caches.
    for (const [name, child] of [['ours', ours] as const, ['theirs', theirs] as const]) {
      log(`${running.name}, first step, ${name}: ${shown(await ask(child))}`);
    }
    const taken = { ours: [] as Step[], theirs: [] as Step[], busy: [] as number[] };
    for (let round = 0; round < rounds; round++) {
      const order = [['ours', ours] as const, ['theirs', theirs] as const];
      for (const [name, child] of round % 2 === 0 ? order : order.reverse()) {
        // Threads of the one before may still spin for a moment.
        await busyShare(100);
        taken.busy.push(await busyShare(100));
        taken[name].push(await ask(child));
      }
      log(
        `${running.name} ${round + 1}/${rounds}: ours ${shown(taken.ours.at(-1)!)}; theirs ${shown(taken.theirs.at(-1)!)}`,
      );
    }
    const variant = [peer.version, peer.variant].filter(Boolean).join(', ');
    return { ...taken, peer: variant, notes: peer.notes ?? [] };
  } finally {
    await ours.close();
    await theirs.close();
  }
}

const shown = ({ rollout, update }: Step): string => `rollout ${rollout.toFixed(2)} s, update ${update.toFixed(2)} s`;
