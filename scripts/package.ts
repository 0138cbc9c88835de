/** Packs the built extension into dist/tunesmith.vsix for one platform: `node scripts/package.ts [--target linux-x64]`. */
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const root = path.dirname(import.meta.dirname);
const at = process.argv.indexOf('--target');
const target = at > 0 ? process.argv[at + 1]! : `${process.platform}-${process.arch}`;
export const vsix = path.join(root, 'dist', 'tunesmith.vsix');

const [platform, arch] = target.split('-');
const ignore = path.join(root, 'dist', '.vscodeignore');
const binaries = `!node_modules/onnxruntime-node/bin/napi-v6/${platform}/${arch}/**\n`;
writeFileSync(ignore, readFileSync(path.join(root, '.vscodeignore'), 'utf8') + binaries);

const done = spawnSync(
  process.execPath,
  [
    path.join(root, 'node_modules', '@vscode', 'vsce', 'vsce'),
    'package',
    '--target',
    target,
    '--out',
    vsix,
    '--skip-license',
    '--no-rewrite-relative-links',
    '--ignoreFile',
    ignore,
  ],
  { cwd: root, encoding: 'utf8', env: { ...process.env, VSCE_SKIP_PREPUBLISH: '1' } },
);
if (done.status !== 0) {
  process.stderr.write(`${done.stdout}\n${done.stderr}\n`);
  process.exit(1);
}
process.stderr.write(`${path.relative(root, vsix)}: ${(statSync(vsix).size / 2 ** 20).toFixed(1)} MB for ${target}\n`);
