/** One measurement of `bench:preferences`: what the data view waits for in a journal of a million judgements. */
import { DataDesk } from '../../../src/core/preferences/browse/dataDesk.ts';
import { type DataFilter, everything } from '../../../src/core/preferences/browse/dataFilter.ts';
import { newestFirst } from '../../../src/core/preferences/browse/selection.ts';
import { PreferenceJournal } from '../../../src/storage/preferenceJournal.ts';
import { workspaceLayout } from '../../../src/storage/workspaceLayout.ts';

export interface Browsed {
  readonly openMs: number;
  /** All items found, in order, with the counts of all menus. */
  readonly allMs: number;
  readonly menusMs: number;
  /** A hundred rows anywhere in the table, 95th percentile. */
  readonly pageMs: number;
  /** By annotator and tie; items on which annotators differ. */
  readonly filterMs: number;
  readonly disagreementMs: number;
  /** A text that one item has, read from every one; then one letter more. */
  readonly searchMs: number;
  readonly firstMs: number;
  readonly narrowMs: number;
  /** Longest stretch without a pause. */
  readonly longestMs: number;
  readonly peakMiB: number;
}

const [workspace] = process.argv.slice(2);
const since = (start: number): number => performance.now() - start;
const started = performance.now();
const journal = await PreferenceJournal.open(workspaceLayout(workspace!), { author: 'someone' });
const { state: opened } = journal;
if (opened.itemCount === 0) throw new Error('nothing was opened');
const openMs = since(started);

const desk = new DataDesk();
desk.setSplits('train=0.9,test=0.1');
let longestMs = 0;
async function find(filter: Partial<DataFilter>): Promise<{ ms: number; firstMs: number }> {
  desk.show({ ...everything, ...filter }, newestFirst);
  const start = performance.now();
  let firstMs = Number.NaN;
  let turn = performance.now();
  await desk.find(
    () => journal.state,
    () => {
      longestMs = Math.max(longestMs, since(turn));
      turn = performance.now();
      return undefined;
    },
    () => {
      if (Number.isNaN(firstMs) && desk.found > 0) firstMs = since(start);
    },
  );
  return { ms: since(start), firstMs };
}

const { ms: allMs } = await find({});
const menus = performance.now();
const { found } = desk.state();
const menusMs = since(menus);
if (found.judgements < 1_000_000) throw new Error(`${found.judgements} judgements were found`);
const pages: number[] = [];
for (let i = 0; i < 100; i++) {
  const start = performance.now();
  const { rows } = desk.rows(journal.state, Math.floor((found.items - 100) * (((i * 37) % 100) / 100)), 100);
  if (rows.length !== 100) throw new Error(`${rows.length} rows`);
  pages.push(since(start));
}
const { ms: filterMs } = await find({ annotators: ['annotator-3'], outcomes: ['tie'] });
const { ms: disagreementMs } = await find({ disagreement: true });
const [, sample] = journal.state.eachItem();
const rare = sample!.messages[0]!.content.slice(0, 60);
longestMs = 0;
const { ms: searchMs, firstMs } = await find({ text: rare });
if (desk.found < 1) throw new Error('the text was not found');
const { ms: narrowMs } = await find({ text: `${rare} ` });
await journal.close();
const measured: Browsed = {
  openMs,
  allMs,
  menusMs,
  pageMs: pages.sort((a, b) => a - b)[94]!,
  filterMs,
  disagreementMs,
  searchMs,
  firstMs,
  narrowMs,
  longestMs,
  peakMiB: process.resourceUsage().maxRSS / 1024,
};
process.stdout.write(JSON.stringify(measured));
