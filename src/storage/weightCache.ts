/** Converted weights on disk: files that can be made again, whose names tell what they were made from and what is in them. */
import { createHash } from 'node:crypto';
import { readdir, readFile, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { RandomAccessFile } from '../base/randomAccess.ts';
import { type Disk, nodeDisk, replaceFile } from './fileSystem.ts';

/** Models whose converted weights are kept; those not used for the longest time go first. */
const KEPT = 6;
const ENDING = '.safetensors';

export interface WeightCache {
  /** The whole file kept under this key, or undefined: there is none, or it is not what was written. Never throws. */
  read(key: string): Promise<RandomAccessFile | undefined>;
  /** Keeps a file, given in pieces, under the key. Throws when the disk cannot take it. */
  write(key: string, pieces: readonly Uint8Array[]): Promise<void>;
}

/** `key` is part of a file name: letters, digits and hyphens. */
export function weightCache(folder: string, disk: Disk = nodeDisk): WeightCache {
  const names = async (): Promise<string[]> => (await readdir(folder)).filter(name => name.endsWith(ENDING));
  const own = async (key: string): Promise<string[]> =>
    (await names()).filter(name => name.startsWith(`${key}.`)).map(name => join(folder, name));
  return {
    async read(key) {
      try {
        for (const path of await own(key)) {
          const bytes = await readFile(path);
          if (path === pathOf(folder, key, digest([bytes]))) {
            await utimes(path, new Date(), new Date()).catch(() => {});
            return inMemory(path, bytes);
          }
          await disk.remove(path);
        }
      } catch {
        // As if there were none.
      }
      return undefined;
    },
    async write(key, pieces) {
      const path = pathOf(folder, key, digest(pieces));
      await replaceFile(path, pieces, disk);
      for (const other of await own(key)) if (other !== path) await disk.remove(other);
      for (const name of (await byLastUse(folder, await names())).slice(KEPT)) await disk.remove(join(folder, name));
    },
  };
}

const pathOf = (folder: string, key: string, sum: string): string => join(folder, `${key}.${sum}${ENDING}`);

function digest(pieces: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const piece of pieces) hash.update(piece);
  return hash.digest('hex').slice(0, 32);
}

/** Last used first. */
async function byLastUse(folder: string, names: readonly string[]): Promise<string[]> {
  const used = await Promise.all(names.map(async name => ({ name, at: (await stat(join(folder, name))).mtimeMs })));
  return used.sort((a, b) => b.at - a.at).map(({ name }) => name);
}

const inMemory = (path: string, bytes: Uint8Array): RandomAccessFile => ({
  path,
  size: bytes.length,
  async read(offset, length) {
    if (!(offset >= 0 && length >= 0 && offset + length <= bytes.length))
      throw new RangeError('read past the end of a file');
    return bytes.subarray(offset, offset + length);
  },
  close: async () => {},
});
