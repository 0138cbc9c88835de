/** Records of runs: what is missing, what changed, what differs. */
import assert from 'node:assert/strict';
import { changesBetween, continues, lineChanges, merged, settingsText } from '../../../../src/core/runs/changes.ts';
import { groupCells, missingCells, stretches } from '../../../../src/core/runs/missing.ts';
import { diffOutputs, type OutputCell, pairColumns } from '../../../../src/core/runs/outputDiff.ts';
import {
  compactTokens,
  expandTokens,
  keptText,
  type RunSpecification,
  readSpecification,
  templateOf,
} from '../../../../src/core/runs/runRecord.ts';

const column = (id: string, sampling: Record<string, unknown> = { temperature: 0 }) => ({
  id,
  model: id.split('#')[0]!,
  modelLabel: id.split('#')[0]!,
  variant: 0,
  label: 'direct',
  detail: '',
  controlled: true,
  strategy: 'direct',
  sampling,
});
const specification = (patch: Partial<RunSpecification> = {}): RunSpecification => ({
  by: 'playground',
  tool: '0.1.0',
  template: { file: 'a.prompty', hash: 'h1', text: 'one\ntwo\n' },
  others: [],
  data: { file: 'rows.jsonl', hash: 'd1', rows: 3, kept: true },
  bank: null,
  models: [{ id: 'm', label: 'M' }],
  columns: [column('m#current')],
  samples: 1,
  ...patch,
});

describe('what is missing of a run', () => {
  it('counts each cell once and asks for the rest row by row', () => {
    const there = new Set(['a|0|0', 'b|1|0']);
    const asked = [
      { columns: ['a'], rows: [[0, 1]] as const, repeats: 1 },
      { columns: ['a', 'b'], rows: [[1, 2]] as const, repeats: [0] },
    ];
    assert.deepEqual(
      missingCells(asked, key => there.has(key)),
      { total: 5, keys: ['a|1|0', 'a|2|0', 'b|2|0'] },
    );
  });

  it('looks at no more than a matrix can have', () => {
    const { total } = missingCells([{ columns: ['a'], rows: [[0, 1e12]], repeats: 1 }], () => true);
    assert.ok(total <= 5_000_000);
  });

  it('writes rows as stretches and groups cells into matrices', () => {
    assert.deepEqual(stretches([0, 1, 2, 5, 7, 8]), [
      [0, 2],
      [5, 5],
      [7, 8],
    ]);
    assert.deepEqual(groupCells(['a#x|1|0', 'a#x|1|1', 'a#x|2|0', 'b|1|0', 'nonsense']), [
      { column: 'a#x', rows: [1], repeats: [0, 1] },
      { column: 'a#x', rows: [2], repeats: [0] },
      { column: 'b', rows: [1], repeats: [0] },
    ]);
  });
});

describe('what changed between two runs', () => {
  const check = (patch: Partial<RunSpecification>, phrases: string[]): void =>
    assert.deepEqual(changesBetween(specification(), specification(patch)), phrases);

  it('says it in short phrases', () => {
    check({}, []);
    check({ template: { file: 'a.prompty', hash: 'h2', text: 'one\nthree\nfour\n' } }, ['template +2 −1']);
    check({ columns: [column('m#current', { temperature: 1, seed: 3 })] }, ['temperature 0 → 1', 'seed – → 3']);
    check({ models: [{ id: 'n', label: 'N' }], columns: [column('n#current')] }, ['+ N', '− M']);
    check({ data: null }, ['rows']);
    check({ columns: [column('m#current'), column('m#zero-shot-cot')] }, ['variants']);
  });

  it('counts lines that are only on one side', () => {
    assert.deepEqual(lineChanges('a\nb\nb\nc', 'b\na\nd'), { added: 1, removed: 2 });
  });

  it('lets a model be added to a run, and nothing that the cells hang on be changed', () => {
    const two = specification({
      models: [{ id: 'n', label: 'N' }],
      columns: [column('n#current'), column('m#current')],
      samples: 4,
    });
    assert.equal(continues(specification(), two), true);
    assert.deepEqual(
      merged(specification(), two).columns.map(({ id }) => id),
      ['m#current', 'n#current'],
    );
    for (const patch of [
      { columns: [column('m#current', { temperature: 1 })] },
      { template: { file: 'a.prompty', hash: 'h2', text: '' } },
      { data: null },
      { inputs: { q: 1 } },
    ])
      assert.equal(continues(specification(), specification(patch)), false, JSON.stringify(patch));
  });

  it('writes settings one a line', () => {
    const text = settingsText(specification());
    assert.match(text, /^ {4}temperature: 0$/m);
    assert.match(text, /^ {2}sha256: d1$/m);
  });
});

