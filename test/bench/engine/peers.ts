/** The peers: how each is started, prepared for a case and asked for a round. */
import path from 'node:path';
import { pythonWithTorch } from '../../../scripts/python.ts';
import type { ModelConfig } from '../../../src/language-model/config.ts';
import type { Case, DecodingCase, PeerName, TrainingCase } from './cases.ts';
import { Child } from './child.ts';
import { npmPeers } from './npmPeers.ts';
import { peerModel } from './peerModels.ts';

/** Work done and the time it took. */
export interface Round {
  readonly tokens: number;
  readonly seconds: number;
}

export interface Prepared {
  /** Training: the loss of the first step. All participants have to agree on it. */
  readonly loss?: number;
  /** What exactly runs, e.g. the fastest of several ways. */
  readonly variant?: string;
  readonly notes?: readonly string[];
  readonly version?: string;
}

export interface Setting {
  readonly case: Case;
  readonly config: ModelConfig;
  /** The model as a folder that transformers loads. */
  readonly folder: string;
  /** The tokens of a training step, or the prompts. */
  readonly ids: readonly (readonly number[])[];
  readonly threads: number;
  /** Whether torch.compile is tried. */
  readonly compile: boolean;
}

/** Starts a peer for a case. Throws an Error with the reason when it cannot take part. */
export async function startPeer(peer: PeerName, setting: Setting): Promise<{ child: Child; prepared: Prepared }> {
  const { file, request } =
    setting.case.kind === 'training'
      ? trainingPeer(peer, setting.case, setting)
      : decodingPeer(peer, setting.case, setting);
  const child = new Child(...command(file));
  try {
    const { ids, threads, folder } = setting;
    return { child, prepared: await child.ask<Prepared>('prepare', { ids, threads, folder, ...request }) };
  } catch (error) {
    await child.close();
    throw error;
  }
}

type Start = { readonly file: string; readonly request: Readonly<Record<string, unknown>> };

function trainingPeer(peer: PeerName, { lora }: TrainingCase, { config, compile }: Setting): Start {
  const compiled = peer.endsWith('-compiled');
  if (compiled && !compile) throw new Error('torch.compile was left out of this run');
  if (peer === 'tfjs') return { file: 'tfjsTraining.mjs', request: { config } };
  return {
    file: 'torch_training.py',
    request: { lora, precision: peer.startsWith('torch-bf16') ? 'bf16' : 'fp32', compiled },
  };
}

function decodingPeer(peer: PeerName, running: DecodingCase, setting: Setting): Start {
  const { newTokens } = running;
  if (peer === 'llama.cpp' || peer === 'transformers.js') {
    const file = peer === 'llama.cpp' ? 'llamaCpp.ts' : 'transformersJs.ts';
    return { file, request: { newTokens, model: peerModel(peer, running, setting.folder) } };
  }
  return { file: 'torch_decoding.py', request: { newTokens, precision: peer.replace('torch-', '') } };
}

/** The program that runs a peer's file, its arguments and its environment. */
function command(file: string): [string, string[], Record<string, string>] {
  const script = path.join(import.meta.dirname, 'peers', file);
  if (file.endsWith('.py')) {
    const python = pythonWithTorch();
    if (typeof python !== 'string') throw new Error(python.missing);
    return [python, [script], { HF_HUB_OFFLINE: '1' }];
  }
  return [process.execPath, [script], { BENCH_PEERS: npmPeers() }];
}
