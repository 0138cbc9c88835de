/** Builds `dist/`: one esbuild entry per runtime (extension host, child processes, command line, webviews). */
import { chmod, copyFile, mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type BuildOptions, build, context, type Metafile, type Plugin, transform } from 'esbuild';

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

/**
 * Splits at dynamic imports, so that activation reads a few kilobytes and each feature's code when it is first used. esbuild
 * splits ES modules only, and editors load CommonJS: each part is turned into that.
 */
const splitCommonJs: Plugin = {
  name: 'split-commonjs',
  setup: ({ initialOptions, onEnd }) => {
    Object.assign(initialOptions, { write: false, metafile: true });
    onEnd(async ({ outputFiles = [], metafile }) => {
      await mkdir(dist, { recursive: true });
      const sizes = new Map<string, number>();
      for (const { path: file, text } of outputFiles) {
        const { code } = await transform(text, {
          format: 'cjs',
          platform: 'node',
          target: 'node22',
          minify: !development,
          charset: 'utf8',
          supported: { 'dynamic-import': false },
        });
        await writeFile(file, code);
        sizes.set(path.relative(root, file), Buffer.byteLength(code));
      }
      report(metafile?.outputs ?? {}, sizes);
    });
  },
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
      banner: {},
      external: ['vscode'],
      sourcemap: false,
      splitting: true,
      chunkNames: 'extension-[hash]',
      outExtension: { '.js': '.cjs' },
      plugins: [splitCommonJs],
      define: { 'import.meta.url': 'undefined', 'import.meta.dirname': '__dirname' },
      logOverride: { 'empty-import-meta': 'silent' },
    },
  },
  { from: 'src/worker/jobMain.ts', to: 'jobMain.mjs', options: node },
  { from: 'src/worker/actorMain.ts', to: 'actorMain.mjs', options: node },
  { from: 'src/worker/inferenceMain.ts', to: 'inferenceMain.mjs', options: node },
  { from: 'src/worker/calibrationMain.ts', to: 'calibrationMain.mjs', options: node },
  { from: 'src/worker/evaluatorMain.ts', to: 'evaluatorMain.mjs', options: node },
  { from: 'src/worker/preferenceMain.ts', to: 'preferenceMain.mjs', options: node },
  { from: 'src/cli/main.ts', to: 'cli.mjs', options: node },
  { from: 'media/playground/main.ts', to: 'media/playground.js', options: browser },
  { from: 'media/ranking/main.ts', to: 'media/ranking.js', options: browser },
  { from: 'media/bank/main.ts', to: 'media/bank.js', options: browser },
  { from: 'media/data/main.ts', to: 'media/data.js', options: browser },
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

/** Says how much of a split program is read when it starts, and how much there is. */
function report(outputs: Metafile['outputs'], sizes: ReadonlyMap<string, number>): void {
  const seen = new Set<string>();
  const visit = (name: string): void => {
    if (seen.has(name)) return;
    seen.add(name);
    for (const { path: next, kind } of outputs[name]?.imports ?? []) if (kind === 'import-statement') visit(next);
  };
  for (const [name, { entryPoint }] of Object.entries(outputs)) if (entryPoint?.endsWith('/extension.ts')) visit(name);
  const sum = (names: Iterable<string>): string =>
    ([...names].reduce((total, name) => total + (sizes.get(name) ?? 0), 0) / 1000).toFixed(0);
  console.log(`extension: ${sum(seen)} kB at activation, ${sum(sizes.keys())} kB in all`);
}

/** The icon font of the editor's own look, beside the pages that use it. */
async function copyAssets(): Promise<void> {
  const icons = path.join(root, 'node_modules/@vscode/codicons/dist');
  await mkdir(path.join(dist, 'media'), { recursive: true });
  for (const name of ['codicon.css', 'codicon.ttf'])
    await copyFile(path.join(icons, name), path.join(dist, 'media', name));
}

/** A day in milliseconds. */
const day = 86_400_000;

/**
 * What an earlier build left. Files are replaced in place, and parts of the extension stay for a day, so that a running one
 * always finds its own; `--clean` keeps none.
 */
async function removeStale(current: ReadonlySet<string>, started: number): Promise<void> {
  for (const name of await readdir(dist)) {
    if (!/\.(cjs|mjs)$/.test(name) || current.has(name)) continue;
    const file = path.join(dist, name);
    const { mtimeMs } = await stat(file);
    const keep = name.startsWith('extension-') ? mtimeMs > started - (flags.has('--clean') ? 0 : day) : false;
    if (!keep) await rm(file);
  }
}

const placeOf = ({ from, to, options }: Entry): BuildOptions =>
  options.splitting
    ? { entryPoints: [{ in: from, out: path.parse(to).name }], outdir: dist }
    : { entryPoints: [from], outfile: path.join(dist, to) };

async function main(): Promise<void> {
  const started = performance.now();
  const at = Date.now();
  const present: Entry[] = [];
  for (const entry of entries) if (await exists(path.join(root, entry.from))) present.push(entry);
  const all = present.map((entry): BuildOptions => ({ ...entry.options, ...placeOf(entry) }));
  if (flags.has('--watch')) {
    for (const options of all) await (await context({ ...options, logLevel: 'info' })).watch();
    await copyAssets();
    return;
  }
  await Promise.all([...all.map(options => build(options)), copyAssets()]);
  await removeStale(new Set(present.map(({ to }) => to)), at);
  const cli = path.join(dist, 'cli.mjs');
  if (await exists(cli)) await chmod(cli, 0o755);
  for (const { to } of present) {
    const { size } = await stat(path.join(dist, to));
    console.log(`dist/${to}`.padEnd(28) + `${(size / 1000).toFixed(0)} kB`.padStart(10));
  }
  console.log(`built in ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

await main();
