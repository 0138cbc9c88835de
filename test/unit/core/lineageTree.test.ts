import assert from 'node:assert/strict';
import { lineageTree } from '../../../src/core/lineageTree.ts';
import type { StoredModel } from '../../../src/core/models.ts';

const model = (name: string, base: string, day: number): StoredModel => ({
  name,
  path: `/models/${name}`,
  lineage: {
    format: 1,
    name,
    kind: 'policy',
    base: { id: base, base: '/base' },
    job: `job-${name}`,
    createdAt: `2026-01-0${day}T00:00:00Z`,
    dataSha256: '',
    metrics: {},
  },
});
const drawn = (models: readonly StoredModel[]): string[] =>
  lineageTree(models).map(({ branch, model: of }) => branch + (typeof of === 'string' ? of : of.name));

describe('lineage as a tree', () => {
  it('hangs models under what they were tuned from, oldest first', () => {
    assert.deepEqual(
      drawn([
        model('second', 'local:first', 3),
        model('judge', 'local:pebble', 2),
        model('first', 'local:pebble', 1),
        model('third', 'local:second', 4),
        model('other', 'local:gone', 1),
      ]),
      ['local:gone', '└─ other', 'local:pebble', '├─ first', '│  └─ second', '│     └─ third', '└─ judge'],
    );
    assert.deepEqual(drawn([]), []);
  });

  it('leaves out no model of a ring', () => {
    const names = drawn([model('a', 'local:b', 1), model('b', 'local:a', 2)]);
    assert.equal(names.filter(line => /─ [ab]$/.test(line)).length, 2, names.join());
  });
});
