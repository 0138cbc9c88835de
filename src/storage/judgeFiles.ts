/** Where a judge's parts lie: the template that comes with Tunesmith, the project's guidelines as rubrics, its journal's folder. */

import type { JournalState } from '../core/preferences/journalState.ts';
import type { Judge } from '../core/preferences/judge.ts';
import type { ItemRecord } from '../core/preferences/judgement.ts';
import type { Rubric } from '../core/preferences/judgeRun.ts';
import { readGuidelines, readRankingProject } from './rankingFiles.ts';
import type { WorkspaceLayout } from './workspaceLayout.ts';

/** From the package's folder. */
export const builtInJudge = 'samples/judges/answer-judge.prompty';

/** The name of the folder below `preferences/` that has this judge's judgements and nothing else. */
export const judgeFolder = ({ judgedBy: { template, model } }: Judge): string =>
  `judge ${template} ${model.replace(/^.*[:/|\\]/, '')}`;

/** Of a folder below `preferences/`, by its name on the disk. */
export const isJudgeFolder = (name: string): boolean => name.startsWith('judge-');

/** The guidelines of each set of items, as they are now. Rejects with a HumanError for those that cannot be read. */
export async function rubrics(
  layout: WorkspaceLayout,
  { sets }: Pick<JournalState, 'sets'>,
  wanted: boolean,
): Promise<(item: Pick<ItemRecord, 'set'>) => Rubric | undefined> {
  const found = new Map<string, Rubric>();
  if (!wanted) return () => undefined;
  const { project, problem } = await readRankingProject(layout);
  if (problem) throw problem;
  for (const set of sets) {
    const guidelines = await readGuidelines(layout, project.of(set).guidelines);
    if (guidelines && guidelines.text.trim() !== '') found.set(set, guidelines);
  }
  return ({ set }) => found.get(set);
}
