import assert from 'node:assert/strict';
import fc from 'fast-check';
import * as v from 'valibot';
import { renderJinja } from '../../../src/core/prompts/jinja.ts';
import { renderMustache } from '../../../src/core/prompts/mustache.ts';
import type { Piece } from '../../../src/core/prompts/pieces.ts';
import { PackedRenderSchema, Packer, unpacked } from '../../../src/protocol/renderedPieces.ts';

/** Rows as they arrive in the other process. */
function sent(rows: readonly (readonly Piece[])[]): Piece[][] {
  const packer = new Packer();
  const results = rows.map(pieces => packer.add(pieces));
  const message = JSON.parse(JSON.stringify({ packs: [packer.pack], results }));
  const { packs, results: received } = v.parse(PackedRenderSchema, message);
  return received.map(row => unpacked(packs[0]!, row as Parameters<typeof unpacked>[1]));
}

describe('renderedPieces', () => {
  const jinja = `system:
{% if a %}A {{ a }}{% else %}none{% endif %}
{% for x in list %}- {{ x }}{{ missing.deep }}
{% endfor %}
{% filter upper %}text of {{ b }}{% endfilter %}
user[name="Ann", id=7]:
{{ b }}{{ missing }}{{ a }}`;
  const mustache = 'developer:\n{{#list}}<{{.}}>{{/list}}\nuser:\n{{{a}}}{{missing}}';
  const values = fc.record({
    a: fc.string({ maxLength: 5 }),
    b: fc.string({ unit: 'grapheme' }),
    list: fc.array(fc.string()),
  });

  it('brings every row over as it was rendered', () => {
    fc.assert(
      fc.property(fc.array(values, { maxLength: 8 }), rows => {
        const rendered = rows.map(row => renderJinja(jinja, row));
        assert.deepEqual(sent(rendered), JSON.parse(JSON.stringify(rendered)));
        const plain = rows.map(row => renderMustache(mustache, row));
        assert.deepEqual(sent(plain), JSON.parse(JSON.stringify(plain)));
      }),
    );
  });

  it('brings over pieces of one place that differ', () => {
    const piece = fc.oneof(
      fc.record({
        kind: fc.constant('text' as const),
        text: fc.constantFrom('a', 'b', 'c'),
        start: fc.constantFrom(0, 1),
      }),
      fc.record({
        kind: fc.constant('value' as const),
        text: fc.constantFrom('', 'a'),
        expression: fc.constantFrom('x', 'y'),
        start: fc.constantFrom(0, 1),
        end: fc.constantFrom(2, 3),
      }),
      fc.record({
        kind: fc.constant('undefined' as const),
        text: fc.constant('' as const),
        expression: fc.constantFrom('x', 'y'),
        start: fc.constantFrom(0, 1),
        end: fc.constantFrom(2, 3),
      }),
    );
    fc.assert(
      fc.property(fc.array(fc.array(piece)), rows => assert.deepEqual(sent(rows), JSON.parse(JSON.stringify(rows)))),
    );
  });

  it('sends what rows share once', () => {
    const packer = new Packer();
    for (let i = 0; i < 100; i++)
      packer.add(renderJinja('user:\nThe order {{ n }} costs {{ p }}.', { n: i, p: 2 * i }));
    assert.deepEqual([packer.pack.pieces.length, packer.pack.layouts.length], [6, 1]);
  });

  it('refuses rows that do not fit', () => {
    const packer = new Packer();
    const row = packer.add(renderJinja('a {{ x }}', { x: 1 }));
    for (const wrong of [
      { ...row, layout: 1 },
      { ...row, texts: [] },
      { ...row, texts: ['1', '2'] },
    ])
      assert.throws(() => unpacked(packer.pack, wrong), /the evaluator gave/);
    assert.throws(() => unpacked({ ...packer.pack, layouts: [[7]] }, row), /no piece 7/);
    assert.equal(v.is(PackedRenderSchema, { packs: [packer.pack], results: [{ layout: 0, texts: [1] }] }), false);
  });
});
