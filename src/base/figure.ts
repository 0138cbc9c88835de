/** Numbers as people read them. */

/** Two or three figures, with a minus sign that is one. */
export function figure(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toFixed(digits).replace('-', '−');
}

/** A share in whole per cent. */
export const percent = (share: number): number => Math.round(100 * share);
