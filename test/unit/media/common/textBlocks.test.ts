import assert from 'node:assert/strict';
import { type Block, blocksOf, type Leaf } from '../../../../media/common/textBlocks.ts';
import { assertLinear } from '../../../fakes/growth.ts';

const leavesOf = (blocks: readonly Block[]): Leaf[] =>
  blocks.flatMap(block => {
    switch (block.kind) {
      case 'list':
        return block.items.flatMap(leavesOf);
      case 'quote':
        return leavesOf(block.blocks);
      case 'table':
        return block.rows.flat(2);
      case 'rule':
        return [];
      default:
        return [...block.leaves];
    }
  });
/** Blocks in short: `h1(Title)`, `ul[a|b]`, `"quoted"`. */
const short = (blocks: readonly Block[]): string =>
  blocks
    .map(block => {
      const text = (leaves: readonly Leaf[]) => leaves.map(leaf => leaf.text).join('');
      switch (block.kind) {
        case 'text':
          return text(block.leaves);
        case 'heading':
          return `h${block.level}(${text(block.leaves)})`;
        case 'code':
          return `code(${text(block.leaves)})`;
        case 'list':
          return `${block.ordered ? `ol${block.start}` : 'ul'}[${block.items.map(short).join('|')}]`;
        case 'quote':
          return `"${short(block.blocks)}"`;
        case 'table':
          return `table(${block.rows.map(row => row.map(text).join(',')).join(';')})`;
        default:
          return '---';
      }
    })
    .join(' / ');

describe('blocks of a text', () => {
  const check = (text: string, expected: string) =>
    it(JSON.stringify(text), () => {
      const blocks = blocksOf(text);
      assert.equal(short(blocks), expected);
      // What is selected on the screen is that range of the text.
      for (const leaf of leavesOf(blocks))
        if (leaf.at !== undefined) assert.equal(text.slice(leaf.at, leaf.at + leaf.text.length), leaf.text);
    });

  check(
    '# Title\n\nOne\nline\n\n- a\n- b\n\n```js\nx - 1\n```\nend',
    'h1(Title) / One\nline / ul[a|b] / code(x - 1) / end',
  );
  check('3. c\n4) d', 'ol3[c|d]');
  check('- a\n  - b\n    more\n- c', 'ul[a / ul[b\nmore]|c]');
  check('1. a\n\n   second\n\n2. b\n\nafter', 'ol1[a / second|b] / after');
  check('- a\nlazy\n\nafter', 'ul[a\nlazy] / after');
  check('It began in\n1999. It ended.', 'It began in\n1999. It ended.');
  check('> one\n> - two\n\nthree', '"one / ul[two]" / three');
  check('| a | b |\n|---|:-:|\n| 1 | `2` |\n\nend', 'table(a,b;1,2) / end');
  check('a | b\n---|---\n1 | 2', 'table(a,b;1,2)');
  check('not | a table\nnext', 'not | a table\nnext');
  check('one\n\n***\n\ntwo', 'one / --- / two');
  check('```\na\n\n- b', 'code(a\n\n- b)');
  check('one\r\ntwo\r\n\r\n# t', 'one\ntwo / h1(t)');
  check('{"a":[1,{}],"b":"x, y"}', 'code({\n  "a": [\n    1,\n    {}\n  ],\n  "b": "x, y"\n})');
  check('[not json', '[not json');
  check('', '');

  it('loses no character of plain text', () => {
    for (const text of ['2 * 3 * 4 = 24', 'a_b_c', 'snake*case*x', '![x](https://e.com/a.png)', '<img src=x>', '**'])
      assert.equal(
        leavesOf(blocksOf(text))
          .map(leaf => leaf.text)
          .join(''),
        text,
      );
  });

  it('marks code, strong, emphasis and what is struck through', () => {
    assert.deepEqual(
      leavesOf(blocksOf('a `b*c*` **d** *e* ~~f~~.')).map(({ text, style }) => `${text}${style ? `:${style}` : ''}`),
      ['a ', 'b*c*:code', ' ', 'd:strong', ' ', 'e:em', ' ', 'f:strike', '.'],
    );
  });

  it('takes time in proportion to hostile text', async () => {
    for (const make of [
      (n: number) => `${'*'.repeat(n)}${'a *'.repeat(n)}${'`'.repeat(n + 1)}`,
      (n: number) => `${'#'.repeat(n)}\n# ${'x '.repeat(n)}\n${'- '.repeat(n)}`,
      (n: number) => '> '.repeat(n),
      (n: number) => `${'|'.repeat(n)}\n${'|-'.repeat(n)}\n${'~~a '.repeat(n)}`,
    ])
      await assertLinear(n => blocksOf(make(n)), 5000);
  });
});
