/** The editor's translations in the form that `base/l10n.ts` takes. */
import * as vscode from 'vscode';

/** The translations for webviews and child processes; English needs none. */
export function l10nBundle(): Record<string, string> {
  const bundle = vscode.l10n.bundle ?? {};
  return Object.fromEntries(
    Object.entries(bundle).map(([key, value]) => [
      key,
      typeof value === 'string' ? value : (value as { message: string }).message,
    ]),
  );
}
