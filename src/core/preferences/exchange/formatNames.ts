/** The names of the formats of preference data, apart from what reads and writes them. */
export const exchangeFormatNames = [
  'trl',
  'trl-standard',
  'trl-implicit',
  'kto',
  'rankings',
  'openai',
  'hh',
  'stiennon',
  'argilla',
  'arena',
  'csv',
  'parquet',
] as const;
export type ExchangeFormatName = (typeof exchangeFormatNames)[number];
