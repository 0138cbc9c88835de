/**
 * Rewards of answers on disk, by the hash of what was scored: one file for each version of a reward model. They can be computed
 * again, so a file that cannot be read counts as none, and of two windows that write at once the later one's stay.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import * as v from 'valibot';
import { parseJson } from '../base/jsonLines.ts';
import type { ItemRecord } from '../core/preferences/judgement.ts';
import { type Disk, nodeDisk, replaceJsonFile } from './fileSystem.ts';
import { readTextFile } from './workspaceLayout.ts';

/** Null: longer than the model reads. */
export type KeptRewards = Map<string, number | null>;

const FileSchema = v.object({ format: v.literal(1), rewards: v.record(v.string(), v.nullable(v.number())) });
/** More are not kept. */
const most = 200_000;

export class RewardFiles {
  readonly #folder: string;
  readonly #disk: Disk;

  constructor(folder: string, disk: Disk = nodeDisk) {
    this.#folder = folder;
    this.#disk = disk;
  }

  async read(revision: string): Promise<KeptRewards> {
    const text = await readTextFile(this.#pathOf(revision));
    const file = v.safeParse(FileSchema, text === undefined ? undefined : parseJson(text));
    return new Map(file.success ? Object.entries(file.output.rewards) : []);
  }

  /** Adds to what is there; the oldest go when there are too many. */
  async add(revision: string, rewards: KeptRewards): Promise<void> {
    const all = [...(await this.read(revision)), ...rewards].slice(-most);
    await this.#disk.makeFolder(this.#folder);
    await replaceJsonFile(this.#pathOf(revision), { format: 1, rewards: Object.fromEntries(all) }, this.#disk);
  }

  #pathOf(revision: string): string {
    return join(this.#folder, `${createHash('sha256').update(revision).digest('hex').slice(0, 32)}.json`);
  }
}

/** What a reward depends on beside its model. */
export const rewardKey = (messages: ItemRecord['messages'], answer: string): string =>
  createHash('sha256')
    .update(JSON.stringify([messages.map(({ role, content }) => [role, content]), answer.trim()]))
    .digest('hex')
    .slice(0, 32);
