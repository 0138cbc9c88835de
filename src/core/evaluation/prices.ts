/** What answers cost, from prices that the person set. None is known by itself, and none is guessed. */
import * as v from 'valibot';
import type { Usage } from '../generation.ts';

const amount = v.pipe(v.number(), v.minValue(0));

/** US dollars for a million tokens. */
export const PriceSchema = v.object({ input: amount, output: amount });
export type Price = v.InferOutput<typeof PriceSchema>;

/** By the model's id (`https://api.example.com/v1|name`) or its name alone. */
export type Prices = Readonly<Record<string, Price>>;

/** Of a settings object that may hold anything; what is no price is passed over. */
export function pricesOf(value: unknown): Prices {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).flatMap(([model, price]) => {
      const parsed = v.safeParse(PriceSchema, price);
      return parsed.success ? [[model, parsed.output]] : [];
    }),
  );
}

/** Local models cost nothing; undefined for another one without a price. */
export function priceOf(
  prices: Prices,
  model: { readonly id: string; readonly kind: 'local' | 'endpoint' | 'editor' },
): Price | undefined {
  const { id, kind } = model;
  const own = Object.hasOwn(prices, id) ? prices[id] : undefined;
  const name = id.slice(id.indexOf('|') + 1);
  const named = Object.hasOwn(prices, name) ? prices[name] : undefined;
  return own ?? named ?? (kind === 'local' ? { input: 0, output: 0 } : undefined);
}

/** What a model's id says of where it runs. */
export const kindOfId = (id: string): 'local' | 'endpoint' | 'editor' =>
  /^https?:/i.test(id) ? 'endpoint' : id.startsWith('editor:') ? 'editor' : 'local';

/** US dollars; undefined where tokens or price are not known. */
export function costOf(usage: Usage | undefined, price: Price | undefined): number | undefined {
  if (!usage || !price) return undefined;
  return (usage.promptTokens * price.input + usage.completionTokens * price.output) / 1e6;
}
