/** Runs one case: prepares ours and the peers, then lets them take turns, one at a time, for several rounds. */
import path from 'node:path';
import { Rng } from '../../../src/base/rng.ts';
import type { Case, PeerName } from './cases.ts';
import { Child } from './child.ts';
import { decodingBytes, trainingFlops } from './flops.ts';
import type { Limits } from './limits.ts';
import { loadModel, modelFolder } from './models.ts';
import { type Prepared, type Round, type Setting, startPeer } from './peers.ts';
import { busyShare } from './quiet.ts';
import { median, spread } from './statistics.ts';

export interface RunOptions {
  readonly rounds: number;
  readonly threads: number;
  /** Whether torch.compile is tried. */
  readonly compile: boolean;
  readonly limits: Limits;
  readonly log: (line: string) => void;
}

export interface PeerResult {
  readonly peer: PeerName;
  readonly unit: 'tokens/s' | 'GFLOP/s' | 'GB/s';
  readonly ours: number;
  readonly theirs: number;
  /** ours/theirs: higher is better. */
  readonly ratio: number;
  /** Half the distance between the quartiles of their rounds as a share of the median. */
  readonly spread: number;
  readonly variant: string;
}

export interface CaseResult {
  readonly case: Case;
  /** Why ours did not run: then there are no peers either. */
  readonly skipped?: string;
  /** tokens/s. */
  readonly ours?: number;
  readonly spread?: number;
  readonly peers: readonly PeerResult[];
  readonly missing: readonly { readonly peer: PeerName; readonly reason: string }[];
  readonly notes: readonly string[];
  /** How much of the machine others took between the turns (median share). */
  readonly busy?: number;
}

/** One that takes turns: its rounds give a rate in tokens/s, FLOP/s or bytes/s. */
interface Participant {
  readonly name: PeerName | 'ours';
  readonly variant: string;
  readonly rates: number[];
  /** At most so many rounds: one that is very slow takes fewer turns. */
  readonly rounds: number;
  round(): Promise<number>;
  close(): Promise<void>;
}

interface OurPrepared extends Prepared {
  readonly weightBytes?: number;
  readonly kvBytesPerToken?: number;
  readonly openSeconds?: number;
}

/** A round takes about this long: short steps are repeated. */
const roundSeconds = 1.5;

export async function runCase(running: Case, options: RunOptions): Promise<CaseResult> {
  const model = await loadModel(running.model);
  const setting: Setting = {
    case: running,
    config: model.config,
    folder: await modelFolder(running.model, model),
    ids: randomIds(running, model.config.vocabSize),
    threads: options.threads,
    compile: options.compile,
  };
  const missing: CaseResult['missing'][number][] = [];
  const notes: string[] = [];
  const participants: Participant[] = [];
  try {
    let ours: { child: Child; prepared: OurPrepared };
    try {
      ours = await startOurs(setting);
    } catch (error) {
      return { case: running, skipped: (error as Error).message, peers: [], missing, notes };
    }
    participants.push(await withRounds('ours', ours.child, ours.prepared, options));
    if (ours.prepared.openSeconds)
      notes.push(`ours is ready to decode after ${ours.prepared.openSeconds.toFixed(1)} s`);
    for (const peer of running.peers) {
      try {
        if (peer === 'matmul-peak' || peer === 'memory-bandwidth') {
          const limit = peer === 'matmul-peak' ? 'matmul' : 'read';
          const tried = await options.limits.prepare(limit);
          notes.push(`${peer}, G${limit === 'matmul' ? 'FLOP' : 'B'}/s: ${tried}`);
          participants.push(limitParticipant(peer, limit, options));
        } else {
          const { child, prepared } = await startPeer(peer, setting);
          notes.push(...(prepared.notes ?? []).map(note => `${peer}: ${note}`));
          const disagreement = disagrees(peer, running, ours.prepared.loss, prepared.loss);
          if (disagreement) {
            await child.close();
            throw new Error(disagreement);
          }
          participants.push(await withRounds(peer, child, prepared, options));
        }
      } catch (error) {
        options.log(`${running.name}: ${peer} is missing: ${(error as Error).message}`);
        missing.push({ peer, reason: (error as Error).message });
      }
    }
    const busy = await takeTurns(participants, running.name, options);
    return { ...summary(running, setting, participants, ours.prepared), missing, notes, busy };
  } finally {
    for (const participant of participants) await participant.close();
  }
}

