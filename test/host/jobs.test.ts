import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { JobSummary } from '../../src/jobs/backend.ts';
import type { Services } from '../../src/vscode/services.ts';
import { JobsTree } from '../../src/vscode/views/jobsView.ts';
import { jobState, rewardJob, rlhfJob } from '../fakes/jobs.ts';

describe('the Jobs tree', () => {
  const tree = new JobsTree({} as Services);
  const job = (more: Partial<JobSummary>): JobSummary => ({
    id: 'j',
    name: 'polite-v1',
    kind: 'rlhf',
    status: 'running',
    specification: rlhfJob(),
    path: '/jobs/j',
    ...more,
  });
  const item = (more: Partial<JobSummary>) => tree.getTreeItem({ type: 'job', job: job(more) });

  it('says how far a running job is', () => {
    const shown = item({ state: jobState({ step: 118, secondsLeft: 360 }) });
    assert.equal(shown.label, 'polite-v1');
    assert.equal(shown.description, '118 of 200, 6 min');
    assert.equal(shown.contextValue, 'job-running-judgeable');
    assert.equal(shown.accessibilityInformation?.label, 'polite-v1, RLHF, RLOO, running, 118 of 200, 6 min');
  });

  it('says what came of one that is done', () => {
    const result = { format: 1 as const, adapter: '/a', seconds: 1, warnings: [], metrics: {} };
    const reward = item({
      status: 'succeeded',
      specification: rewardJob(),
      result: { ...result, metrics: { eval_accuracy: 0.74 } },
    });
    assert.equal(reward.description, '74 % held out');
    const metrics = { reward_before: 0.31, reward_after: 1.74 };
    assert.equal(item({ status: 'succeeded', result: { ...result, metrics } }).description, 'reward 0.31 → 1.74');
  });

  it('has the reason and the repair of a failure as rows', async () => {
    const failed = job({
      status: 'failed',
      state: jobState({ error: { message: 'The disk is full.', human: true } }),
    });
    const shown = tree.getTreeItem({ type: 'job', job: failed });
    assert.equal(shown.contextValue, 'job-deletable-resumable-judgeable');
    assert.equal(shown.collapsibleState, vscode.TreeItemCollapsibleState.Expanded);
    const rows = await tree.getChildren({ type: 'job', job: failed });
    const labels = rows.map(row => tree.getTreeItem(row).label);
    assert.deepEqual(labels, ['The disk is full.', 'Go on from the last checkpoint', 'Open the log']);
    assert.deepEqual(tree.getTreeItem(rows[1]!).command?.arguments, ['j']);
    assert.equal(tree.getParent(rows[1]!)?.type, 'job');
  });
});
