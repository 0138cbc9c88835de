/** Where a child process's program lies and how to start it: the bundle when there is one, else the source. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';

export type WorkerName = 'inferenceMain' | 'jobMain' | 'evaluatorMain' | 'preferenceMain';

export interface WorkerEntry {
  /** The Node (or the editor's own Electron, which runs as Node by `env`) to start. */
  readonly execPath: string;
  /** Arguments of `execPath`, the program's file last; the caller appends its own after it. */
  readonly args: readonly string[];
  /** The program's file, the last of `args`. */
  readonly file: string;
  /** Only what must be added to the child's environment; the caller decides what else it gets. */
  readonly env: Readonly<Record<string, string>>;
}

export interface WorkerOptions {
  /** The folder of the package: it holds `dist/` or `src/`. The extension passes its own, the CLI `packageRoot(import.meta.url)`. */
  readonly root: string;
  /** `tunesmith.nodePath`: a Node to use in place of the one that runs this. */
  readonly nodePath?: string;
}

/** How to start a child process. `dist/<name>.mjs` if built, else `src/worker/<name>.ts` where this itself runs from source. */
export function workerEntry(name: WorkerName, options: WorkerOptions): WorkerEntry {
  const built = join(options.root, 'dist', `${name}.mjs`);
  const source = join(options.root, 'src', 'worker', `${name}.ts`);
  const file = (runsFromSource() ? [source, built] : [built, source]).find(candidate => existsSync(candidate));
  if (!file) {
    throw new HumanError(
      l10n.t('A part of Tunesmith is missing: {0}. Install the extension again, or run “npm run build”.', built),
    );
  }
  const nodePath = options.nodePath?.trim();
  if (nodePath && !existsSync(nodePath)) {
    throw new HumanError(
      l10n.t('There is no Node at “{0}”. Correct the setting tunesmith.nodePath, or empty it.', nodePath),
    );
  }
  return { execPath: nodePath || process.execPath, args: [file], file, env: { ELECTRON_RUN_AS_NODE: '1' } };
}

/** The package's folder, from the address of a module in `src/**` or `dist/`. */
export function packageRoot(moduleUrl: string): string {
  const start = dirname(fileURLToPath(moduleUrl));
  for (let folder = start; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder;
    if (dirname(folder) === folder) throw new Error(`no package.json above ${start}`);
  }
}

/** True under `node src/…`: then the sources are what is meant, also beside an older build. */
function runsFromSource(): boolean {
  const url: unknown = import.meta.url;
  return typeof url === 'string' && url.endsWith('.ts');
}
