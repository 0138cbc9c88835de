/** Where things lie: in a workspace under `.tunesmith`, and what belongs to the person in one folder of theirs. */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type Disk, nodeDisk, replaceFile } from './fileSystem.ts';

export interface WorkspaceLayout {
  /** The workspace's own folder. */
  readonly root: string;
  readonly tunesmith: string;
  readonly preferences: string;
  readonly runs: string;
  readonly jobs: string;
  readonly models: string;
}

export function workspaceLayout(root: string): WorkspaceLayout {
  const tunesmith = join(root, '.tunesmith');
  return {
    root,
    tunesmith,
    preferences: join(tunesmith, 'preferences'),
    runs: join(tunesmith, 'runs'),
    jobs: join(tunesmith, 'jobs'),
    models: join(tunesmith, 'models'),
  };
}

const gitFiles: Readonly<Record<string, string>> = {
  '.gitattributes': '# Records carry checksums: git must not change their line ends.\npreferences/** -text\n',
  '.gitignore': '/runs/\n/jobs/\n/models/\n/iterations/\n/index/\n*.tmp\n',
};

/** Writes `.tunesmith/.gitattributes` and `.gitignore` on first use. A file that is there stays as the user has it. */
export async function ensureGitFiles(layout: WorkspaceLayout, disk: Disk = nodeDisk): Promise<void> {
  for (const [name, text] of Object.entries(gitFiles)) {
    const path = join(layout.tunesmith, name);
    if (!(await disk.identity(path))) await replaceFile(path, text, disk);
  }
}

/** The person's own folder: imported models, approvals. `TUNESMITH_HOME` names another. */
export function userFolder(env: Readonly<Record<string, string | undefined>> = process.env): string {
  if (env.TUNESMITH_HOME) return env.TUNESMITH_HOME;
  switch (process.platform) {
    case 'win32':
      return join(env.LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local'), 'tunesmith');
    case 'darwin':
      return join(homedir(), 'Library', 'Application Support', 'tunesmith');
    default:
      return join(env.XDG_DATA_HOME ?? join(homedir(), '.local', 'share'), 'tunesmith');
  }
}

/** Where things lie that can be made again. */
export function cacheFolder(env: Readonly<Record<string, string | undefined>> = process.env): string {
  if (env.TUNESMITH_HOME) return join(env.TUNESMITH_HOME, 'cache');
  switch (process.platform) {
    case 'win32':
      return join(env.LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local'), 'tunesmith', 'cache');
    case 'darwin':
      return join(homedir(), 'Library', 'Caches', 'tunesmith');
    default:
      return join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'tunesmith');
  }
}

/** A name that every file system takes, made from what a person typed. Letters of all scripts stay. */
export function fileNameFor(text: string, fallback: string): string {
  const name = text
    .normalize('NFC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}._-]+/gu, '-')
    .replace(/\.{2,}/g, '.')
    .replace(/^[-.]+|[-.]+$/g, '')
    .slice(0, 48)
    .replace(/[-.]+$/, '');
  if (name === '' || /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/.test(name)) return fallback;
  return name;
}

/** A small text file, or undefined when there is none. */
export async function readTextFile(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
