import assert from 'node:assert/strict';
import { TextFrames } from '../../../src/providers/textFrames.ts';

/** What a provider would do with it: the text of a frame that says nothing else. */
const textOf = (value: unknown): string | undefined => {
  const frame = value as { a?: { text?: unknown }; more?: unknown } | undefined;
  return typeof frame?.a?.text === 'string' && frame.a.text !== '' && !frame.more ? frame.a.text : undefined;
};

/** All that is heard of a stream, and how many texts were asked for. */
function read(pieces: readonly string[], limit = 10_000): { heard: unknown[]; parsed: number } {
  const heard: unknown[] = [];
  let parsed = 0;
  const frames = new TextFrames({
    limit,
    textOf: value => {
      parsed++;
      return textOf(value);
    },
    onText: text => heard.push(text),
    onFrame: value => heard.push([value]),
    onTooLong: () => {
      throw new Error('too long');
    },
  });
  for (const piece of pieces) frames.feed(piece);
  return { heard, parsed };
}

const sse = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;
const says = (text: string, id = 1): string => sse({ id, a: { text }, b: 'text' });
/** Every text that a frame could be mistaken for. */
const texts = ['b', 'a', ':', ',', '"', '\\', 'é\n', '", "', '}}', 'text', '\u2028', ' —', '🎈', 'data: ', '\u007f'];
const chunks = (text: string, size: number): string[] =>
  Array.from({ length: Math.ceil(text.length / size) }, (_, i) => text.slice(i * size, (i + 1) * size));

describe('frames of one text', () => {
  for (const size of [1, 2, 7, 64, 10_000]) {
    it(`are heard as they would be parsed, in pieces of ${size}`, () => {
      const all = [...texts, ...texts.toReversed(), ...texts.flatMap(text => [text, text, 'x'])];
      const stream = [
        ...all.map(text => says(text)),
        sse({ a: { text: 'c' }, more: 1 }),
        says('d'),
        'data: [DONE]\n\n',
      ];
      const { heard } = read(chunks(stream.join(''), size));
      assert.deepEqual(heard, [...all, [{ a: { text: 'c' }, more: 1 }], 'd']);
    });
  }

  it('are not parsed one by one', () => {
    const { heard, parsed } = read([Array.from({ length: 500 }, (_, i) => says(`t${i}`)).join('')]);
    assert.equal(heard.length, 500);
    assert.ok(parsed < 10, `${parsed} frames were parsed`);
  });

  it('are parsed where each is of a shape of its own, without looking for it for ever', () => {
    const { heard, parsed } = read(Array.from({ length: 100 }, (_, i) => says('x', i)));
    assert.equal(heard.length, 100);
    assert.ok(parsed <= 100 + 2 * 8, `${parsed} frames were parsed`);
  });

  it('end lines as they like, and have comments, names and broken frames among them', () => {
    const windows = [says('a'), ': hello\n\n', says('b')].join('').replaceAll('\n', '\r\n');
    for (const size of [1, 5, 1000]) assert.deepEqual(read(chunks(windows, size)).heard, ['a', 'b']);
    const mixed = [says('a'), ': hello\n\n', `event: x\n${says('b')}`, 'data: {"a":\n\n', says('c'), says('d')];
    for (const size of [1, 5, 1000])
      assert.deepEqual(read(chunks(mixed.join(''), size)).heard, ['a', 'b', [undefined], 'c', 'd']);
    assert.deepEqual(read([`${says('a')}data: {"id":1,"a":{"text":"tab\there"},"b":"text"}\n\n`]).heard, [
      'a',
      [undefined],
    ]);
  });

  it('cannot be without an end', () => {
    assert.throws(() => read(Array.from({ length: 30 }, () => 'x'.repeat(1000))), /too long/);
    assert.throws(() => read([says('a'), `data: ${'x'.repeat(20_000)}`]), /too long/);
  });
});
