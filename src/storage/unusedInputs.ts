/** Removes copies of files of rows that no run refers to any more. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Disk, nodeDisk } from './fileSystem.ts';
import { inputsFolder } from './runInputs.ts';
import { readTextFile, type WorkspaceLayout } from './workspaceLayout.ts';

/** Milliseconds: a copy that was just made or used belongs to a run that is about to say so. */
const Grace = 60_000;

/** How many were removed. A copy counts as used where any description names its hash, whatever wrote that. */
export async function removeUnusedInputs(
  layout: WorkspaceLayout,
  { grace = Grace, disk = nodeDisk }: { readonly grace?: number; readonly disk?: Disk } = {},
): Promise<number> {
  const folder = inputsFolder(layout);
  const copies = (await readdir(folder).catch(() => [] as string[])).filter(name => /^[0-9a-f]{64}(\.|$)/.test(name));
  if (copies.length === 0) return 0;
  const used = new Set<string>();
  for (const id of await readdir(layout.runs)) {
    // As text: what a newer version wrote counts too.
    const description = await readTextFile(join(layout.runs, id, 'run.json'));
    for (const [hash] of (description ?? '').matchAll(/[0-9a-f]{64}/g)) used.add(hash);
  }
  let removed = 0;
  for (const name of copies) {
    if (used.has(name.slice(0, 64))) continue;
    const path = join(folder, name);
    const { mtimeMs } = await stat(path);
    if (Date.now() - mtimeMs < grace) continue;
    await disk.remove(path);
    removed++;
  }
  return removed;
}
