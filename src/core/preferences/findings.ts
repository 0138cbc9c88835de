/** What a check of preference data can find, what mends it, and what of it keeps the data from being exported. */

export const FindingKinds = [
  'identical-answers',
  'duplicate-items',
  'near-duplicate-prompts',
  'contradictions',
  'cycles',
  'split-leaks',
  'secrets',
  'personal-data',
  'too-long',
  'length-outliers',
] as const;
export type FindingKind = (typeof FindingKinds)[number];

export interface Finding {
  readonly kind: FindingKind;
  /** Items that it is about; of duplicates the one to keep first. */
  readonly items: readonly string[];
  /** What was seen, shortened; of secrets only their kind. */
  readonly detail: string;
}

/** What can be mended by taking items down; a contradiction is for its annotator to decide. */
export const fixableFindings = [
  'identical-answers',
  'duplicate-items',
  'near-duplicate-prompts',
  'split-leaks',
  'secrets',
  'personal-data',
  'too-long',
  'length-outliers',
] as const satisfies readonly FindingKind[];
const keepsFirst: ReadonlySet<FindingKind> = new Set(['duplicate-items', 'near-duplicate-prompts', 'split-leaks']);

/** The items that go when a finding is mended: of those that are nearly the same all but the first. */
export const doomedItems = ({ kind, items }: Finding): readonly string[] => items.slice(keepsFirst.has(kind) ? 1 : 0);

/** What keeps data from being exported, and how often it was found: a prompt on both sides of a split, or a key. */
export interface Leak {
  readonly kind: 'split-leaks' | 'secrets';
  readonly count: number;
}

export function leakOf({
  counts,
}: {
  readonly counts: Readonly<Partial<Record<FindingKind, number>>>;
}): Leak | undefined {
  for (const kind of ['split-leaks', 'secrets'] as const) {
    const count = counts[kind] ?? 0;
    if (count > 0) return { kind, count };
  }
  return undefined;
}
