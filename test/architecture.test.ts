import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { cruise, type IViolation } from 'dependency-cruiser';
import { filelessRooms, forbidden, panels, pureRooms, rooms } from './architecture.rules.ts';

const root = path.dirname(import.meta.dirname);

async function violations(baseDir: string): Promise<readonly IViolation[]> {
  const folders = ['src', 'media'].filter(folder => existsSync(path.join(baseDir, folder)));
  const result = await cruise(folders, {
    baseDir,
    validate: true,
    ruleSet: { forbidden },
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '\\.d\\.ts$' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.mjs', '.cjs'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'default'],
    },
  });
  assert.ok(typeof result.output !== 'string');
  return result.output.summary.violations;
}

describe('the house', function () {
  this.timeout(60_000);

  it('has every import run downward, and no cycle', async () => {
    const found = (await violations(root)).map(v => `${v.rule.name}: ${v.from} → ${v.to}`);
    assert.deepEqual([...new Set(found)].sort(), []);
  });

  it('has only rooms that the table knows', () => {
    const known = new Set(Object.keys(rooms));
    for (const entry of readdirSync(path.join(root, 'src'), { withFileTypes: true })) {
      assert.ok(
        entry.isDirectory() && known.has(entry.name),
        `src/${entry.name} is not in the table of architecture.rules.ts`,
      );
    }
    for (const entry of readdirSync(path.join(root, 'media'), { withFileTypes: true })) {
      if (entry.isDirectory())
        assert.ok(
          ['common', 'icons', ...panels].includes(entry.name),
          `media/${entry.name} is not a panel of the table`,
        );
    }
  });
});

describe('every rule of the house', function () {
  this.timeout(60_000);
  let fixture = '';
  const expected: { rule: string; from: string }[] = [];
  const files = new Map<string, string>();
  const violate = (rule: string, from: string, text: string) => {
    files.set(from, text);
    expected.push({ rule, from });
  };

  before(async () => {
    for (const room of Object.keys(rooms))
      files.set(`src/${room}/target.ts`, 'export const x = 1;\nexport type X = number;\n');
    for (const panel of [...panels, 'common']) files.set(`media/${panel}/target.ts`, 'export const x = 1;\n');
    for (const [room, allowed] of Object.entries(rooms)) {
      for (const other of Object.keys(rooms)) {
        if (other === room || allowed.includes(other)) continue;
        violate(
          `room-${room}`,
          `src/${room}/to-${other}.ts`,
          `import { x } from '../${other}/target.ts';\nexport const y = x;\n`,
        );
        violate(
          `room-${room}`,
          `src/${room}/type-of-${other}.ts`,
          `import type { X } from '../${other}/target.ts';\nexport type Y = X;\n`,
        );
      }
      violate(
        `room-${room}`,
        `src/${room}/to-media.ts`,
        `import { x } from '../../media/common/target.ts';\nexport const y = x;\n`,
      );
      if (room !== 'vscode')
        violate(
          'vscode-only-in-vscode',
          `src/${room}/editor.ts`,
          `import * as vscode from 'vscode';\nexport const y = vscode;\n`,
        );
      violate(
        'onnxruntime-only-in-session',
        `src/${room}/ort.ts`,
        `import * as ort from 'onnxruntime-node';\nexport const y = ort;\n`,
      );
    }
    for (const room of pureRooms) {
      violate(
        'pure-rooms-have-no-node',
        `src/${room}/files.ts`,
        `import { readFileSync } from 'node:fs';\nexport const y = readFileSync;\n`,
      );
    }
    for (const room of filelessRooms) {
      violate(
        'computing-rooms-touch-no-files-or-processes',
        `src/${room}/child.ts`,
        `import { fork } from 'node:child_process';\nexport const y = fork;\n`,
      );
    }
    for (const panel of panels) {
      violate(
        `panel-${panel}`,
        `media/${panel}/other.ts`,
        `import { x } from '../${panels.find(p => p !== panel)}/target.ts';\nexport const y = x;\n`,
      );
    }
    violate(
      'media-imports-only-contracts',
      'media/common/storage.ts',
      `import { x } from '../../src/storage/target.ts';\nexport const y = x;\n`,
    );
    violate(
      'media-takes-types-of-core-only',
      'media/common/core.ts',
      `import { x } from '../../src/core/target.ts';\nexport const y = x;\n`,
    );
    violate('media-has-no-node', 'media/common/node.ts', `import os from 'node:os';\nexport const y = os;\n`);
    violate('no-cycles', 'src/core/a.ts', `import { b } from './b.ts';\nexport const a = () => b;\n`);
    files.set('src/core/b.ts', `import { a } from './a.ts';\nexport const b = () => a;\n`);

    fixture = await mkdtemp(path.join(os.tmpdir(), 'tunesmith-house-'));
    for (const [file, text] of files) {
      await mkdir(path.dirname(path.join(fixture, file)), { recursive: true });
      await writeFile(path.join(fixture, file), text);
    }
    await symlink(path.join(root, 'node_modules'), path.join(fixture, 'node_modules'));
  });
  after(() => rm(fixture, { recursive: true, force: true }));

  it('fails on a deliberate violation', async () => {
    const found = await violations(fixture);
    const seen = new Set(found.map(v => `${v.rule.name} ${v.from}`));
    assert.deepEqual(
      expected.filter(e => !seen.has(`${e.rule} ${e.from}`)),
      [],
      'violations that no rule caught',
    );
    const caught = new Set(found.map(v => v.rule.name));
    assert.deepEqual(
      forbidden.map(rule => rule.name).filter(name => !caught.has(name!)),
      [],
      'rules that caught nothing',
    );
    const allowed = found.filter(v => v.from.endsWith('/target.ts'));
    assert.deepEqual(allowed, [], 'harmless files must pass');
  });
});

describe('the manifest', () => {
  it('has each command and setting of src/vscode, and no other', async () => {
    const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
    const { CommandIds } = await import('../src/vscode/commandIds.ts');
    const declared = (manifest.contributes.commands ?? []).map((command: { command: string }) => command.command);
    assert.deepEqual([...declared].sort(), Object.values<string>(CommandIds).sort());
  });
});
