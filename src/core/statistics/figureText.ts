/** Shares and their intervals as people read them. */
import type { Interval } from './intervals.ts';

/** `60 %`, `−5 %`. */
export const percent = (share: number): string =>
  `${(share * 100).toFixed(0).replace(/^-0$/, '0').replace('-', '−')} %`;

export const range = ({ low, high }: Interval): string =>
  `${(low * 100).toFixed(0).replace(/^-0$/, '0').replace('-', '−')} … ${(high * 100).toFixed(0).replace(/^-0$/, '0').replace('-', '−')}`;
