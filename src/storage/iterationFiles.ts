/** Iterations of a workspace: one small file each. */
import { join } from 'node:path';
import * as v from 'valibot';
import { HumanError } from '../base/errors.ts';
import { parseJson } from '../base/jsonLines.ts';
import { l10n } from '../base/l10n.ts';
import { type Iteration, IterationSchema } from '../core/jobs/iteration.ts';
import { nodeDisk, replaceJsonFile } from './fileSystem.ts';
import { fileNameFor, readTextFile, type WorkspaceLayout } from './workspaceLayout.ts';

const fileOf = (layout: WorkspaceLayout, name: string): string =>
  join(layout.tunesmith, 'iterations', `${fileNameFor(name, 'iteration')}.json`);

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
  await nodeDisk.makeFolder(join(layout.tunesmith, 'iterations'));
  await replaceJsonFile(fileOf(layout, iteration.name), iteration);
}
