/** All runs of a template as lines of the timeline: when, which version, what changed, how it went, what was said of it. */
import { changesBetween } from '../../core/runs/changes.ts';
import {
  kindOf,
  type RunKind,
  type RunSpecification,
  readSpecification,
  templateOf,
} from '../../core/runs/runRecord.ts';
import type { RunSummary } from '../../protocol/playgroundRuns.ts';
import { readMarks } from '../../storage/cellMarks.ts';
import { type ListedRun, listRuns } from '../../storage/runList.ts';
import type { WorkspaceLayout } from '../../storage/workspaceLayout.ts';

/** Newest first. `path` is the template's, relative to the workspace folder. */
export async function timelineOf(
  layout: WorkspaceLayout,
  path: string,
  current: string | undefined,
): Promise<RunSummary[]> {
  const runs = await listRuns(
    layout,
    ({ specification }) => kindOf(specification) !== undefined && templateOf(specification) === path,
  );
  const marks = await Promise.all(runs.map(({ run }) => readMarks(layout, run.id)));
  const versions = new Map<string, number>();
  const lines: RunSummary[] = [];
  /** Of each kind, the last one so far. */
  const before = new Map<RunKind, RunSpecification>();
  // From the oldest on: versions are counted, and changes are against what was before.
  for (let i = runs.length - 1; i >= 0; i--) {
    const { run, state } = runs[i]!;
    const specification = readSpecification(run.specification);
    const hash = specification?.template.hash;
    if (hash !== undefined && !versions.has(hash)) versions.set(hash, versions.size + 1);
    const kind = kindOf(run.specification) ?? 'answers';
    const last = before.get(kind);
    lines.push({
      id: run.id,
      at: run.createdAt,
      by: specification?.by ?? 'playground',
      kind,
      status: state?.status ?? 'done',
      version: hash === undefined ? null : versions.get(hash)!,
      changes: last && specification ? changesBetween(last, specification) : [],
      models: specification?.models.map(({ label }) => label) ?? [],
      counts: countsOf(state),
      ...marks[i]!.run,
      current: run.id === current,
      resumable: isResumable(specification, state),
    });
    if (specification) before.set(kind, specification);
  }
  return lines.reverse();
}

/** Rows and examples that were not kept may still be those of now: that is seen when it is tried. */
function isResumable(specification: RunSpecification | undefined, state: ListedRun['state']): boolean {
  if (specification?.by !== 'playground' || kindOf(specification) !== 'answers' || !state) return false;
  return (state.status === 'interrupted' || state.status === 'stopped') && state.done < state.total;
}

function countsOf(state: ListedRun['state']): RunSummary['counts'] {
  if (!state) return null;
  const { total, done, failed, graded, right } = state;
  return { total, done, failed, graded, right };
}