/** Every round ours and the peers once, in alternating order. Returns how busy others kept the machine (median share). */
async function takeTurns(participants: readonly Participant[], name: string, options: RunOptions): Promise<number> {
  const busy: number[] = [];
  for (let i = 0; i < options.rounds; i++) {
    for (const participant of i % 2 === 0 ? participants : [...participants].reverse()) {
      if (participant.rates.length >= participant.rounds) continue;
      // Threads of the one before may still spin for a moment.
      await busyShare(100);
      busy.push(await busyShare(100));
      participant.rates.push(await participant.round());
    }
    options.log(
      `${name} ${i + 1}/${options.rounds}: ${participants.map(({ name, rates }) => `${name} ${shown(rates.at(-1)!)}`).join(', ')}`,
    );
  }
  return median(busy);
}

const shown = (rate: number): string => (rate > 1e6 ? `${(rate / 1e9).toFixed(1)} G` : rate.toFixed(0));

async function startOurs(setting: Setting): Promise<{ child: Child; prepared: OurPrepared }> {
  const child = new Child(process.execPath, [path.join(import.meta.dirname, 'ours.ts')]);
  try {
    const prepared = await child.ask<OurPrepared>(
      setting.case.kind === 'training' ? 'prepareTraining' : 'prepareDecoding',
      { case: setting.case, ids: setting.ids, threads: setting.threads },
    );
    return { child, prepared };
  } catch (error) {
    await child.close();
    throw error;
  }
}

/** The first round warms up and says how many steps make a round of decent length. */
async function withRounds(
  name: Participant['name'],
  child: Child,
  { variant = '', version = '' }: Prepared,
  { rounds }: RunOptions,
): Promise<Participant> {
  const first = await child.ask<Round>('round', { steps: 1 });
  const steps = Math.min(100, Math.max(1, Math.round(roundSeconds / first.seconds)));
  return {
    name,
    variant: [version, variant].filter(Boolean).join(', '),
    rates: [],
    rounds: first.seconds > 12 * roundSeconds ? 1 : rounds,
    async round() {
      const { tokens, seconds } = await child.ask<Round>('round', { steps });
      return tokens / seconds;
    },
    close: () => child.close(),
  };
}

const limitParticipant = (name: PeerName, limit: 'matmul' | 'read', { limits, rounds }: RunOptions): Participant => ({
  name,
  variant: limits.variant(limit),
  rates: [],
  rounds,
  round: () => limits.round(limit),
  close: async () => {},
});

/** Peers that compute the same have the same loss before the first update; bfloat16 and int8 round. */
function disagrees(
  peer: PeerName,
  running: Case,
  ours: number | undefined,
  theirs: number | undefined,
): string | undefined {
  if (ours === undefined || theirs === undefined) return undefined;
  const rounding = peer.startsWith('torch-bf16') || (running.kind === 'training' && running.baseProducts === 'int8');
  const tolerance = rounding ? 0.02 : 0.001;
  if (Math.abs(theirs - ours) <= tolerance * ours) return undefined;
  return `it computes something else: the first loss is ${theirs}, ours ${ours}`;
}

function summary(
  running: Case,
  { config }: Setting,
  participants: readonly Participant[],
  ours: OurPrepared,
): Omit<CaseResult, 'missing' | 'notes'> {
  const own = participants[0]!;
  const rate = median(own.rates);
  const peers = participants.slice(1).map((participant): PeerResult => {
    const peer = participant.name as PeerName;
    const [unit, scale, mine] = measuredAs(peer, running, rate);
    const theirs = median(participant.rates) / scale;
    const { variant } = participant;
    return { peer, unit, ours: mine, theirs, ratio: mine / theirs, spread: spread(participant.rates), variant };
  });
  return { case: running, ours: rate, spread: spread(own.rates), peers };

  /** The unit of a comparison, how much of the peer's is one of it, and our rate in it. */
  function measuredAs(peer: PeerName, of: Case, tokensPerSecond: number): [PeerResult['unit'], number, number] {
    if (peer === 'matmul-peak' && of.kind === 'training') {
      const flops = trainingFlops(config, of.time, of.lora ? 'lora' : 'full');
      return ['GFLOP/s', 1e9, (tokensPerSecond * flops) / 1e9];
    }
    if (peer === 'memory-bandwidth' && of.kind === 'decoding') {
      const { weightBytes = 0, kvBytesPerToken = 0 } = ours;
      const bytes = decodingBytes({ weightBytes, kvBytesPerToken }, of);
      return ['GB/s', 1e9, ((tokensPerSecond / of.batch) * bytes) / 1e9];
    }
    return ['tokens/s', 1, tokensPerSecond];
  }
}

/** The same random tokens for everyone: a step's sequences, or the prompts. */
function randomIds(running: Case, vocabSize: number): number[][] {
  const rng = Rng.seeded(7);
  const time = running.kind === 'training' ? running.time : running.promptTokens;
  return Array.from({ length: running.batch }, () => Array.from({ length: time }, () => rng.int(vocabSize)));
}
