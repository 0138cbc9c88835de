/** What was tuned from what, as a tree of names. */
import type { StoredModel } from './models.ts';

export interface LineageLine {
  /** Box-drawing characters that stand before the name. */
  readonly branch: string;
  /** Id of a base, or a model of the workspace. */
  readonly model: StoredModel | string;
}

/** Bases first, each with all that came of it, oldest first. What was tuned from a model that is gone hangs under its id. */
export function lineageTree(models: readonly StoredModel[]): LineageLine[] {
  const oldestFirst = [...models].sort((a, b) => a.lineage.createdAt.localeCompare(b.lineage.createdAt));
  const idOf = ({ name }: StoredModel): string => `local:${name}`;
  const known = new Set(models.map(idOf));
  const children = new Map<string, StoredModel[]>();
  for (const model of oldestFirst) {
    const base = model.lineage.base.id;
    children.set(base, [...(children.get(base) ?? []), model]);
  }
  const lines: LineageLine[] = [];
  const seen = new Set<StoredModel>();
  const hang = (id: string, indent: string): void => {
    const own = (children.get(id) ?? []).filter(model => !seen.has(model));
    for (const model of own) seen.add(model);
    for (const [index, model] of own.entries()) {
      const last = index === own.length - 1;
      lines.push({ branch: `${indent}${last ? '└─ ' : '├─ '}`, model });
      hang(idOf(model), `${indent}${last ? '   ' : '│  '}`);
    }
  };
  const root = (id: string): void => {
    lines.push({ branch: '', model: id });
    hang(id, '');
  };
  for (const id of [...children.keys()].filter(id => !known.has(id)).sort()) root(id);
  // Files that name each other in a ring come last, so that none is left out.
  for (const model of oldestFirst) if (!seen.has(model)) root(model.lineage.base.id);
  return lines;
}
