/** Which models there are on disk: tuned ones of a workspace, and those that the person imported. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { HumanError } from '../base/errors.ts';
import { parseJson } from '../base/jsonLines.ts';
import { l10n } from '../base/l10n.ts';
import { TunedModelSchema } from '../core/jobs/job.ts';
import {
  type ImportedModel,
  ImportedModelSchema,
  type ModelStore,
  type NewImport,
  type StoredModel,
} from '../core/models.ts';
import { type Disk, diskError, nodeDisk, replaceJsonFile } from './fileSystem.ts';
import type { FileProblem } from './recordLog.ts';
import { fileNameFor, readTextFile, type WorkspaceLayout } from './workspaceLayout.ts';

/** The store of a workspace (if one is open) and of a person (`userFolder()`). */
export function modelStore(options: { readonly layout?: WorkspaceLayout; readonly user: string }): ModelStore {
  const { layout, user } = options;
  return {
    tuned: async () => (layout ? (await listTunedModels(layout)).models : []),
    imported: () => listImportedModels(user),
    addImported: model => addImportedModel(user, model),
    removeImported: name => removeImportedModel(user, name),
    removeTuned: async name => {
      if (layout) await removeTunedModel(layout, name);
    },
  };
}

/** File beside the adapter's own that says where the model comes from. */
export const LineageFile = 'tunesmith.json';

/** Tuned models of a workspace by name; folders that are not whole yet are none. */
export async function listTunedModels(
  layout: WorkspaceLayout,
): Promise<{ readonly models: StoredModel[]; readonly problems: FileProblem[] }> {
  const models: StoredModel[] = [];
  const problems: FileProblem[] = [];
  for (const name of await visibleNames(layout.models)) {
    const path = join(layout.models, name);
    const file = join(path, LineageFile);
    const text = await readTextFile(file);
    if (text === undefined) continue;
    const lineage = v.safeParse(TunedModelSchema, parseJson(text));
    if (lineage.success) models.push({ name, path, lineage: lineage.output });
    else problems.push({ file, line: 1, message: l10n.t('This model’s description cannot be read. Train it again.') });
  }
  return { models, problems };
}

async function removeTunedModel(layout: WorkspaceLayout, name: string, disk: Disk = nodeDisk): Promise<void> {
  if (!(await visibleNames(layout.models)).includes(name)) return;
  const path = join(layout.models, name);
  try {
    await disk.remove(path);
  } catch (error) {
    throw diskError(error, path);
  }
}

/** `wanted` made a file name, with a number behind it if a model has it already: `polite`, `polite-2` … */
export async function freeModelName(layout: WorkspaceLayout, wanted: string): Promise<string> {
  const taken = new Set((await readdir(layout.models).catch(() => [])).map(name => name.toLowerCase()));
  const name = fileNameFor(wanted, 'tuned');
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? name : `${name}-${number}`;
    if (!taken.has(candidate)) return candidate;
  }
}

// One small file a model, so that two windows never rewrite one list.
const importedFolder = (user: string): string => join(user, 'models');

/** Models that the person imported, by name. `user` is the person's own folder (`userFolder()`). */
export async function listImportedModels(user: string): Promise<ImportedModel[]> {
  const models: ImportedModel[] = [];
  for (const name of await visibleNames(importedFolder(user))) {
    if (!name.endsWith('.json')) continue;
    const text = await readTextFile(join(importedFolder(user), name));
    const parsed = v.safeParse(ImportedModelSchema, parseJson(text ?? ''));
    if (parsed.success) models.push(parsed.output);
  }
  return models;
}

/** Remembers a model by its path; the same path again keeps its name. Its files stay where they are. */
export async function addImportedModel(user: string, model: NewImport, disk: Disk = nodeDisk): Promise<ImportedModel> {
  const known = await listImportedModels(user);
  const same = known.find(other => other.path === model.path);
  const wanted = fileNameFor(model.name, 'model');
  let name = same?.name ?? wanted;
  for (let number = 2; !same && known.some(other => other.name === name); number++) name = `${wanted}-${number}`;
  const made: ImportedModel = { format: 1, ...model, name, addedAt: new Date().toISOString() };
  await replaceJsonFile(join(importedFolder(user), `${name}.json`), made, disk);
  return made;
}

/** Forgets an imported model; its files stay. */
async function removeImportedModel(user: string, name: string, disk: Disk = nodeDisk): Promise<void> {
  if (!(await listImportedModels(user)).some(model => model.name === name)) {
    throw new HumanError(l10n.t('No imported model has the name “{0}”.', name));
  }
  await disk.remove(join(importedFolder(user), `${name}.json`));
}

const visibleNames = async (folder: string): Promise<string[]> =>
  (await readdir(folder).catch(() => [] as string[])).filter(name => !name.startsWith('.')).sort();
