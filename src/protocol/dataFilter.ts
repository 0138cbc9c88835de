/** The filter of the data view, as messages carry it; core/preferences/browse/dataFilter.ts says what it means. */
import * as v from 'valibot';
import { Outcomes, Whose } from '../core/preferences/browse/dataFilter.ts';
import { JudgementKinds } from '../core/preferences/judgement.ts';

const list = <S extends v.GenericSchema>(of: S) => v.pipe(v.array(of), v.readonly());
const names = list(v.string());

export const DataFilterSchema = v.object({
  text: v.pipe(v.string(), v.maxLength(1000)),
  sets: names,
  models: names,
  splits: names,
  annotators: names,
  who: v.picklist(Whose),
  flags: names,
  kinds: list(v.picklist(JudgementKinds)),
  outcomes: list(v.picklist(Outcomes)),
  guidelines: names,
  from: v.nullable(v.number()),
  to: v.nullable(v.number()),
  disagreement: v.boolean(),
  repeats: v.boolean(),
  items: v.nullable(names),
});
export type DataFilter = v.InferOutput<typeof DataFilterSchema>;
