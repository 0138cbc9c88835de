/** What the user marked in a run (stars, pins, notes of cells; star and note of the run): `marks.json` beside its log. */
import { join } from 'node:path';
import * as v from 'valibot';
import { parseJson } from '../base/jsonLines.ts';
import { type Disk, nodeDisk, replaceJsonFile } from './fileSystem.ts';
import { readTextFile, type WorkspaceLayout } from './workspaceLayout.ts';

const MarksSchema = v.object({ starred: v.boolean(), pinned: v.boolean(), note: v.string() });
const RunMarksSchema = v.object({ starred: v.boolean(), note: v.string() });
const FileSchema = v.object({
  format: v.literal(1),
  marks: v.record(v.string(), MarksSchema),
  run: v.optional(RunMarksSchema),
});

/** By key of the cell, as in the run's log. */
export type CellMarks = v.InferOutput<typeof FileSchema>['marks'];
/** Of the run as a whole. */
export type RunMarks = v.InferOutput<typeof RunMarksSchema>;

export interface Marked {
  readonly marks: CellMarks;
  readonly run: RunMarks;
}

const fileOf = (layout: WorkspaceLayout, run: string): string => join(layout.runs, run, 'marks.json');

/** Empty where there are none or the file cannot be read: marks never stand in the way of the answers. */
export async function readMarks(layout: WorkspaceLayout, run: string): Promise<Marked> {
  const file = v.safeParse(FileSchema, parseJson((await readTextFile(fileOf(layout, run))) ?? ''));
  const { marks = {}, run: about = { starred: false, note: '' } } = file.success ? file.output : {};
  return { marks, run: about };
}

/** Replaces all marks of the run, whole or not at all. */
export async function writeMarks(
  layout: WorkspaceLayout,
  run: string,
  marked: Marked,
  disk: Disk = nodeDisk,
): Promise<void> {
  await replaceJsonFile(fileOf(layout, run), { format: 1, ...marked }, disk);
}
