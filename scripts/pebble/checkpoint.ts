/** One checkpoint of pebble's training as a file: a line of JSON, then parameters, running means and running squares as float32. */

import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { TrainingState } from '../../src/language-model/trainable.ts';
import type { SftState } from '../../src/training/sft.ts';

export interface Checkpoint extends TrainingState {
  /** Which stage of the recipe, and where in it. */
  readonly stage: number;
  readonly reached: SftState;
}

export const checkpointFolder = (name: string): URL => new URL(`../../.cache/pebble/${name}/`, import.meta.url);

export function saveCheckpoint(folder: URL, { stage, reached, parameters, optimizer }: Checkpoint): void {
  const arrays = [...parameters.values(), optimizer.m, optimizer.v];
  const header = {
    stage,
    reached,
    updates: optimizer.step,
    parameters: [...parameters].map(([name, { length }]) => [name, length]),
  };
  const temporary = new URL('checkpoint.tmp', folder);
  const bytes = (array: Float32Array): Uint8Array => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  writeFileSync(temporary, Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), ...arrays.map(bytes)]));
  renameSync(temporary, new URL('checkpoint', folder));
}

export function loadCheckpoint(folder: URL): Checkpoint | undefined {
  const file = new URL('checkpoint', folder);
  if (!existsSync(file)) return undefined;
  const bytes = readFileSync(file);
  const line = bytes.indexOf('\n');
  const header = JSON.parse(bytes.toString('utf8', 0, line)) as {
    stage: number;
    reached: SftState;
    updates: number;
    parameters: [string, number][];
  };
  let at = line + 1;
  const take = (length: number): Float32Array => {
    const array = new Float32Array(new Uint8Array(bytes.subarray(at, at + 4 * length)).buffer);
    at += 4 * length;
    return array;
  };
  const parameters = new Map(header.parameters.map(([name, length]) => [name, take(length)]));
  const size = header.parameters.reduce((total, [, length]) => total + length, 0);
  return {
    stage: header.stage,
    reached: header.reached,
    parameters,
    optimizer: { step: header.updates, m: take(size), v: take(size) },
  };
}
