import assert from 'node:assert/strict';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readGuidelines, readRankingProject } from '../../../src/storage/rankingFiles.ts';
import { workspaceLayout } from '../../../src/storage/workspaceLayout.ts';
import { memoryFolder } from '../../fakes/storageScenario.ts';

describe('the files of how a project judges', () => {
  let root: string;
  beforeEach(() => {
    root = memoryFolder();
    mkdirSync(join(root, 'work', '.tunesmith'), { recursive: true });
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));
  const layout = () => workspaceLayout(join(root, 'work'));
  const write = (name: string, text: string) => writeFileSync(join(root, 'work', name), text);

  it('are not needed', async () => {
    const { project, problem } = await readRankingProject(layout());
    assert.deepEqual([project.of('s').kind, problem], ['ranking', undefined]);
    assert.equal(await readGuidelines(layout(), '.tunesmith/guidelines.md'), undefined);
  });

  it('say where they are broken, and count as none', async () => {
    write('.tunesmith/ranking.yml', 'kind: rating\nrepeats: many\n');
    const { project, problem } = await readRankingProject(layout());
    assert.equal(project.of('s').kind, 'ranking');
    assert.match(problem!.describe(), /^\.tunesmith\/ranking\.yml:2: “repeats”/);
  });

  it('have a version that is the text alone, whatever the line ends', async () => {
    write('a.md', 'one\ntwo\n');
    write('b.md', 'one\r\ntwo\r\n');
    const [a, b] = [await readGuidelines(layout(), 'a.md'), await readGuidelines(layout(), './b.md')];
    assert.deepEqual([a!.version, b!.path], [b!.version, 'b.md']);
    // By sha256sum.
    assert.equal(a!.version, 'c3f9c8c283a2');
    write('a.md', 'one\ntwo!\n');
    assert.notEqual((await readGuidelines(layout(), 'a.md'))!.version, b!.version);
  });

  it('lie inside of the workspace', async () => {
    writeFileSync(join(root, 'secret.md'), 'x');
    symlinkSync(join(root, 'secret.md'), join(root, 'work', 'link.md'));
    for (const path of ['../secret.md', join(root, 'secret.md'), 'link.md'])
      await assert.rejects(readGuidelines(layout(), path), /outside of the workspace/);
  });
});
