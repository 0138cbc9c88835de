/** The settings, typed; their defaults and descriptions are in package.json, and a test holds both equal. */
import * as vscode from 'vscode';
import type { PrecisionChoice } from '../protocol/inference.ts';
import type { Endpoint } from '../providers/openAiCompatible.ts';

const section = 'tunesmith';

export interface Settings {
  /** A Node.js to run models and training with, where the editor's own cannot. Empty: the editor's own. */
  readonly nodePath: string;
  /** Where local models run: `auto` measures, `webgpu` takes a graphics processor wherever it answers rightly. */
  readonly accelerator: 'auto' | 'cpu' | 'webgpu';
  /** 0: as many as there are physical cores. */
  readonly threads: number;
  /** What local models hold their weights in: `auto`, `float32`, `int8` or `int4`. */
  readonly localPrecision: PrecisionChoice;
  /** Name under which judgements are kept. Empty: the git user. */
  readonly author: string;
  /** Quiet hints while ranking: pace, and one side again and again. */
  readonly rankingHints: boolean;
  /** Servers with an OpenAI-compatible interface. */
  readonly endpoints: readonly Endpoint[];
  /** US dollars for a million tokens, by model: `{ "input": 0.15, "output": 0.6 }`. */
  readonly prices: Readonly<Record<string, unknown>>;
  /** Calls of models beyond which a run of the playground asks first. */
  readonly forecastCalls: number;
  /** US dollars beyond which a run of the playground asks first. */
  readonly forecastCost: number;
  /** Id of the model that a playground starts with. */
  readonly defaultModel: string;
  /** Training waits while the computer, which was plugged in, runs on its battery. */
  readonly 'jobs.pauseOnBattery': boolean;
  /** Jobs also write event files of TensorBoard. */
  readonly 'jobs.tensorboard': boolean;
  /** Checkpoints of a running job that are kept. */
  readonly 'jobs.keepCheckpoints': number;
}

export const settingDefaults: Settings = {
  nodePath: '',
  accelerator: 'auto',
  threads: 0,
  localPrecision: 'auto',
  author: '',
  rankingHints: true,
  endpoints: [],
  prices: {},
  forecastCalls: 50,
  forecastCost: 0.1,
  defaultModel: 'local:pebble',
  'jobs.pauseOnBattery': true,
  'jobs.tensorboard': false,
  'jobs.keepCheckpoints': 2,
};

/** Reads one setting; a value of the wrong type counts as not set. */
export function setting<K extends keyof Settings>(key: K, scope?: vscode.Uri): Settings[K] {
  const value = vscode.workspace.getConfiguration(section, scope).get<unknown>(key);
  const fallback = settingDefaults[key];
  const sameType = typeof value === typeof fallback && Array.isArray(value) === Array.isArray(fallback);
  return sameType && value !== null ? (value as Settings[K]) : fallback;
}

/** How jobs run on this computer. */
export const jobSettings = () => ({
  threads: setting('threads'),
  tensorboard: setting('jobs.tensorboard'),
  keepCheckpoints: Math.max(1, Math.round(setting('jobs.keepCheckpoints'))),
});

export const settingName = (key: keyof Settings): string => `${section}.${key}`;

/** Calls back when one of these settings changes. */
export function onSetting(keys: readonly (keyof Settings)[], changed: () => void): vscode.Disposable {
  return vscode.workspace.onDidChangeConfiguration(event => {
    if (keys.some(key => event.affectsConfiguration(settingName(key)))) changed();
  });
}
