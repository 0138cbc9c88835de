/** Rules of rewards as people write them: on a command line, in a quick pick, in a file. */
import type { RuleReward } from './job.ts';

export type RuleOf<K extends RuleReward['rule']> = Extract<RuleReward, { rule: K }>;

/** `10-30` words: 1 inside, falling over half the range, but 5 words at least, outside. Undefined for what is no range. */
export function lengthRule(text: string): RuleOf<'length'> | undefined {
  const match = /^(\d{1,6})\s*[-–]\s*(\d{1,6})$/.exec(text.trim());
  const [min, max] = [Number(match?.[1]), Number(match?.[2])];
  if (!match || min > max || max === 0) return undefined;
  return { rule: 'length', min, max, slack: Math.max(5, Math.round((max - min) / 2)) };
}

/** What is wrong with a pattern. Only its syntax is looked at: it runs where it can be stopped. */
export function patternError(pattern: string): string | undefined {
  try {
    new RegExp(pattern);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** The rule of a JSON Schema's text, which came from `file`. Undefined for what is none: it must hold one JSON object. */
export function schemaRule(text: string, file: string): RuleOf<'json-schema'> | undefined {
  let schema: unknown;
  try {
    schema = JSON.parse(text);
  } catch {
    return undefined;
  }
  return typeof schema === 'boolean' || (typeof schema === 'object' && schema !== null && !Array.isArray(schema))
    ? { rule: 'json-schema', schema: schema as Record<string, unknown> | boolean, file }
    : undefined;
}
