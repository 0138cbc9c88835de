/**
 * Strings that a person reads, outside the extension host's own `vscode.l10n`.
 * The host gives children and webviews its bundle once, at their start; without one the English stands.
 */

type Values = readonly (string | number | boolean)[];
let bundle: Readonly<Record<string, string>> = {};

export const l10n = {
  /** Sets the translations, English → translated, as in `l10n/bundle.l10n.<locale>.json`. */
  config(contents: Readonly<Record<string, string>>): void {
    bundle = contents;
  },

  /** The translated message with `{0}`, `{1}` … replaced by the values. */
  t(message: string, ...values: Values): string {
    return (bundle[message] ?? message).replace(/\{(\d+)\}/g, (whole, index: string) => {
      const value = values[Number(index)];
      return value === undefined ? whole : String(value);
    });
  },
};
