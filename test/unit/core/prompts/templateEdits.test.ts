import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parse } from 'yaml';
import { applyChange, changeOf } from '../../../../src/base/textChange.ts';
import { type FrontMatterValue, frontMatterRange, setFrontMatter } from '../../../../src/core/prompts/templateEdits.ts';

const set = (text: string, path: readonly string[], value: FrontMatterValue): string =>
  applyChange(text, changeOf(setFrontMatter(text, path, value)));

const sample = `---
name: maths   # kept
model:
  id: pebble
  options:
    temperature: 0.7 # how wild
    stopSequences:
      - a
      - b
template:
  format: {kind: jinja2}
metadata:
  tunesmith:
    examples: {bank: ./b.jsonl, shots: 4}
---
user:
{{ q }}
`;

const check = (path: readonly string[], value: FrontMatterValue, before: string, after: string): void => {
  it(`${path.join('.')} = ${JSON.stringify(value)}`, () => {
    const result = set(sample, path, value);
    assert.equal(result, sample.replace(before, after));
    const { start, end } = frontMatterRange(result)!;
    const read = path.reduce<unknown>(
      (node, key) => (node as Record<string, unknown>)?.[key],
      parse(result.slice(start, end)),
    );
    assert.deepEqual(read, value ?? undefined);
  });
};

