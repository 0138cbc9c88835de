/** What people said of a job's answers, for its dashboard: found anew when there are judgements or answers that were not there. */
import { type Disposable, DisposableStore } from '../../base/disposable.ts';
import { type GoldPoint, goldCurve } from '../../core/jobs/humanGold.ts';
import type { JobEvent } from '../../core/jobs/job.ts';
import type { PreferenceJournal } from '../../storage/preferenceJournal.ts';

export class JudgedAnswers implements Disposable {
  readonly #job: string;
  readonly #journal: PreferenceJournal;
  readonly #store = new DisposableStore();
  #found: { readonly at: string; readonly curve: readonly GoldPoint[] } = { at: '', curve: [] };

  constructor(job: string, journal: PreferenceJournal, onChange: () => void) {
    this.#job = job;
    this.#journal = journal;
    this.#store.add(journal.onDidChange(onChange));
  }

  curve(events: readonly JobEvent[]): readonly GoldPoint[] {
    const { state } = this.#journal;
    const at = `${state.changes} ${events.filter(({ type }) => type === 'samples').length}`;
    if (this.#found.at !== at) this.#found = { at, curve: goldCurve(this.#job, events, state) };
    return this.#found.curve;
  }

  dispose(): void {
    this.#store.dispose();
  }
}
