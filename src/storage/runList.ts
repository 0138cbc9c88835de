/** What is known of a run without its log: how it stands (`state.json`), what was said of it (`marks.json`), and the list of all. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { parseJson } from '../base/jsonLines.ts';
import { type Disk, nodeDisk, replaceJsonFile } from './fileSystem.ts';
import { processFact, processStartedAt } from './processIdentity.ts';
import { type Run, readRunFile } from './runStore.ts';
import { readTextFile, type WorkspaceLayout } from './workspaceLayout.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));

const StateSchema = v.object({
  format: v.literal(1),
  status: v.picklist(['running', 'done', 'stopped']),
  /** Who runs it; when that process is gone, the run was interrupted. */
  process: v.optional(v.object({ pid: v.number(), startedAt: v.optional(v.string()) })),
  updatedAt: v.string(),
  /** Cells that were asked for, that have ended, and that ended without an answer. */
  total: count,
  done: count,
  failed: count,
  graded: count,
  right: count,
});
type StateFile = v.InferOutput<typeof StateSchema>;

export type RunCounts = Pick<StateFile, 'total' | 'done' | 'failed' | 'graded' | 'right'>;

export interface RunState extends RunCounts {
  /** `interrupted`: the process that ran it is gone without a last word. */
  readonly status: StateFile['status'] | 'interrupted';
  readonly updatedAt: string;
  /** This very process runs it. */
  readonly own: boolean;
}

export interface ListedRun {
  readonly run: Run;
  /** Undefined for runs of format 1. */
  readonly state: RunState | undefined;
}

const stateFile = (layout: WorkspaceLayout, id: string): string => join(layout.runs, id, 'state.json');

export async function writeRunState(
  layout: WorkspaceLayout,
  id: string,
  state: RunCounts & { readonly status: StateFile['status'] },
  disk: Disk = nodeDisk,
): Promise<void> {
  const { pid } = process;
  const owner = state.status === 'running' ? { process: { pid, startedAt: processStartedAt(pid) } } : {};
  await replaceJsonFile(
    stateFile(layout, id),
    { format: 1, ...state, ...owner, updatedAt: new Date().toISOString() },
    disk,
  );
}

export async function readRunState(layout: WorkspaceLayout, id: string): Promise<RunState | undefined> {
  const read = v.safeParse(StateSchema, parseJson((await readTextFile(stateFile(layout, id))) ?? ''));
  if (!read.success) return undefined;
  const { process: owner, format: _, ...state } = read.output;
  const own = owner?.pid === process.pid && processFact(owner.pid, owner.startedAt) !== 'gone';
  if (state.status !== 'running') return { ...state, own: false };
  const gone = processFact(owner?.pid, owner?.startedAt) === 'gone';
  return gone ? { ...state, status: 'interrupted', own: false } : { ...state, own };
}

/** Newest first; what is no run is passed over. */
export async function listRuns(
  layout: WorkspaceLayout,
  wanted: (run: Run) => boolean = () => true,
): Promise<ListedRun[]> {
  const names = await readdir(layout.runs).catch(() => [] as string[]);
  const runs: ListedRun[] = [];
  for (const name of names.sort().reverse()) {
    const run = await readRunFile(layout, name);
    if (run && wanted(run)) runs.push({ run, state: await readRunState(layout, name) });
  }
  // Names begin with the time, except those of searches.
  return runs.sort((a, b) => (a.run.createdAt < b.run.createdAt ? 1 : -1));
}
