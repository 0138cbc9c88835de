/** The contract of the page that draws where models come from. */
import * as v from 'valibot';
import { LineageSchema } from '../core/lineagePicture.ts';
import type { Contract } from './rpc.ts';

export type { Lineage, LineageRow } from '../core/lineagePicture.ts';

/** What an empty page offers. */
export const LineageStarts = ['train-reward-model', 'tune-on-examples'] as const;

export const lineageContract = {
  toHost: {
    /** And the model whose row is looked for. */
    open: { params: v.object({}), result: v.object({ lineage: LineageSchema, model: v.nullable(v.string()) }) },
    openJob: { params: v.object({ job: v.string() }) },
    /** In the playground. */
    useModel: { params: v.object({ model: v.string() }) },
    start: { params: v.object({ what: v.picklist(LineageStarts) }) },
  },
  toWebview: {
    show: { params: LineageSchema },
    /** Goes to the row of this model. */
    focus: { params: v.object({ model: v.string() }) },
  },
} as const satisfies Contract;
