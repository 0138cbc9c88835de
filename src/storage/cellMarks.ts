/** What the user marked in a run (stars, pins, notes): `marks.json` beside its log of generations. */
import { join } from 'node:path';
import * as v from 'valibot';
import { parseJson } from '../base/jsonLines.ts';
import { type Disk, nodeDisk, replaceJsonFile } from './fileSystem.ts';
import { readTextFile, type WorkspaceLayout } from './workspaceLayout.ts';

const MarksSchema = v.object({ starred: v.boolean(), pinned: v.boolean(), note: v.string() });
const FileSchema = v.object({ format: v.literal(1), marks: v.record(v.string(), MarksSchema) });

/** By key of the cell, as in the run's log. */
export type CellMarks = v.InferOutput<typeof FileSchema>['marks'];

const fileOf = (layout: WorkspaceLayout, run: string): string => join(layout.runs, run, 'marks.json');

/** Empty where there are none or the file cannot be read: marks never stand in the way of the answers. */
export async function readMarks(layout: WorkspaceLayout, run: string): Promise<CellMarks> {
  const file = v.safeParse(FileSchema, parseJson((await readTextFile(fileOf(layout, run))) ?? ''));
  return file.success ? file.output.marks : {};
}

/** Replaces all marks of the run, whole or not at all. */
export async function writeMarks(
  layout: WorkspaceLayout,
  run: string,
  marks: CellMarks,
  disk: Disk = nodeDisk,
): Promise<void> {
  await replaceJsonFile(fileOf(layout, run), { format: 1, marks }, disk);
}
