/** Servers' models on the command line: nothing is sent to one that was not named there. */
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import type { KeyStore } from '../providers/keys.ts';
import { endpointProvider } from '../providers/openAiCompatible.ts';
import type { ModelProvider } from '../providers/registry.ts';

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
