/** Builds `dist/`: one esbuild entry per runtime (extension host, child processes, command line, webviews). */
import { chmod, copyFile, mkdir, readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { type BuildOptions, build, context } from 'esbuild';

const root = path.resolve(import.meta.dirname, '..');
const dist = path.join(root, 'dist');
const flags = new Set(process.argv.slice(2));
const development = flags.has('--watch') || flags.has('--development');

const common: BuildOptions = {
  absWorkingDir: root,
  bundle: true,
  minify: !development,
  sourcemap: development,
  keepNames: false,
  legalComments: 'none',
  logLevel: 'warning',
  charset: 'utf8',
};

/** Child processes and the command line run on Node 22 or later, the extension on the editor's own. */
const node: BuildOptions = {
  ...common,
  platform: 'node',
  target: 'node22',
  format: 'esm',
  external: ['onnxruntime-node', 'vscode'],
  // CommonJS packages inside an ES module bundle still call require.
  banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
};

const browser: BuildOptions = {
  ...common,
  platform: 'browser',
  target: 'chrome130',
  format: 'esm',
  loader: { '.ttf': 'file', '.svg': 'dataurl', '.png': 'dataurl' },
  assetNames: '[name]',
};

interface Entry {
  readonly from: string;
  readonly to: string;
  readonly options: BuildOptions;
}

const entries: readonly Entry[] = [
  {
    from: 'src/vscode/extension.ts',
    to: 'extension.cjs',
    options: {
      ...node,
      format: 'cjs',
      banner: {},
      external: ['vscode'],
      define: { 'import.meta.url': 'undefined', 'import.meta.dirname': '__dirname' },
      logOverride: { 'empty-import-meta': 'silent' },
    },
  },
  { from: 'src/worker/jobMain.ts', to: 'jobMain.mjs', options: node },
  { from: 'src/worker/inferenceMain.ts', to: 'inferenceMain.mjs', options: node },
  { from: 'src/worker/calibrationMain.ts', to: 'calibrationMain.mjs', options: node },
  { from: 'src/worker/evaluatorMain.ts', to: 'evaluatorMain.mjs', options: node },
  { from: 'src/cli/main.ts', to: 'cli.mjs', options: node },
  { from: 'media/playground/main.ts', to: 'media/playground.js', options: browser },
  { from: 'media/ranking/main.ts', to: 'media/ranking.js', options: browser },
  { from: 'media/jobs/main.ts', to: 'media/jobs.js', options: browser },
  {
    from: 'node_modules/monaco-editor/esm/vs/editor/editor.worker.js',
    to: 'media/editorWorker.js',
    options: { ...browser, format: 'iife' },
  },
];

const exists = async (file: string): Promise<boolean> =>
  stat(file).then(
    () => true,
    () => false,
  );

/** The icon font of the editor's own look, beside the pages that use it. */
async function copyAssets(): Promise<void> {
  const icons = path.join(root, 'node_modules/@vscode/codicons/dist');
  await mkdir(path.join(dist, 'media'), { recursive: true });
  for (const name of ['codicon.css', 'codicon.ttf'])
    await copyFile(path.join(icons, name), path.join(dist, 'media', name));
}

/** What an earlier build left. Files are replaced in place, so that a running extension always finds its own. */
async function removeStale(current: ReadonlySet<string>): Promise<void> {
  for (const name of await readdir(dist)) {
    if (/\.(cjs|mjs)$/.test(name) && !current.has(name)) await rm(path.join(dist, name));
  }
}

async function main(): Promise<void> {
  const started = performance.now();
  const present: Entry[] = [];
  for (const entry of entries) if (await exists(path.join(root, entry.from))) present.push(entry);
  const all = present.map(
    (entry): BuildOptions => ({ ...entry.options, entryPoints: [entry.from], outfile: path.join(dist, entry.to) }),
  );
  if (flags.has('--watch')) {
    for (const options of all) await (await context({ ...options, logLevel: 'info' })).watch();
    await copyAssets();
    return;
  }
  await Promise.all([...all.map(options => build(options)), copyAssets()]);
  await removeStale(new Set(present.map(({ to }) => to)));
  const cli = path.join(dist, 'cli.mjs');
  if (await exists(cli)) await chmod(cli, 0o755);
  for (const { to } of present) {
    const { size } = await stat(path.join(dist, to));
    console.log(`dist/${to}`.padEnd(28) + `${(size / 1000).toFixed(0)} kB`.padStart(10));
  }
  console.log(`built in ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

await main();
