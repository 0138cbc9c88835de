/** What the page knows of the shot sweep: the curve as the host tells it, and what the person wants swept. */
import { l10n } from '../../src/base/l10n.ts';
import { noSweep, type SweepState, type SweepWanted } from '../../src/protocol/playgroundSweep.ts';

/** As it is written in the form. */
export interface SweepForm {
  readonly shots: string;
  readonly orders: number;
  /** Null: all. */
  readonly rows: number | null;
}

const first: SweepForm = { shots: '0, 1, 2, 4, 8', orders: 3, rows: null };

export class SweepModel {
  state: SweepState = noSweep;
  #form: SweepForm | undefined;

  /** What was written here, else what is shown, else the defaults. */
  get form(): SweepForm {
    if (this.#form) return this.#form;
    const { wanted } = this.state.shown ?? {};
    return wanted ? { shots: wanted.shots.join(', '), orders: wanted.orders, rows: wanted.rows } : first;
  }

  /** As it was saved; undefined where nothing was written. */
  get written(): SweepForm | undefined {
    return this.#form;
  }

  write(form: SweepForm | undefined): void {
    this.#form = form;
  }

  /** Why the form cannot be run. */
  get problem(): string | undefined {
    return shotsOf(this.form.shots)
      ? undefined
      : l10n.t('Numbers of examples are whole numbers from 0 to 1000, with commas between: 0, 1, 2, 4.');
  }

  get wanted(): SweepWanted | undefined {
    const { shots, orders, rows } = this.form;
    const numbers = shotsOf(shots);
    return numbers && { shots: numbers, orders, rows };
  }
}

/** `0, 1, 2`; undefined where it says something else. */
export function shotsOf(text: string): number[] | undefined {
  const words = text
    .split(/[\s,;]+/)
    .map(word => word.trim())
    .filter(Boolean);
  if (words.length === 0 || words.length > 50 || !words.every(word => /^\d{1,4}$/.test(word) && Number(word) <= 1000))
    return undefined;
  return [...new Set(words.map(Number))].sort((a, b) => a - b);
}
