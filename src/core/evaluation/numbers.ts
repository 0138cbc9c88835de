/** Numbers as models write them: thousands separators, signs, fractions, percentages, powers of ten, LaTeX. */

/**
 * `1,234.5` `−7` `.5` `3/4` `2 1/2` `1.5e3`. Every alternative starts at a fixed kind of character and repeats only digits, so
 * that long texts cost linear time. A hyphen after a letter or a digit is no sign (`20-5`), slashes between three numbers are
 * a date, not a fraction.
 */
const digits = String.raw`(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)`;
const decimal = String.raw`(?:${digits}(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+(?![\w.]))?`;
const sign = String.raw`(?<![\w.)\]])[-−]?`;
const fraction = String.raw`(?<![\d/.,])(?:\d+ )?\d+\/\d+(?![\d/]|[.,]\d)`;
const pattern = new RegExp(`${sign}${fraction}|${sign}${decimal}|(?<=\\w|[)\\]])${digits}(?:\\.\\d+)?`, 'g');

const vulgar: Readonly<Record<string, string>> = {
  '½': '1/2',
  '⅓': '1/3',
  '⅔': '2/3',
  '¼': '1/4',
  '¾': '3/4',
  '⅕': '1/5',
  '⅖': '2/5',
  '⅗': '3/5',
  '⅘': '4/5',
  '⅙': '1/6',
  '⅛': '1/8',
  '⅜': '3/8',
  '⅝': '5/8',
  '⅞': '7/8',
};

/** The last number of a text as it can be parsed: without thousands separators, `−` as `-`, fractions as `3/4` or `2 1/2`. */
export function lastNumber(text: string): string | undefined {
  const last = [...plain(lastBox(text) ?? text).matchAll(pattern)].at(-1)?.[0];
  return last?.replaceAll(',', '').replace('−', '-');
}

/** What stands in the last `\boxed{…}` of a text, or undefined. */
export function lastBox(text: string): string | undefined {
  const start = text.lastIndexOf('\\boxed{');
  if (start === -1) return undefined;
  const from = start + '\\boxed{'.length;
  let depth = 1;
  for (let at = from; at < text.length; at++) {
    if (text[at] === '{') depth++;
    else if (text[at] === '}' && --depth === 0) return text.slice(from, at);
  }
  return undefined;
}

/** LaTeX and typography that numbers are dressed in, taken off. */
function plain(text: string): string {
  return text
    .replace(
      /(\d)?\\[dt]?frac\s?\{(\d+)\}\s?\{(\d+)\}/g,
      (_, whole: string | undefined, over: string, under: string) =>
        whole === undefined ? `${over}/${under}` : `${whole} ${over}/${under}`,
    )
    .replace(/(\d)?([½⅓⅔¼¾⅕⅖⅗⅘⅙⅛⅜⅝⅞])/g, (_, whole: string | undefined, sign: string) =>
      whole === undefined ? vulgar[sign]! : `${whole} ${vulgar[sign]!}`,
    )
    .replace(/(\d)(?:\{,\}|\\,|[\u2009\u202f\u00a0'’])(?=\d{3}(?!\d))/g, '$1,')
    .replace(/([-−+]?)\\?[$€£¥]\s?(?=[\d.])/g, ' $1');
}

/** The value of a number as `lastNumber` gives it; NaN where there is none. */
export function numberValue(text: string | undefined): number {
  if (text === undefined) return Number.NaN;
  const parts = /^(-?)(?:(\d+) )?(\d+)\/(\d+)$/.exec(text);
  if (!parts) return Number(text);
  const [, negative, whole = '0', over, under] = parts;
  const value = Number(whole) + Number(over) / Number(under);
  return negative ? -value : value;
}

/**
 * The number that a short answer gives: of `3 × 5 = 15` what follows the equals sign, of `15, not 12` what is not denied, else
 * its last. NaN where there is none.
 */
export function answeredNumber(answer: string): number {
  const kept = answer.replace(/[,;(]?\s*\b(?:not|rather than|instead of)\s+[^\s,;.)]*\d[\d,./]*/gi, '');
  return numberValue(lastNumber(kept) ?? lastNumber(answer));
}
