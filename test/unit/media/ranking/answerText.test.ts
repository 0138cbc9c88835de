import assert from 'node:assert/strict';
import { blocksOf, inlinesOf } from '../../../../media/ranking/answerText.ts';

describe('answers as text', () => {
  it('splits paragraphs, lists, headings and code', () => {
    assert.deepEqual(blocksOf('# Title\n\nOne\nline\n\n- a\n- b\n3. c\n4) d\n\n```js\nx - 1\n```\nend'), [
      { kind: 'heading', text: 'Title' },
      { kind: 'text', text: 'One\nline' },
      { kind: 'list', ordered: false, start: 1, items: ['a', 'b'] },
      { kind: 'list', ordered: true, start: 3, items: ['c', 'd'] },
      { kind: 'code', text: 'x - 1' },
      { kind: 'text', text: 'end' },
    ]);
  });

  it('runs an unclosed fence to the end', () => {
    assert.deepEqual(blocksOf('```\na\n\n- b'), [{ kind: 'code', text: 'a\n\n- b' }]);
  });

  it('loses no character of plain text', () => {
    for (const text of [
      '2 * 3 * 4 = 24',
      'a_b_c',
      'snake*case*x',
      '![x](https://example.com/a.png)',
      '<img src=x>',
      '**',
    ]) {
      assert.equal(
        inlinesOf(text)
          .map(part => part.text)
          .join(''),
        text,
      );
    }
  });

  it('marks code, strong and emphasis', () => {
    assert.deepEqual(inlinesOf('a `b*c*` **d** *e*.'), [
      { kind: 'plain', text: 'a ' },
      { kind: 'code', text: 'b*c*' },
      { kind: 'plain', text: ' ' },
      { kind: 'strong', text: 'd' },
      { kind: 'plain', text: ' ' },
      { kind: 'em', text: 'e' },
      { kind: 'plain', text: '.' },
    ]);
  });

  it('stays fast on hostile text', () => {
    const started = performance.now();
    inlinesOf('*'.repeat(20000) + 'a *'.repeat(20000) + '`'.repeat(20001));
    blocksOf('#'.repeat(20000) + '\n' + `# ${'x '.repeat(20000)}\n` + '- '.repeat(20000));
    assert.ok(performance.now() - started < 1500);
  });
});
