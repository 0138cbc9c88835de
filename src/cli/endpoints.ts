/** Servers' models on the command line: keys come from the environment, each bound to its origin. */
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import { type KeyStore, originOf } from '../providers/keys.ts';
import { endpointProvider } from '../providers/openAiCompatible.ts';
import type { ModelProvider } from '../providers/registry.ts';

/** `TUNESMITH_KEYS`: `origin=key`, several with blanks between them. */
export function keysOf(environment: Readonly<Record<string, string | undefined>>): KeyStore {
  const keys = new Map<string, string>();
  for (const entry of (environment.TUNESMITH_KEYS ?? '').split(/\s+/).filter(Boolean)) {
    const at = entry.indexOf('=');
    if (at <= 0) throw new HumanError(l10n.t('TUNESMITH_KEYS must hold entries like https://api.example.com=key.'));
    keys.set(originOf(entry.slice(0, at)), entry.slice(at + 1));
  }
  const fixed = async (): Promise<never> => {
    throw new HumanError(l10n.t('Set the variable TUNESMITH_KEYS to change keys.'));
  };
  return { get: async origin => keys.get(origin), set: fixed, delete: fixed };
}

/** Models named `https://host/v1|model`. `allowed` are the origins that the person named on the command line. */
export function endpointModels(keys: KeyStore, allowed: () => ReadonlySet<string>): ModelProvider {
  return endpointProvider({
    endpoints: () => [],
    keys,
    approve: async origin => {
      if (allowed().has(origin)) return true;
      throw new HumanError(
        l10n.t('The template wants to send prompts to {0}. Pass --allow-endpoint {0} if you want that.', origin),
      );
    },
  });
}
