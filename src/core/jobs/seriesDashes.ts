/** Curves of one chart are told apart by dashes as well, for whom colours do not tell: lengths of strokes and gaps, by a series' colour. */
export const seriesDashes = {
  proxy: [],
  gold: [8, 2],
  kl: [9, 3, 2, 3],
  loss: [6, 3],
  dim: [2, 3],
  'job-1': [],
  'job-2': [7, 3],
  'job-3': [2, 3],
  'job-4': [9, 3, 2, 3],
  'job-5': [4, 2],
  'job-6': [12, 4],
} as const satisfies Readonly<Record<string, readonly number[]>>;
