/** Keys of services: each is bound to the origin that it was entered for, and goes nowhere else. */
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';

/** Keys by origin (`https://api.example.com`). The editor keeps them in its secret storage, the command line has the environment's. */
export interface KeyStore {
  get(origin: string): Promise<string | undefined>;
  set(origin: string, key: string): Promise<void>;
  delete(origin: string): Promise<void>;
}

/** The origin of an endpoint's address. Throws a HumanError for what is no http address, or has a password in it. */
export function originOf(address: string): string {
  let url: URL;
  try {
    url = new URL(address);
  } catch (cause) {
    throw new HumanError(l10n.t('“{0}” is not an address. It begins with https:// or http://.', address), { cause });
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new HumanError(
      l10n.t('“{0}” is not an address of a web service. It begins with https:// or http://.', address),
    );
  }
  if (url.username !== '' || url.password !== '') {
    throw new HumanError(
      l10n.t('The address of {0} holds a name or password. Take it out and enter it as a key.', url.host),
    );
  }
  return url.origin;
}

/** Whether the address is this computer's own. */
export function isLoopback(address: string): boolean {
  const { hostname } = new URL(address);
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(hostname)
  );
}

/** The header for a request to `address`, empty where no key was entered. Refuses to send a key that anyone on the way could read. */
export async function authorization(
  address: string,
  keys: KeyStore,
  headerOf = (key: string): Readonly<Record<string, string>> => ({ Authorization: `Bearer ${key}` }),
): Promise<Readonly<Record<string, string>>> {
  const origin = originOf(address);
  const key = (await keys.get(origin))?.trim();
  if (!key) return {};
  if (origin.startsWith('http:') && !isLoopback(address)) {
    throw new HumanError(
      l10n.t('The key for {0} would travel unencrypted, so nothing was sent. Use an https address.', origin),
    );
  }
  if (/[^\x21-\x7e]/.test(key)) {
    throw new HumanError(l10n.t('The key for {0} holds characters that no key has. Enter it again.', origin));
  }
  return headerOf(key);
}

/** A text without the key, for messages of servers that repeat it. */
export function withoutKey(text: string, headers: Readonly<Record<string, string>>): string {
  const key = headers['x-api-key'] ?? headers.Authorization?.slice('Bearer '.length);
  return key ? text.replaceAll(key, '•••') : text;
}

/**
 * Keys from the environment, for the command line: `TUNESMITH_KEYS` holds entries `origin=key` with blanks between them, and
 * services' own variables count for their own origin alone.
 */
export function environmentKeys(env: Readonly<Record<string, string | undefined>>): KeyStore {
  const keys = new Map<string, string>();
  const known: readonly [string, string][] = [
    ['OPENAI_API_KEY', 'https://api.openai.com'],
    ['OPENROUTER_API_KEY', 'https://openrouter.ai'],
    ['ANTHROPIC_API_KEY', 'https://api.anthropic.com'],
    ['MISTRAL_API_KEY', 'https://api.mistral.ai'],
    ['GROQ_API_KEY', 'https://api.groq.com'],
    ['HF_TOKEN', 'https://huggingface.co'],
  ];
  for (const [name, origin] of known) {
    const key = env[name];
    if (key) keys.set(origin, key);
  }
  for (const entry of (env.TUNESMITH_KEYS ?? '').split(/\s+/).filter(Boolean)) {
    const at = entry.indexOf('=');
    if (at <= 0) throw new HumanError(l10n.t('TUNESMITH_KEYS must hold entries like https://api.example.com=key.'));
    keys.set(originOf(entry.slice(0, at)), entry.slice(at + 1));
  }
  return memoryKeys(keys);
}

/** Keys that are gone with the process. */
export function memoryKeys(keys: Map<string, string> = new Map()): KeyStore {
  return {
    get: async origin => keys.get(origin),
    set: async (origin, key) => void keys.set(origin, key),
    delete: async origin => void keys.delete(origin),
  };
}
