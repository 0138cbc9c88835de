/** What changed between two runs: template, settings, data, models; and the texts that a diff of them shows. */
import { l10n } from '../../base/l10n.ts';
import { kindOf, type RunSpecification } from './runRecord.ts';

/** Short phrases, the most telling first; empty where both ran the same. */
export function changesBetween(before: RunSpecification, after: RunSpecification): string[] {
  const changes: string[] = [];
  if (before.template.hash !== after.template.hash) {
    const { added, removed } = lineChanges(before.template.text, after.template.text);
    changes.push(l10n.t('template +{0} −{1}', added, removed));
  }
  if (texts(before) !== texts(after)) changes.push(l10n.t('other template'));
  changes.push(...modelChanges(before, after));
  changes.push(...columnChanges(before, after));
  if (before.data?.hash !== after.data?.hash) changes.push(l10n.t('rows'));
  if (before.bank?.hash !== after.bank?.hash) changes.push(l10n.t('examples'));
  return changes;
}

const texts = ({ others }: RunSpecification): string => others.map(({ hash }) => hash).join();

function modelChanges(before: RunSpecification, after: RunSpecification): string[] {
  const [were, are] = [before, after].map(({ models }) => new Map(models.map(model => [model.id, model])));
  const changes = [
    ...[...are!.values()].filter(({ id }) => !were!.has(id)).map(({ label }) => `+ ${label}`),
    ...[...were!.values()].filter(({ id }) => !are!.has(id)).map(({ label }) => `− ${label}`),
  ];
  for (const { id, label, identity } of are!.values()) {
    const earlier = were!.get(id);
    if (earlier?.identity !== undefined && identity !== undefined && earlier.identity !== identity)
      changes.push(l10n.t('{0} itself', label));
  }
  return changes;
}

/** Sampling and strategy of the first column, and how many columns there are beside the models. */
function columnChanges(before: RunSpecification, after: RunSpecification): string[] {
  const [was, is] = [before.columns[0], after.columns[0]];
  const changes: string[] = [];
  if (was && is) {
    if (was.strategy !== is.strategy) changes.push(`${was.strategy} → ${is.strategy}`);
    for (const name of new Set([...Object.keys(was.sampling), ...Object.keys(is.sampling)])) {
      const [old, now] = [was.sampling[name], is.sampling[name]].map(shown);
      if (old !== now) changes.push(`${name} ${old} → ${now}`);
    }
  }
  const variants = ({ columns }: RunSpecification): string =>
    [...new Set(columns.map(({ id, model }) => id.slice(model.length)))].join();
  if (variants(before) !== variants(after)) changes.push(l10n.t('variants'));
  return changes;
}

const shown = (value: unknown): string =>
  value === undefined ? '–' : typeof value === 'string' ? value : JSON.stringify(value);

/** Lines that are only here and only there; a line that moved counts as neither. */
export function lineChanges(before: string, after: string): { added: number; removed: number } {
  const counts = new Map<string, number>();
  for (const line of before.split('\n')) counts.set(line, (counts.get(line) ?? 0) + 1);
  let added = 0;
  for (const line of after.split('\n')) {
    const left = counts.get(line) ?? 0;
    if (left > 0) counts.set(line, left - 1);
    else added++;
  }
  return { added, removed: [...counts.values()].reduce((sum, left) => sum + left, 0) };
}

/** All settings of a run as text, one a line in a fixed order, so that a line diff shows what differs. */
export function settingsText({
  by,
  tool,
  data,
  bank,
  inputs,
  models,
  columns,
  samples,
  others,
}: RunSpecification): string {
  const lines: string[] = [];
  const add = (depth: number, name: string, value: unknown): void => {
    if (value !== undefined && value !== null) lines.push(`${'  '.repeat(depth)}${name}: ${shown(value)}`);
  };
  add(0, 'by', by);
  add(0, 'tool', tool);
  add(0, 'samples', samples);
  for (const [name, file] of [
    ['data', data],
    ['bank', bank],
  ] as const) {
    if (!file) continue;
    lines.push(`${name}:`);
    add(1, 'file', file.file);
    add(1, 'rows', file.rows);
    add(1, 'sha256', file.hash);
  }
  if (inputs) {
    lines.push('inputs:');
    for (const [name, value] of Object.entries(inputs)) add(1, name, value);
  }
  lines.push('models:');
  for (const { id, label, identity } of models) {
    add(1, id, label);
    add(2, 'identity', identity);
  }
  lines.push('columns:');
  for (const { id, label, strategy, sampling, settings } of columns) {
    add(1, id, label);
    add(2, 'strategy', strategy);
    for (const [name, value] of Object.entries({ ...sampling, ...settings })) add(2, name, value);
  }
  for (const { file, hash } of others) add(0, `template ${file}`, hash);
  return `${lines.join('\n')}\n`;
}

/**
 * Whether cells of `after` may be added to the run `before`: the same texts and data, and no column that both have is asked in another
 * way. Columns that only one of them has do not count: a model can be added to a run.
 */
export function continues(before: RunSpecification, after: RunSpecification): boolean {
  if (kindOf(before) !== kindOf(after)) return false;
  // Which examples are passed over, and their orders, hang on these.
  if (before.sweep?.rows !== after.sweep?.rows || before.sweep?.seed !== after.sweep?.seed) return false;
  if (before.template.hash !== after.template.hash || before.template.file !== after.template.file) return false;
  if (before.data?.hash !== after.data?.hash || before.bank?.hash !== after.bank?.hash) return false;
  if (JSON.stringify(before.inputs ?? {}) !== JSON.stringify(after.inputs ?? {})) return false;
  const files = new Map(before.others.map(({ file, hash }) => [file, hash]));
  if (after.others.some(({ file, hash }) => files.has(file) && files.get(file) !== hash)) return false;
  const identities = new Map(before.models.map(({ id, identity }) => [id, identity]));
  if (after.models.some(({ id, identity }) => identities.has(id) && identities.get(id) !== identity)) return false;
  const columns = new Map(before.columns.map(column => [column.id, askedBy(column)]));
  return after.columns.every(column => !columns.has(column.id) || columns.get(column.id) === askedBy(column));
}

const askedBy = ({ strategy, sampling, settings }: RunSpecification['columns'][number]): string =>
  JSON.stringify([strategy, sampling, settings ?? {}]);

/** Both together: what `after` adds stands behind what `before` has. */
export function merged(before: RunSpecification, after: RunSpecification): RunSpecification {
  const union = <T>(first: readonly T[], second: readonly T[], id: (one: T) => string): T[] => {
    const known = new Set(first.map(id));
    return [...first, ...second.filter(one => !known.has(id(one)))];
  };
  return {
    ...after,
    others: union(before.others, after.others, ({ file }) => file),
    models: union(before.models, after.models, ({ id }) => id),
    columns: union(before.columns, after.columns, ({ id }) => id),
    samples: Math.max(before.samples, after.samples),
  };
}
