/** Packs the built extension into dist/tunesmith.vsix for one platform: `node scripts/package.ts [--target linux-x64]`. */
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import path from 'node:path';

const root = path.dirname(import.meta.dirname);
const at = process.argv.indexOf('--target');
const target = at > 0 ? process.argv[at + 1]! : `${process.platform}-${process.arch}`;
export const vsix = path.join(root, 'dist', 'tunesmith.vsix');

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
  ],
  { cwd: root, encoding: 'utf8', env: { ...process.env, VSCE_SKIP_PREPUBLISH: '1' } },
);
if (done.status !== 0) {
  process.stderr.write(`${done.stdout}\n${done.stderr}\n`);
  process.exit(1);
}
process.stderr.write(`${path.relative(root, vsix)}: ${(statSync(vsix).size / 2 ** 20).toFixed(1)} MB for ${target}\n`);
