/** Iterations of a workspace: one small file each. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { HumanError } from '../base/errors.ts';
import { parseJson } from '../base/jsonLines.ts';
import { l10n } from '../base/l10n.ts';
import { type Iteration, IterationSchema } from '../core/jobs/iteration.ts';
import { nodeDisk, replaceJsonFile } from './fileSystem.ts';
import { fileNameFor, readTextFile, type WorkspaceLayout } from './workspaceLayout.ts';

const folderOf = (layout: WorkspaceLayout): string => join(layout.tunesmith, 'iterations');

const fileOf = (layout: WorkspaceLayout, name: string): string =>
  join(folderOf(layout), `${fileNameFor(name, 'iteration')}.json`);

/** Undefined where there is none of this name. Throws a HumanError for a file that cannot be read. */
export async function readIteration(layout: WorkspaceLayout, name: string): Promise<Iteration | undefined> {
  const file = fileOf(layout, name);
  const text = await readTextFile(file);
  if (text === undefined) return undefined;
  const parsed = v.safeParse(IterationSchema, parseJson(text));
  if (parsed.success) return parsed.output;
  throw new HumanError(
    l10n.t('This file of an iteration is damaged. Give another name, or delete it and begin again.'),
    {
      cause: new v.ValiError(parsed.issues),
      place: { file },
    },
  );
}

export async function writeIteration(layout: WorkspaceLayout, iteration: Iteration): Promise<void> {
  await nodeDisk.makeFolder(folderOf(layout));
  await replaceJsonFile(fileOf(layout, iteration.name), iteration);
}

/** Names of all that were begun. A name is what its file is called after. */
export async function listIterations(layout: WorkspaceLayout): Promise<string[]> {
  const files = await readdir(folderOf(layout)).catch(() => []);
  return files
    .filter(file => file.endsWith('.json'))
    .map(file => file.slice(0, -'.json'.length))
    .sort();
}
