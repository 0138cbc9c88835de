/** What the models of one server share, whatever it speaks. */
import { Rng } from '../base/rng.ts';
import type { KeyStore } from './keys.ts';
import type { Fetch } from './nodeFetch.ts';

export interface EndpointModel {
  /** Without a slash at its end. */
  readonly baseUrl: string;
  readonly name: string;
  readonly endpoint?: { readonly headers?: Readonly<Record<string, string>>; readonly stream?: boolean };
  readonly quirks: Quirks;
  readonly keys: KeyStore;
  readonly fetch?: Fetch;
  /** Rejects when nothing may be sent. */
  readonly mayAsk: () => Promise<void>;
}

/** What was found out about an endpoint by asking it. */
export interface Quirks {
  /** Newer models of OpenAI refuse `max_tokens`, older servers know no other name. */
  limitName: 'max_tokens' | 'max_completion_tokens';
  /** Whether it streams. */
  stream: boolean;
}

/** Repeats differ, and the same repeat is asked for with the same number. */
export const seedOf = (seed: number, repeat: number): number => Rng.seeded(seed).stream(repeat).int(0x7fffffff);

/** Headers may choose who answers. */
export const endpointIdentity = (endpoint: EndpointModel['endpoint'], headers: object): string =>
  endpoint?.headers ? JSON.stringify(Object.entries(headers).sort()) : '';
