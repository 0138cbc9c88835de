/** All formats of preference data by name, and which of them a row is of. */
import type { ExchangeFormat, JsonObject } from './exchange.ts';
import type { ExchangeFormatName } from './formatNames.ts';
import { flat, hh, kto, openai, trl, trlImplicit, trlStandard } from './pairFormats.ts';
import { arena, argilla, rankings, stiennon } from './rankingFormats.ts';

export const ExchangeFormats = {
  trl,
  'trl-standard': trlStandard,
  'trl-implicit': trlImplicit,
  kto,
  rankings,
  openai,
  hh,
  stiennon,
  argilla,
  arena,
  csv: flat,
  parquet: flat,
} as const satisfies Readonly<Record<ExchangeFormatName, ExchangeFormat>>;

/** The most particular first. */
const tried: readonly ExchangeFormatName[] = ['arena', 'argilla', 'stiennon', 'openai', 'rankings', 'kto', 'hh', 'trl'];

/** The format that a row of JSON Lines looks like. */
export const detectFormat = (row: JsonObject): ExchangeFormatName | undefined =>
  tried.find(name => ExchangeFormats[name].looksLike(row));