describe('setFrontMatter', () => {
  check(['model', 'options', 'temperature'], 1, 'temperature: 0.7 #', 'temperature: 1 #');
  check(['model', 'options', 'seed'], 7, '      - b\n', '      - b\n    seed: 7\n');
  check(
    ['model', 'options', 'stopSequences'],
    ['\n\n', 'x'],
    'stopSequences:\n      - a\n      - b',
    'stopSequences: ["\\n\\n", x]',
  );
  check(['model', 'options', 'stopSequences'], null, '    stopSequences:\n      - a\n      - b\n', '');
  check(['metadata', 'tunesmith', 'examples', 'shots'], 2, 'shots: 4', 'shots: 2');
  check(['metadata', 'tunesmith', 'examples', 'selection'], 'random', 'shots: 4}', 'shots: 4, selection: random}');
  check(['metadata', 'tunesmith', 'examples', 'bank'], null, 'bank: ./b.jsonl, ', '');
  check(
    ['metadata', 'tunesmith', 'reasoning', 'strategy'],
    'direct',
    'shots: 4}\n',
    'shots: 4}\n    reasoning:\n      strategy: direct\n',
  );
  check(['inputs'], 'x', '---\nuser', 'inputs: x\n---\nuser');
  check(['name'], 'no: yes', 'maths ', '"no: yes" ');

  it('makes the front matter of a file that has none, also with Windows line ends', () => {
    assert.equal(
      set('user:\r\nhi\r\n', ['model', 'options', 'seed'], 3),
      '---\r\nmodel:\r\n  options:\r\n    seed: 3\r\n---\r\nuser:\r\nhi\r\n',
    );
    assert.equal(
      set('---\r\nname: a\r\n---\r\nuser:', ['description'], 'b'),
      '---\r\nname: a\r\ndescription: b\r\n---\r\nuser:',
    );
    assert.equal(set('---\n---\nuser:', ['name'], 'b'), '---\nname: b\n---\nuser:');
    assert.equal(set('---\nmodel:\n---\n', ['model', 'options', 'seed'], 1), '---\nmodel: {options: {seed: 1}}\n---\n');
  });

  it('refuses what would hide an error of the user', () => {
    assert.throws(() => set('---\na: [1\n---\n', ['b'], 1), { name: 'HumanError' });
    assert.throws(() => set('---\nmodel: pebble\n---\n', ['model', 'options', 'seed'], 1), { name: 'HumanError' });
  });

  it('reads back what was set, whatever else is there, and changes nothing else', () => {
    const value = fc.oneof(
      fc.integer(),
      fc.string(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.array(fc.string(), { maxLength: 3 }),
    );
    const path = fc.constantFrom<string[]>(
      ['model', 'options', 'temperature'],
      ['model', 'options', 'stopSequences'],
      ['model', 'new'],
      ['metadata', 'tunesmith', 'reasoning', 'strategy'],
      ['metadata', 'tunesmith', 'examples', 'seed'],
      ['template', 'format', 'kind'],
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(path, fc.option(value)), { maxLength: 6 }), steps => {
        let text = sample;
        for (const [keys, next] of steps) {
          text = set(text, keys, next);
          const { start, end } = frontMatterRange(text)!;
          const root = parse(text.slice(start, end)) as Record<string, unknown>;
          const read = keys.reduce<unknown>((node, key) => (node as Record<string, unknown> | undefined)?.[key], root);
          if (next === null) assert.equal(read, undefined);
          else assert.deepEqual(read, Object.is(next, -0) ? read : next);
          assert.ok(text.includes('name: maths   # kept\n'));
          assert.ok(text.endsWith('---\nuser:\n{{ q }}\n'));
        }
      }),
      { numRuns: 100 },
    );
  });

  /** Front matter as people write it; each part has keys of its own. */
  const parts = [
    'name: x   # kept 1',
    '# kept 2\n\n',
    'description: |  # kept 3\n  two\n\n  lines\n',
    'description: >-\n  folded # no comment\n  text',
    'tags:   [ a,   b ]\t# kept 4',
    'model:   # kept 5\n    id: "m" # kept 6\n    options:\n        temperature:   0.5\n        # kept 7\n',
    'model: {id: m, options: {temperature: 1, seed: 2}}',
    'model: { id: m,\n  options: { temperature: 1 } }',
    'model:\n  options: {}',
    'model:',
    'base: &anchor {k: 1, l: [2]}',
    'other: *anchor',
    'metadata:\n  tunesmith:\n    rows: ./r.jsonl\n  authors:\n  - a\n  - b',
    'metadata: {tunesmith: {rows: ./r.jsonl}}',
    "\"quoted key\": 'it''s'",
    'inputs:\n- name: q\n  kind: string\n- name: r',
  ];
  const keyOf = (part: string): string => /^["#\w ]+/.exec(part)![0];
  const frontMatter = fc
    .record({
      lines: fc.uniqueArray(fc.constantFrom(...parts), { maxLength: 7, selector: keyOf }),
      eol: fc.constantFrom('\n', '\r\n'),
      start: fc.constantFrom('', '\uFEFF', '\n  \n'),
      fence: fc.constantFrom('---', '---  ', '+++'),
      body: fc.constantFrom('', '\n', 'user:\n{{ q }}', 'user:\n---\nx: {#\n'),
    })
    .filter(
      ({ lines }) => !lines.some(line => line.includes('*anchor')) || lines.some(line => line.includes('&anchor')),
    )
    .map(({ lines, eol, start, fence, body }) => {
      const ordered = [...lines].sort((a, b) => Number(a.includes('*anchor')) - Number(b.includes('*anchor')));
      return (start + [fence, ...ordered, fence, body].join('\n')).replaceAll('\n', eol);
    });
  const plainOf = (text: string): Record<string, unknown> => {
    const { start, end } = frontMatterRange(text)!;
    return (parse(text.slice(start, end)) as Record<string, unknown> | null) ?? {};
  };
  const withValue = (root: unknown, [key, ...rest]: readonly string[], value: unknown): unknown => {
    const own = { ...(root as Record<string, unknown> | null | undefined) };
    if (rest.length > 0) own[key!] = withValue(own[key!], rest, value);
    else own[key!] = value;
    return own;
  };

  it('sets one value of whatever file, and every other byte and comment stays', () => {
    const path = fc.constantFrom<string[]>(
      ['name'],
      ['description'],
      ['model', 'id'],
      ['model', 'options', 'temperature'],
      ['model', 'options', 'topP'],
      ['metadata', 'tunesmith', 'rows'],
      ['metadata', 'tunesmith', 'examples', 'shots'],
      ['tags'],
      ['fresh', 'key'],
    );
    const value = fc.oneof(
      fc.integer(),
      fc.constantFrom<FrontMatterValue>('a: b', '# c', '', 'x\ny', true, ['p', 'q']),
    );
    fc.assert(
      fc.property(frontMatter, path, value, (text, keys, next) => {
        const after = set(text, keys, next);
        assert.deepEqual(plainOf(after), withValue(plainOf(text), keys, next), after);
        const [before, now] = [frontMatterRange(text)!, frontMatterRange(after)!];
        assert.equal(after.slice(0, now.start), text.slice(0, before.start));
        assert.equal(after.slice(now.end), text.slice(before.end));
        const replaced = keys[0] === 'description' ? ['kept 3'] : [];
        for (const [comment] of text.matchAll(/kept \d/g))
          if (!replaced.includes(comment)) assert.ok(after.includes(comment), `${comment} in ${after}`);
        if (!text.includes('\r')) assert.ok(!after.includes('\r'));
      }),
      { numRuns: 2000 },
    );
  });

  it('takes one value out of whatever file', () => {
    const path = fc.constantFrom<string[]>(
      ['name'],
      ['model', 'options', 'temperature'],
      ['metadata', 'tunesmith', 'rows'],
      ['tags'],
    );
    fc.assert(
      fc.property(frontMatter, path, (text, keys) => {
        const after = set(text, keys, null);
        const has = keys.reduce<unknown>(
          (node, key) => (node as Record<string, unknown> | null | undefined)?.[key],
          plainOf(text),
        );
        if (has === undefined) assert.equal(after, text);
        else
          assert.equal(
            keys.reduce<unknown>(
              (node, key) => (node as Record<string, unknown> | null | undefined)?.[key],
              plainOf(after),
            ),
            undefined,
          );
        const others = (root: Record<string, unknown>): unknown => ({ ...root, [keys[0]!]: 0 });
        assert.deepEqual(others(plainOf(after)), others(plainOf(text)));
        assert.equal(after.slice(frontMatterRange(after)!.end), text.slice(frontMatterRange(text)!.end));
      }),
      { numRuns: 1000 },
    );
  });
});
