import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isHumanError } from '../../../src/base/errors.ts';
import { packageRoot, workerEntry } from '../../../src/jobs/workerEntry.ts';

describe('workerEntry', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'tunesmith-entry-'));
    mkdirSync(join(root, 'dist'));
    mkdirSync(join(root, 'src/worker'), { recursive: true });
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('takes the bundle where there is no source', () => {
    writeFileSync(join(root, 'dist/jobMain.mjs'), '');
    const entry = workerEntry('jobMain', { root });
    assert.deepEqual(entry.args, [join(root, 'dist/jobMain.mjs')]);
    assert.equal(entry.execPath, process.execPath);
    assert.equal(entry.env['ELECTRON_RUN_AS_NODE'], '1');
  });

  it('takes the source where this runs from source, also beside a build', () => {
    writeFileSync(join(root, 'dist/jobMain.mjs'), '');
    writeFileSync(join(root, 'src/worker/jobMain.ts'), '');
    assert.equal(workerEntry('jobMain', { root }).file, join(root, 'src/worker/jobMain.ts'));
  });

  it('says what is missing', () => {
    assert.throws(() => workerEntry('inferenceMain', { root }), isHumanError);
    writeFileSync(join(root, 'dist/inferenceMain.mjs'), '');
    assert.throws(() => workerEntry('inferenceMain', { root, nodePath: join(root, 'no-node') }), /tunesmith\.nodePath/);
    assert.equal(workerEntry('inferenceMain', { root, nodePath: process.execPath }).execPath, process.execPath);
  });

  it('finds the package from a module in it', () => {
    writeFileSync(join(root, 'package.json'), '{}');
    assert.equal(packageRoot(pathToFileURL(join(root, 'dist/cli.mjs')).href), root);
    assert.equal(packageRoot(pathToFileURL(join(root, 'src/cli/main.ts')).href), root);
  });
});
