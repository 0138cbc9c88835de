import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readAdapter, writeAdapter } from '../../../src/worker/adapterFiles.ts';
import { openBaseModel } from '../../../src/worker/baseModel.ts';
import { openRewardScorer } from '../../../src/worker/rewardScorer.ts';
import { runHere, TinyWorkspace } from '../../fakes/trainingJobs.ts';

describe('adapters on disk', () => {
  let workspace: TinyWorkspace;
  let folder: string;
  before(async () => {
    workspace = await TinyWorkspace.make();
    folder = await mkdtemp(join(tmpdir(), 'tunesmith-adapters-'));
  });
  after(async () => {
    await workspace.remove();
    await rm(folder, { recursive: true, force: true });
  });

  it('the score head survives being saved: it is read back before the folder gets its name, and gives the same rewards', async () => {
    const { adapter } = (await runHere(await workspace.rewardJob('judge')))!;
    const unread = await openBaseModel({ base: workspace.model });
    const base = await unread.read();
    await unread.close();
    const { lora, parameters, lineage } = await readAdapter(adapter, base.config);
    const shapes = new Map([...parameters].map(([name, values]) => [name, [values.length]]));
    shapes.set('score.weight', [1, base.config.hiddenSize]);
    for (const [name, values] of parameters)
      if (name.includes('lora_A')) shapes.set(name, [lora.r, values.length / lora.r]);
      else if (name.includes('lora_B')) shapes.set(name, [values.length / lora.r, lora.r]);
    const trained = { lora, parameters, shapes, lineage: lineage! };
    const copy = join(folder, 'copy');
    await writeAdapter(copy, trained, base.config);
    const scores = async (path: string) => {
      const scorer = await openRewardScorer(base, path, 1);
      try {
        return await scorer.score([
          [1, 5, 6, 2],
          [1, 7, 2],
        ]);
      } finally {
        await scorer.dispose();
      }
    };
    assert.deepEqual(await scores(copy), await scores(adapter));

    // A head that no file can hold as it is (a value that float32 rounds) is noticed, and nothing is left behind.
    const head = Float64Array.from(parameters.get('score.weight')!, value => value + 1e-12) as unknown as Float32Array;
    await assert.rejects(
      writeAdapter(
        join(folder, 'bad'),
        { ...trained, parameters: new Map([...parameters, ['score.weight', head]]) },
        base.config,
      ),
      /score\.weight did not survive|cannot be/,
    );
    assert.deepEqual(await readdir(folder), ['copy']);
    // Without its head it is no reward model.
    const file = join(copy, 'adapter_model.safetensors');
    const bytes = await readFile(file, 'latin1');
    await writeFile(file, bytes.replace('model.score.weight', 'model.scare.weight'), 'latin1');
    await assert.rejects(scores(copy), { name: 'HumanError' });
  });
});
