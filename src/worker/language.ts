/** The language in which a child process speaks to people: the translations that whoever started it has. */
import { readFileSync } from 'node:fs';
import { l10n } from '../base/l10n.ts';

/** Takes the bundle that `TUNESMITH_L10N` names (`l10n/bundle.l10n.<locale>.json`); without one the English stands. */
export function useLanguageOfStarter(): void {
  const file = process.env.TUNESMITH_L10N;
  if (!file) return;
  try {
    const bundle = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string | { readonly message: string }>;
    const texts = Object.entries(bundle).map(([key, value]) => [
      key,
      typeof value === 'string' ? value : value.message,
    ]);
    l10n.config(Object.fromEntries(texts));
  } catch {
    // A sentence in English is better than none.
  }
}
