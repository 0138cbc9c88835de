/** Figures of charts in words: estimate, interval and count together. */
import type { ShownInterval } from '../../../src/protocol/preferenceFigures.ts';
import { figure } from '../words.ts';

const percents = (share: number): string => (100 * share).toFixed(0);

/** `61 % (57–65, n = 1 200)`. */
export const percentOf = ({ estimate, low, high, n }: ShownInterval): string =>
  estimate === null
    ? '–'
    : `${percents(estimate)} % (${percents(low ?? estimate)}–${percents(high ?? estimate)}, n = ${figure(n)})`;

export const percent = (share: number | null): string => (share === null ? '–' : `${percents(share)} %`);

/** With a true minus. */
export const decimal = (value: number | null, digits = 2): string =>
  value === null ? '–' : value.toFixed(digits).replace('-', '−');

/** `1 032 (1 011–1 054)`: points of a rating. */
export const points = ({ estimate, low, high }: ShownInterval): string =>
  estimate === null ? '–' : `${figure(estimate)} (${figure(low ?? estimate)}–${figure(high ?? estimate)})`;
