/** Keys, tokens and personal data in a text, by their form: what must not leave with a training file. */

export interface SensitivePart {
  readonly kind: 'secrets' | 'personal-data';
  /** What it is, never the thing itself. */
  readonly what: string;
}

interface Pattern extends SensitivePart {
  readonly pattern: RegExp;
  /** A check beyond the form. */
  readonly holds?: (text: string) => boolean;
  /** All of the thing, where the pattern is only its beginning. */
  readonly whole?: RegExp;
}

// No pattern has nested repetition, so that none is slow on any text.
const patterns: readonly Pattern[] = [
  {
    kind: 'secrets',
    what: 'private key',
    pattern: /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----/,
    whole: /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----[\s\S]*?(?:-----END (?:[A-Z]+ )?PRIVATE KEY-----|$)/,
  },
  { kind: 'secrets', what: 'AWS access key', pattern: /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/ },
  {
    kind: 'secrets',
    what: 'GitHub token',
    pattern: /\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{60,90})\b/,
  },
  { kind: 'secrets', what: 'API key', pattern: /\bsk-(?:proj-|ant-)?[A-Za-z0-9_-]{20,200}\b/ },
  { kind: 'secrets', what: 'Google API key', pattern: /\bAIza[0-9A-Za-z_-]{35}\b/ },
  { kind: 'secrets', what: 'Slack token', pattern: /\bxox[abprs]-[A-Za-z0-9-]{10,100}\b/ },
  { kind: 'secrets', what: 'Hugging Face token', pattern: /\bhf_[A-Za-z0-9]{30,50}\b/ },
  {
    kind: 'secrets',
    what: 'JSON web token',
    pattern: /\beyJ[A-Za-z0-9_-]{8,1000}\.eyJ[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{16,1000}/,
  },
  // Addresses of documentation are nobody's.
  {
    kind: 'personal-data',
    what: 'e-mail address',
    pattern: /\b[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,255}\.[A-Za-z]{2,24}\b/g,
    holds: text => !/@(?:[\w.-]+\.)?(?:example\.(?:com|org|net)|[\w.-]+\.(?:test|example|invalid))$/i.test(text),
  },
  {
    kind: 'personal-data',
    what: 'payment card number',
    pattern: /\b\d(?:[ -]?\d){12,18}\b/g,
    holds: text => isLuhn(text.replace(/\D/g, '')),
  },
  {
    kind: 'personal-data',
    what: 'IBAN',
    pattern: /\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b/g,
    holds: text => isIban(text.replace(/ /g, '')),
  },
  {
    kind: 'personal-data',
    what: 'phone number',
    pattern: /(?<![\w.])\+\d{1,3}[ .-]?\(?\d{1,4}\)?(?:[ .-]?\d{2,4}){2,4}(?![\w.]\d)/,
  },
];

/** Each kind of thing that the text holds, once. */
export function sensitiveParts(text: string): SensitivePart[] {
  return patterns.flatMap(({ kind, what, pattern, holds }) => {
    const found = holds ? (text.match(pattern) ?? []).some(holds) : pattern.test(text);
    return found ? [{ kind, what }] : [];
  });
}

/** The text with each such thing replaced by its kind in square brackets, so that `sensitiveParts` finds nothing more. */
export function redact(text: string): string {
  let left = text;
  // What stood beside a thing that went may look like one itself now.
  for (let before = ''; before !== left; ) {
    before = left;
    for (const { what, pattern, holds, whole } of patterns)
      left = left.replace(everywhere(whole ?? pattern), found => (!holds || holds(found) ? `[${what}]` : found));
  }
  return left;
}

const everywhere = (pattern: RegExp): RegExp =>
  pattern.global ? pattern : new RegExp(pattern.source, `${pattern.flags}g`);

function isLuhn(digits: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = Number(digits[digits.length - 1 - i]);
    sum += i % 2 === 0 ? digit : digit > 4 ? 2 * digit - 9 : 2 * digit;
  }
  return sum % 10 === 0 && !/^(\d)\1*$/.test(digits);
}

/** ISO 13616: the rearranged number is 1 modulo 97. */
function isIban(text: string): boolean {
  let rest = 0;
  for (const character of text.slice(4) + text.slice(0, 4)) {
    for (const digit of Number.parseInt(character, 36).toString()) rest = (rest * 10 + Number(digit)) % 97;
  }
  return rest === 1;
}