describe('the diff of outputs', () => {
  const cell = (name: string, row: number, digest: string, right: boolean | null = null): OutputCell => ({
    column: name,
    row,
    repeat: 0,
    digest,
    right,
  });

  it('pairs columns by id, and those that are left in order', () => {
    assert.deepEqual(
      [...pairColumns(['a', 'b', 'c'], ['b', 'x', 'y', 'z'])],
      [
        ['b', 'b'],
        ['x', 'a'],
        ['y', 'c'],
      ],
    );
  });

  it('shows only what changed, and what that did to the grades', () => {
    const before = { columns: ['a'], cells: [cell('a', 0, '1', false), cell('a', 1, '2', true), cell('a', 3, '9')] };
    const after = { columns: ['a'], cells: [cell('a', 1, '2x', false), cell('a', 0, '1x', true), cell('a', 2, '5')] };
    const { changed, ...counts } = diffOutputs(before, after);
    assert.deepEqual(counts, { paired: 2, gained: 1, lost: 1 });
    assert.deepEqual(
      changed.map(pair => [pair.after.row, pair.before.digest, pair.after.digest]),
      [
        [0, '1', '1x'],
        [1, '2', '2x'],
      ],
    );
  });

  it('finds rows again that moved in the file', () => {
    const before = { columns: ['a'], cells: [cell('a', 0, 'x'), cell('a', 1, 'y')], rows: ['{"q":1}', '{"q":2}'] };
    const after = {
      columns: ['a'],
      cells: [cell('a', 0, 'new'), cell('a', 1, 'x'), cell('a', 2, 'z')],
      rows: ['{"q":0}', '{"q":1}', '{"q":2}'],
    };
    const { changed, paired } = diffOutputs(before, after);
    assert.equal(paired, 2);
    assert.deepEqual(
      changed.map(pair => [pair.before.row, pair.after.row]),
      [[1, 2]],
    );
  });
});

describe('the record of a run', () => {
  it('keeps token probabilities in little space and gives them back', () => {
    const tokens = [
      { text: ' a', logProb: -0.123456, alternatives: [{ text: ' b', logProb: -2 }] },
      { text: '.', logProb: -0.5, alternatives: [] },
    ];
    const compact = compactTokens(tokens);
    assert.deepEqual(JSON.stringify(compact), '[[" a",-0.1235," b",-2],[".",-0.5]]');
    assert.deepEqual(expandTokens(compact), [{ ...tokens[0]!, logProb: -0.1235 }, tokens[1]]);
  });

  it('leaves keys out of the text, and references in', () => {
    const reference = `$${'{env:K}'}`;
    const head = `---\nmodel:\n  connection:\n    apiKey: sk-123\n    api_key: ${reference}\n    "password": x1\n---\n`;
    const kept = keptText(`${head}password: is a word\n`);
    assert.ok(!kept.includes('sk-123') && !kept.includes('x1') && kept.includes(reference), kept);
    assert.ok(kept.endsWith('---\npassword: is a word\n'), kept);
  });

  it('knows the template of new and old runs', () => {
    assert.equal(templateOf(specification()), 'a.prompty');
    assert.equal(templateOf({ template: 'b.prompty' }), 'b.prompty');
    assert.equal(templateOf({ by: 'command line', file: 'c.prompty' }), 'c.prompty');
    assert.equal(templateOf(null), undefined);
    assert.equal(readSpecification({ template: 'b.prompty' }), undefined);
    assert.deepEqual(readSpecification(specification()), specification());
  });
});
