/** Divides a template's rows into what is shown to the proposing model, what scores candidates, and what reports in the end. */
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import { Rng } from '../../base/rng.ts';
import type { DataRow } from '../datasets/rows.ts';
import type { Template } from '../prompts/template.ts';

export interface Splits {
  /** Shown to the proposing model as pairs of input and output. */
  readonly demonstrations: readonly DataRow[];
  /** Candidates are scored on its first rows. */
  readonly dev: readonly DataRow[];
  /** Seen by nobody before the report. */
  readonly heldOut: readonly DataRow[];
  /** Rows that were left out because their input stands in another row already. */
  readonly duplicates: number;
}

export interface SplitSizes {
  readonly dev?: number;
  readonly heldOut?: number;
}

/** Fewer rows than this cannot be divided in three. */
const fewestRows = 12;
const demonstrationShare = 0.2;
const mostDemonstrations = 50;

/**
 * Seeded and disjoint: of rows with equal inputs (letter case, white space and punctuation aside) one is kept, so that none can
 * stand on two sides. Without sizes: a fifth to show, at most 50; the rest in halves.
 */
export function splitRows(template: Template, rows: readonly DataRow[], seed: number, sizes: SplitSizes = {}): Splits {
  const { kept, duplicates } = withoutDuplicates(template, rows, new Set());
  if (kept.length < fewestRows) {
    throw new HumanError(
      l10n.t('A search needs at least {0} different rows; “{1}” has {2}.', fewestRows, template.name, kept.length),
      { place: { file: template.file } },
    );
  }
  const order = Rng.seeded(seed).stream('splits').shuffled(kept);
  const shown = Math.max(3, Math.min(mostDemonstrations, Math.floor(order.length * demonstrationShare)));
  const rest = order.length - shown;
  const heldOut = sizes.heldOut ?? rest - (sizes.dev ?? Math.floor(rest / 2));
  const dev = sizes.dev ?? rest - heldOut;
  if (dev < 3 || heldOut < 3 || dev + heldOut > rest) {
    throw new HumanError(
      l10n.t(
        'Of {0} different rows {1} are shown to the proposing model; {2} for scoring and {3} held out do not fit into the other {4}.',
        order.length,
        shown,
        dev,
        heldOut,
        rest,
      ),
      { place: { file: template.file } },
    );
  }
  return {
    demonstrations: order.slice(0, shown),
    dev: order.slice(shown, shown + dev),
    heldOut: order.slice(shown + dev, shown + dev + heldOut),
    duplicates,
  };
}

/** For splits that come from files of their own: what is held out is taken out of the others. */
export function withoutLeaks(template: Template, splits: Omit<Splits, 'duplicates'>): Splits {
  const seen = new Set<string>();
  const heldOut = withoutDuplicates(template, splits.heldOut, seen);
  const dev = withoutDuplicates(template, splits.dev, seen);
  const demonstrations = withoutDuplicates(template, splits.demonstrations, seen);
  return {
    demonstrations: demonstrations.kept,
    dev: dev.kept,
    heldOut: heldOut.kept,
    duplicates: heldOut.duplicates + dev.duplicates + demonstrations.duplicates,
  };
}

/** Rows of which none has the input of another one, or one in `seen`, letter case, white space and punctuation aside. */
export function withoutDuplicates(
  template: Template,
  rows: readonly DataRow[],
  seen: Set<string>,
): { kept: DataRow[]; duplicates: number } {
  const kept = rows.filter(row => {
    const key = plain(inputText(template, row));
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
  return { kept, duplicates: rows.length - kept.length };
}

/** What a row asks, for a reader: the value of the only input that it fills, or one `name: value` a line. */
export function inputText(template: Template, row: DataRow): string {
  const names = template.inputs.map(({ name }) => name).filter(name => name in row.values);
  const fields =
    names.length > 0 ? names : Object.keys(row.values).filter(name => name !== template.tunesmith.expected);
  if (fields.length === 1) return textOf(row.values[fields[0]!]);
  return fields.map(name => `${name}: ${textOf(row.values[name])}`).join('\n');
}

/** The expected answer as one text; the first of several. */
export function expectedText(template: Template, row: DataRow): string {
  const value = row.values[template.tunesmith.expected ?? ''];
  const one = Array.isArray(value) ? value[0] : value;
  const text = textOf(one);
  return template.tunesmith.grade.rule === 'one-of' ? text.split('|')[0]! : text;
}

const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : value === undefined || value === null ? '' : JSON.stringify(value);

/** One letter case, letters and digits alone. */
export const plain = (text: string): string =>
  text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
