/** Supervised fine-tuning of every weight: a model of its own, which opens, answers, is exported and trained further like any other. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startOfEvents } from '../../../src/storage/jobFolder.ts';
import { openBaseModel } from '../../../src/worker/baseModel.ts';
import { tunesmith } from '../../fakes/commandLine.ts';
import { runHere, somePairs, TinyWorkspace } from '../../fakes/trainingJobs.ts';

describe('tuning of every weight', function () {
  this.timeout(60_000);
  let workspace: TinyWorkspace;
  before(async () => {
    workspace = await TinyWorkspace.make();
  });
  after(() => workspace.remove());

  const full = { tuning: 'full', heldOutShare: 0.3, evaluationRows: 4, maxNewTokens: 4 } as const;
  const folderOf = (name: string): string => join(workspace.layout.models, name);
  const bytesOf = (name: string): Buffer => readFileSync(join(folderOf(name), 'model.safetensors'));
  const weightsOf = async (base: string) => {
    const model = await openBaseModel({ base });
    const { weights } = await model.read();
    await model.close();
    return weights;
  };

  it('changes every weight, is better on held-out answers, and says what it was', async () => {
    const job = await workspace.sftJob('whole', somePairs, full);
    const result = (await runHere(job))!;
    assert.equal(result.adapter, folderOf('whole'));
    const { eval_loss_before: before, eval_loss: after } = result.metrics;
    assert.ok(after! < before!, `${after} < ${before}`);
    assert.ok(result.sft, 'held-out rows are answered before and after');
    const [base, tuned] = [await weightsOf(workspace.model), await weightsOf(result.adapter)];
    assert.deepEqual([...tuned.keys()].sort(), [...base.keys()].sort());
    for (const [name, values] of tuned) assert.notDeepEqual(values, base.get(name), name);
    const lineage = JSON.parse(readFileSync(join(result.adapter, 'tunesmith.json'), 'utf8'));
    assert.deepEqual([lineage.whole, lineage.kind, lineage.base.base], [true, 'policy', workspace.model]);
    const [estimate] = (await job.eventsSince(startOfEvents)).events.filter(({ type }) => type === 'estimate');
    assert.ok(estimate?.type === 'estimate' && estimate.memory > 0);
  });

  it('goes on to the same bytes wherever it was stopped: before the first step, between two, and while it measures', async () => {
    const stops = [0, 2, 'end'] as const;
    for (const stopAt of stops) {
      const job = await workspace.sftJob(`halved-${stopAt}`, somePairs, full);
      assert.equal(await runHere(job, { stopAt }), undefined, `stops at ${stopAt}`);
      const result = (await runHere(job))!;
      assert.ok(bytesOf(`halved-${stopAt}`).equals(bytesOf('whole')), `stopped at ${stopAt}`);
      assert.deepEqual(
        result.metrics,
        JSON.parse(readFileSync(join(folderOf('whole'), 'tunesmith.json'), 'utf8')).metrics,
      );
    }
  });

  it('is listed, answers, is exported to the same weights, and is the base of an adapter', async () => {
    const run = (...argv: string[]) => tunesmith([...argv, '--workspace', workspace.root], { cwd: workspace.root });
    assert.match((await run('models', 'list')).stdout, /^whole +tuned from .*local:whole$/m);
    const to = join(workspace.root, 'exported');
    const exported = await run('models', 'export', 'whole', '--to', to);
    assert.equal(exported.code, 0, exported.stderr);
    const [own, copy] = [await weightsOf(folderOf('whole')), await weightsOf(to)];
    for (const [name, values] of own) assert.deepEqual(copy.get(name), values, name);

    const model = { id: 'local:whole', base: folderOf('whole') };
    const adapter = (await runHere(await workspace.sftJob('on-top', somePairs, {}, model)))!;
    const lineage = JSON.parse(readFileSync(join(adapter.adapter, 'tunesmith.json'), 'utf8'));
    assert.equal(lineage.base.id, 'local:whole');
    assert.match((await run('models', 'lineage')).stdout, /whole[\s\S]*└─ on-top/);
    writeFileSync(join(workspace.root, 'prompts.jsonl'), '{"prompt": "Question 1?"}\n');
    const asked = ['answers', 'sample', 'prompts.jsonl', '-m', 'whole', '-m', 'on-top', '--max-tokens', '8'];
    const answered = await run(...asked, '--temperature', '2');
    assert.equal(answered.code, 0, answered.stderr);
    assert.match(answered.stderr, /1 to rank in “prompts”/);
  });

  it('teaches the bundled model an answer that it gives to prompts it never saw', async () => {
    const base = fileURLToPath(new URL('../../../models/pebble', import.meta.url));
    const rows = ['dog', 'cat', 'boy', 'girl', 'bird', 'fish', 'cow', 'bee', 'fox', 'hen', 'duck', 'frog'].map(who => ({
      messages: [{ role: 'user', content: `What does the ${who} say?` }],
      completion: 'It says: good morning.',
    }));
    const settings = { ...full, epochs: 8, learningRate: 1e-3, batchSize: 4, maxNewTokens: 12 };
    const job = await workspace.sftJob('polite', rows, settings, { id: 'local:pebble', base });
    const { metrics, sft, samples } = (await runHere(job))!;
    assert.ok(metrics.eval_perplexity! < 1.5 && metrics.eval_perplexity_before! > 3, JSON.stringify(metrics));
    assert.equal(sft!.seen!.exactMatch.before.estimate, 0);
    assert.equal(sft!.seen!.exactMatch.after.estimate, 1, JSON.stringify(samples));
  });

  it('is refused with products in int8, which are for weights that stay', async () => {
    const job = await workspace.sftJob('refused', somePairs, { ...full, baseProducts: 'int8' });
    await assert.rejects(runHere(job), /weights that stay as they are/);
  });
});
