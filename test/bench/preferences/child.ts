/** One measurement of `bench:preferences`: opens the journal until the next item could be shown, or judges 2,000 items. */
import { PreferenceJournal } from '../../../src/storage/preferenceJournal.ts';
import { workspaceLayout } from '../../../src/storage/workspaceLayout.ts';

export interface Measured {
  readonly openMs: number;
  /** Of that, what the process computed: the rest it waited for the disk and for its turn. */
  readonly cpuMs: number;
  readonly peakMiB: number;
  readonly p50: number;
  readonly p99: number;
}

const [task, workspace] = process.argv.slice(2);
const author = 'someone new';
const started = performance.now();
const cpuBefore = process.cpuUsage();
const journal = await PreferenceJournal.open(workspaceLayout(workspace!), { author });
const { state } = journal;
const sets = state.progress(author);
const first = state.nextItem(author, sets[0]!.name);
if (!first || state.judgementCount < 1_000_000) throw new Error(`${state.judgementCount} judgements stand`);
const openMs = performance.now() - started;
const used = process.cpuUsage(cpuBefore);

const times: number[] = [];
if (task === 'judge') {
  let item = first;
  for (let i = 0; i < 2000; i++) {
    const shown = item.answers.map(({ id }) => id);
    const ranking = shown.map(id => [id]);
    const before = performance.now();
    await journal.addJudgement({ item: item.id, ranking, shown, verdict: 'ranked', flags: [], milliseconds: 1000 });
    times.push(performance.now() - before);
    const [last] = journal.state.ownJudgements(author, item.set);
    if (last?.item !== item.id) throw new Error('the judgement does not stand');
    item = journal.state.nextItem(author, item.set)!;
  }
}
times.sort((a, b) => a - b);
const at = (share: number): number => times[Math.ceil(share * times.length) - 1] ?? 0;
await journal.close();
const cpuMs = (used.user + used.system) / 1000;
const measured: Measured = {
  openMs,
  cpuMs,
  peakMiB: process.resourceUsage().maxRSS / 1024,
  p50: at(0.5),
  p99: at(0.99),
};
process.stdout.write(JSON.stringify(measured));
