/**
 * Answers of models on disk, by the SHA-256 of what they depend on (docs/formats.md): one small file each. They can be made again,
 * so nothing is synced: a file that a crash left torn fails its checksum and counts as none.
 */
import { createHash, randomBytes } from 'node:crypto';
import { chmod, readdir, readFile, rename, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import type { ResponseCache } from '../core/evaluation/dispatch.ts';
import type { Generation } from '../core/generation.ts';
import { type Disk, diskError, nodeDisk } from './fileSystem.ts';
import { decodeRecords, encodeRecord } from './recordLog.ts';

export interface CacheSize {
  readonly answers: number;
  /** On the disk, in its blocks. */
  readonly bytes: number;
}

export interface ResponseCacheOptions {
  /** Beyond it, answers that were not used for the longest time go. Default 1 GiB. */
  readonly maximumBytes?: number;
  readonly disk?: Disk;
}

const DefaultMaximum = 1024 ** 3;
/** The share of the maximum that stays when answers have to go, and how much is written between two looks. */
const StaysAfterSweep = 0.9;
const BetweenSweeps = 1 / 16;
const Block = 4096;
const NamePattern = /^[0-9a-f]{64}\.json$/;

/** What a generation must have to be one; the rest is guarded by the checksum. */
const KeptSchema = v.object({
  format: v.literal(1),
  generation: v.looseObject({ text: v.string(), finishReason: v.string(), model: v.string(), latencyMs: v.number() }),
});

interface Entry {
  readonly path: string;
  readonly bytes: number;
  readonly usedAt: number;
}

export class ResponseFiles implements ResponseCache {
  readonly folder: string;
  readonly #maximum: number;
  readonly #disk: Disk;
  readonly #folders = new Map<string, Promise<void>>();
  /** Bytes written since somebody last looked how much there is; at first nobody has. */
  #unseen = Number.POSITIVE_INFINITY;
  #sweeping: Promise<void> | undefined;

  constructor(folder: string, { maximumBytes = DefaultMaximum, disk = nodeDisk }: ResponseCacheOptions = {}) {
    this.folder = folder;
    this.#maximum = maximumBytes;
    this.#disk = disk;
  }

  async get(key: string): Promise<Generation | undefined> {
    const path = this.#pathOf(key);
    try {
      const [record] = decodeRecords(await readFile(path, 'utf8'), path).records;
      const kept = v.safeParse(KeptSchema, record?.value);
      if (!kept.success) {
        await this.#disk.remove(path);
        return undefined;
      }
      const now = new Date();
      await utimes(path, now, now).catch(() => {});
      return kept.output.generation as unknown as Generation;
    } catch {
      return undefined;
    }
  }

  async put(key: string, generation: Generation): Promise<void> {
    const path = this.#pathOf(key);
    const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
    const bytes = Buffer.from(encodeRecord({ format: 1, generation }));
    try {
      await this.#folder(dirname(path));
      const file = await this.#disk.create(temporary).catch(async () => {
        // Somebody cleared the cache meanwhile.
        this.#folders.clear();
        await this.#folder(dirname(path));
        return this.#disk.create(temporary);
      });
      try {
        await file.write(bytes, 0);
      } finally {
        await file.close();
      }
      await rename(temporary, path);
    } catch (error) {
      await this.#disk.remove(temporary).catch(() => {});
      throw diskError(error, path);
    }
    this.#unseen += blocks(bytes.length);
    if (this.#unseen > this.#maximum * BetweenSweeps) this.#sweeping ??= this.#sweep();
  }

  async size(): Promise<CacheSize> {
    const entries = await this.#entries();
    return { answers: entries.length, bytes: sumOf(entries) };
  }

  /** Removes all answers; says what there was. */
  async clear(): Promise<CacheSize> {
    await this.#sweeping;
    const size = await this.size();
    await this.#disk.remove(this.folder);
    this.#folders.clear();
    return size;
  }

  /** Resolves when nothing is tidied up any more. */
  async settled(): Promise<void> {
    await this.#sweeping;
  }

  #pathOf(key: string): string {
    const hash = createHash('sha256').update(key).digest('hex');
    return join(this.folder, hash.slice(0, 2), `${hash}.json`);
  }

  /** Prompts and answers are the person's own: nobody else on this computer reads them. */
  #folder(path: string): Promise<void> {
    let made = this.#folders.get(path);
    if (!made) {
      made = this.#disk.makeFolder(path).then(() => chmod(this.folder, 0o700));
      this.#folders.set(path, made);
      made.catch(() => this.#folders.delete(path));
    }
    return made;
  }

  async #sweep(): Promise<void> {
    this.#unseen = 0;
    try {
      const entries = await this.#entries();
      let bytes = sumOf(entries);
      if (bytes <= this.#maximum) return;
      for (const entry of entries.sort((a, b) => a.usedAt - b.usedAt)) {
        if (bytes <= this.#maximum * StaysAfterSweep) return;
        await this.#disk.remove(entry.path);
        bytes -= entry.bytes;
      }
    } catch {
      // Another time.
    } finally {
      this.#sweeping = undefined;
    }
  }

  /** Half-written files of a crash are among them once they are old enough to be nobody's. */
  async #entries(): Promise<Entry[]> {
    const entries: Entry[] = [];
    for (const group of await readdir(this.folder).catch(() => [])) {
      const folder = join(this.folder, group);
      const names = await readdir(folder).catch(() => []);
      const found = await Promise.all(
        names.map(async (name): Promise<Entry | undefined> => {
          const path = join(folder, name);
          const about = await stat(path).catch(() => undefined);
          if (!about) return undefined;
          if (!NamePattern.test(name)) {
            if (name.endsWith('.tmp') && about.mtimeMs < Date.now() - 3_600_000) await this.#disk.remove(path);
            return undefined;
          }
          return { path, bytes: blocks(about.size), usedAt: about.mtimeMs };
        }),
      );
      entries.push(...found.filter(entry => entry !== undefined));
    }
    return entries;
  }
}

const blocks = (bytes: number): number => Math.ceil(bytes / Block) * Block;
const sumOf = (entries: readonly Entry[]): number => entries.reduce((sum, { bytes }) => sum + bytes, 0);
