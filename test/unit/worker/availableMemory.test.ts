import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { availableMemory } from '../../../src/worker/availableMemory.ts';

describe('available memory', () => {
  let root: string;
  beforeEach(async () => {
    root = `${await mkdtemp(join(tmpdir(), 'tunesmith-memory-'))}/`;
    await write('proc/meminfo', 'MemTotal:       8000000 kB\nMemFree: 1 kB\nMemAvailable:   4000000 kB\n');
  });
  afterEach(() => rm(root, { recursive: true }));

  async function write(path: string, text: string): Promise<void> {
    await mkdir(dirname(root + path), { recursive: true });
    await writeFile(root + path, text);
  }

  it('is what the kernel could give up, where nothing limits the process', async () => {
    assert.equal(availableMemory({}, root), 4000000 * 1024);
    await write('sys/fs/cgroup/memory.max', 'max\n');
    await write('sys/fs/cgroup/memory.current', '123\n');
    assert.equal(availableMemory({}, root), 4000000 * 1024);
  });

  it('is what the narrowest control group leaves; its page cache counts as free', async () => {
    await write('proc/self/cgroup', '0::/outer/inner\n');
    await write('sys/fs/cgroup/outer/memory.max', '2000\n');
    await write('sys/fs/cgroup/outer/memory.current', '1500\n');
    assert.equal(availableMemory({}, root), 500);
    await write('sys/fs/cgroup/outer/memory.stat', 'anon 1\nactive_file 100\ninactive_file 200\n');
    assert.equal(availableMemory({}, root), 800);
    await write('sys/fs/cgroup/outer/inner/memory.max', '1000\n');
    await write('sys/fs/cgroup/outer/inner/memory.current', '900\n');
    assert.equal(availableMemory({}, root), 100);
  });

  it('is what TUNESMITH_MEMORY_LIMIT says, less what the process has', () => {
    const set = (text: string) => availableMemory({ TUNESMITH_MEMORY_LIMIT: text }, root);
    const held = process.memoryUsage.rss();
    assert.ok(Math.abs(set('40GB') - (40e9 - held)) < 50e6);
    assert.ok(Math.abs(set('40000000000') - (40e9 - held)) < 50e6);
    assert.ok(set('1MB') < 0);
    assert.throws(() => set('much'), { name: 'HumanError', message: /TUNESMITH_MEMORY_LIMIT must be .*“much”/ });
  });
});
