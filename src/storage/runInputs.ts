/** Copies of the files of rows that runs were made with: `.tunesmith/runs/inputs/<hash>`, one for all runs with the same bytes. */
import { createHash } from 'node:crypto';
import { readFile, stat, utimes } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { type Disk, nodeDisk, replaceFile } from './fileSystem.ts';
import type { WorkspaceLayout } from './workspaceLayout.ts';

/** Larger files are named by their hash alone: 32 MiB. */
const MostBytes = 32 << 20;

export const hashOf = (bytes: string | Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export const inputsFolder = (layout: WorkspaceLayout): string => join(layout.runs, 'inputs');

/** The ending tells a reader which format it is. */
const inputCopy = (layout: WorkspaceLayout, hash: string, file: string): string =>
  join(inputsFolder(layout), `${hash}${/^\.[a-z0-9]{1,8}$/i.test(extname(file)) ? extname(file).toLowerCase() : ''}`);

/** Hash of the file, and whether a copy of it is kept. Rejects where it cannot be read. */
export async function keepInput(
  layout: WorkspaceLayout,
  path: string,
  disk: Disk = nodeDisk,
): Promise<{ readonly hash: string; readonly kept: boolean }> {
  const bytes = await readFile(path);
  const hash = hashOf(bytes);
  if (bytes.length > MostBytes) return { hash, kept: false };
  const copy = inputCopy(layout, hash, path);
  const there = await stat(copy).then(
    ({ size }) => size === bytes.length,
    () => false,
  );
  // One that is there counts as just made: nobody takes it away before the run that needs it is described.
  if (there) await utimes(copy, new Date(), new Date());
  else await replaceFile(copy, bytes, disk);
  return { hash, kept: true };
}

/** Whether a copy is there; it counts as just made then. */
export const isKept = (layout: WorkspaceLayout, hash: string, file: string): Promise<boolean> =>
  utimes(inputCopy(layout, hash, file), new Date(), new Date()).then(
    () => true,
    () => false,
  );

/** The text of a kept file; undefined where it is gone or is not what it says. */
export async function readInput(layout: WorkspaceLayout, hash: string, file: string): Promise<string | undefined> {
  const bytes = await readFile(inputCopy(layout, hash, file)).catch(() => undefined);
  return bytes && hashOf(bytes) === hash ? bytes.toString('utf8') : undefined;
}
