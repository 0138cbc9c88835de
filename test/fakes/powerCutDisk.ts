/**
 * A disk without mercy: at the k-th operation the power goes, and then everything is gone that was not synced: bytes of files
 * since their last sync, names (new, renamed, removed) since the last sync of their folder.
 */

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Disk, WritableFile } from '../../src/storage/fileSystem.ts';
import { workspaceLayout } from '../../src/storage/workspaceLayout.ts';
import { hookedDisk, type Operation } from './countedDisk.ts';
import { type Acknowledged, checkAfterwards, inFolder, runScenario } from './storageScenario.ts';

export class PowerCut extends Error {}

export class PowerCutDisk {
  readonly disk: Disk;
  /** Operations so far. */
  count = 0;
  /** Content at the last sync, by the name that the file has now. */
  readonly #synced = new Map<string, Buffer>();
  /** What undoes changes of names that their folder was not synced after, oldest first. */
  #names: { readonly folder: string; readonly undo: () => void }[] = [];
  readonly #open: WritableFile[] = [];
  readonly #cutAt: number;

  constructor(cutAt: number) {
    this.#cutAt = cutAt;
    const disk = hookedDisk({
      before: operation => this.#before(operation),
      after: operation => this.#after(operation),
    });
    this.disk = {
      ...disk,
      create: async path => {
        const file = await disk.create(path);
        this.#open.push(file);
        return file;
      },
    };
  }

  get isCut(): boolean {
    return this.count >= this.#cutAt;
  }

  /** What a person finds when the power is back. `torn`: half of what was written since a file's last sync made it. */
  async comeBack(torn: boolean): Promise<void> {
    await Promise.allSettled(this.#open.map(file => file.close()));
    for (const [path, synced] of this.#synced) {
      if (!existsSync(path)) continue;
      const now = readFileSync(path);
      const kept = torn ? synced.length + ((now.length - synced.length) >> 1) : synced.length;
      writeFileSync(path, now.length > synced.length ? now.subarray(0, kept) : synced);
    }
    for (const { undo } of this.#names.reverse()) undo();
    this.#names = [];
  }

  #before(operation: Operation): void {
    if (this.isCut) throw new PowerCut();
    const { path } = operation;
    if (operation.kind === 'rename') {
      const { to } = operation;
      const [file, replaced] = [this.#synced.get(path), existsSync(to) ? readFileSync(to) : undefined];
      this.#names.push({
        folder: dirname(to),
        undo: () => {
          mkdirSync(dirname(path), { recursive: true });
          renameSync(to, path);
          if (replaced) writeFileSync(to, replaced);
        },
      });
      this.#synced.delete(path);
      if (file) this.#synced.set(to, file);
    } else if (operation.kind === 'remove' && existsSync(path) && this.#synced.has(path)) {
      const content = readFileSync(path);
      this.#names.push({ folder: dirname(path), undo: () => writeFileSync(path, content) });
      this.#synced.delete(path);
    }
  }

  #after({ kind, path }: Operation): void {
    if (kind === 'create') {
      this.#synced.set(path, Buffer.alloc(0));
      this.#names.push({ folder: dirname(path), undo: () => rmSync(path, { force: true }) });
    } else if (kind === 'sync') {
      this.#synced.set(path, readFileSync(path));
    } else if (kind === 'syncFolder') {
      this.#names = this.#names.filter(name => name.folder !== path);
    }
    if (++this.count >= this.#cutAt) throw new PowerCut();
  }
}

/**
 * Runs the scenario once for each `step`-th k with the power cut after operation k, and checks what is left.
 * @returns the number of operations of a whole run
 */
export async function cutPowerAtEvery(step: number, torn: (k: number) => boolean): Promise<number> {
  let operations = Number.POSITIVE_INFINITY;
  for (let k = 1; k < operations + step; k += step) {
    await inFolder(async root => {
      const layout = workspaceLayout(root);
      const power = new PowerCutDisk(k);
      const acknowledged: Acknowledged[] = [];
      const end = await runScenario(layout, power.disk, what => acknowledged.push(what)).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (power.isCut) assert.ok(end === undefined || end instanceof PowerCut, String(end));
      else {
        assert.equal(end, undefined);
        operations = power.count;
      }
      await power.comeBack(torn(k));
      try {
        await checkAfterwards(layout, acknowledged);
      } catch (error) {
        throw new Error(`power cut after operation ${k}: ${String(error)}`, { cause: error });
      }
    });
  }
  return operations;
}
