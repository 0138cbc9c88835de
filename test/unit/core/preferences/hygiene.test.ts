/** What a check finds, and what it leaves alone. */
import assert from 'node:assert/strict';
import { Hygiene, type HygieneOptions } from '../../../../src/core/preferences/hygiene.ts';
import type { ItemRecord, JudgementRecord } from '../../../../src/core/preferences/judgement.ts';
import { parseSplits, splitOf } from '../../../../src/core/preferences/splits.ts';

const item = (id: string, prompt: string, texts: readonly string[] = ['yes', 'no']): ItemRecord => ({
  format: 1,
  type: 'item',
  id,
  at: '2026-01-01T00:00:00Z',
  author: 'ada',
  set: 's',
  messages: [{ role: 'user', content: prompt }],
  answers: texts.map((text, i) => ({ id: `${i}`, text, model: 'm' })),
});
const judgement = (of: string, ranking: string[][], author = 'ada'): JudgementRecord => ({
  format: 1,
  type: 'judgement',
  id: `${of}-${author}`,
  at: '2026-01-02T00:00:00Z',
  author,
  item: of,
  ranking,
  shown: ranking.flat(),
  verdict: 'ranked',
  flags: [],
  milliseconds: 1,
});

const check = (items: readonly ItemRecord[], judgements: readonly JudgementRecord[] = [], options?: HygieneOptions) => {
  const hygiene = new Hygiene(options);
  for (const one of items) hygiene.addItem(one);
  for (const one of judgements)
    hygiene.addJudgement({ item: items.find(({ id }) => id === one.item)!, judgement: one });
  return hygiene.finish();
};
const found = (...input: Parameters<typeof check>) =>
  check(...input).findings.map(({ kind, items }) => `${kind} ${items.join(' ')}`);

describe('hygiene', () => {
  it('finds nothing in clean data', () => {
    const items = [
      item('a', 'What is the capital of France today?'),
      item('b', 'Name a river that flows through Vienna.'),
    ];
    assert.deepEqual(found(items, [judgement('a', [['0'], ['1']]), judgement('b', [['0', '1']])]), []);
  });

  it('finds equal answers and items that come twice, whatever their case and spaces', () => {
    assert.deepEqual(found([item('a', 'x', ['Yes. ', 'yes.', 'no'])]), ['identical-answers a']);
    assert.deepEqual(found([item('a', 'Why?'), item('b', 'why', ['No', ' yes'])]), ['duplicate-items a b']);
  });

  it('finds prompts that are nearly the same', () => {
    const [a, b] = [
      'Tell me how one repairs an old leaking kettle at home',
      'Please tell me how one repairs an old leaking kettle at home',
    ];
    assert.deepEqual(found([item('a', a), item('b', b, ['x', 'y'])]), ['near-duplicate-prompts a b']);
  });

  it('finds prompts that are nearly the same among more than can be compared each with each', () => {
    const letters = (i: number) => String(i).replace(/\d/g, digit => 'abcdefghij'[Number(digit)]!);
    const items = Array.from({ length: 20_050 }, (_, i) =>
      item(
        `i${i}`,
        `The ${letters(i)} asks for ${letters(7 * i)} of ${letters(11 * i)} and ${letters(13 * i)} in ${letters(17 * i)}`,
      ),
    );
    const near = (of: number, id: string) => item(id, `${items[of]!.messages[0]!.content} now`, ['x', 'y']);
    items.push(near(3, 'early'), near(20_040, 'late'));
    const byId = new Map(items.map(one => [one.id, one]));
    assert.equal(check(items).nearSkipped, true);
    const report = check(items, [], { itemById: byId });
    assert.equal(report.nearSkipped, false);
    const pairs = report.findings
      .filter(({ kind }) => kind === 'near-duplicate-prompts')
      .map(one => one.items.join(' '));
    assert.ok(pairs.includes('i3 early') && pairs.includes('i20040 late'), pairs.join());
  }).timeout(60_000);

  it('tells a prompt shared between splits from one inside a split', () => {
    const splits = parseSplits('train=1,test=1');
    const text = (i: number, more: string) =>
      `Number ${i}: tell me how one repairs an old leaking kettle at home${more}`;
    const items = Array.from({ length: 40 }, (_, i) => [
      item(`a${i}`, text(i, '')),
      item(`b${i}`, text(i, ' now'), ['x', 'y']),
    ]).flat();
    const report = check(items, [], { splits });
    const crossing = Array.from({ length: 40 }, (_, i) => i).filter(
      i => splitOf(items[2 * i]!.messages, splits).name !== splitOf(items[2 * i + 1]!.messages, splits).name,
    );
    assert.ok(crossing.length > 5 && crossing.length < 35);
    assert.equal(report.counts['split-leaks'], crossing.length);
    assert.equal(report.counts['near-duplicate-prompts'], 40 - crossing.length);
  });

  it('finds an annotator who said both ways, and leaves two who differ alone', () => {
    const items = [item('a', 'Why?'), item('b', 'Why?', ['no', 'yes', 'perhaps'])];
    const yes = judgement('a', [['0'], ['1']]);
    assert.deepEqual(found(items, [yes, judgement('b', [['0'], ['1']], 'bob')]), []);
    assert.deepEqual(found(items, [yes, judgement('b', [['0'], ['1']])]), ['contradictions a b']);
  });

  it('finds majorities that go round', () => {
    const items = [item('a', 'Q', ['x', 'y']), item('b', 'Q', ['y', 'z']), item('c', 'Q', ['z', 'x'])];
    const all = items.map(({ id }, i) => judgement(id, [['0'], ['1']], `person ${i}`));
    assert.deepEqual(
      check(items, all).findings.map(({ kind, items: places }) => [kind, [...places].sort().join()]),
      [['cycles', 'a,b,c']],
    );
    assert.deepEqual(found(items, all.slice(0, 2)), []);
  });

  it('finds keys and personal data by their form, and passes over what only looks alike', () => {
    const kinds = (text: string) => check([item('a', text)]).findings.map(({ detail }) => detail);
    assert.deepEqual(kinds('write to jane.doe@company.co.uk'), ['e-mail address']);
    assert.deepEqual(kinds('4111 1111 1111 1111'), ['payment card number']);
    assert.deepEqual(kinds('DE89 3704 0044 0532 0130 00'), ['IBAN']);
    assert.deepEqual(kinds('call +49 30 1234 5678'), ['phone number']);
    assert.deepEqual(kinds(`key AKIA${'ABCDEFGHIJKLMNOP'}`), ['AWS access key']);
    assert.deepEqual(kinds(`ghp_${'a1'.repeat(18)}`), ['GitHub token']);
    assert.deepEqual(kinds('-----BEGIN RSA PRIVATE KEY-----'), ['private key']);
    for (const clean of [
      'a@b',
      'ask me@example.com',
      '4111 1111 1111 1112',
      '0000 0000 0000 0000',
      '1 + 2 = 3',
      'DE00 3704 0044 0532 0130 00',
      'risk-free and sk-short',
    ])
      assert.deepEqual(kinds(clean), [], clean);
  });

  it('is quick on hostile texts', () => {
    const started = performance.now();
    for (const text of [
      '1 '.repeat(100_000),
      `${'a.'.repeat(50_000)}@`,
      'eyJ'.repeat(50_000),
      'AB12'.repeat(50_000),
      '+1 '.repeat(50_000),
    ])
      check([item('a', text)]);
    assert.ok(performance.now() - started < 5000, `${performance.now() - started} ms`);
  });

  it('counts items that are too long, and lengths', () => {
    const report = check([item('a', 'x'.repeat(400), ['y', 'z'.repeat(40)])], [], { maxTokens: 100 });
    assert.deepEqual(report.counts, { 'too-long': 1 });
    assert.deepEqual([report.lengths.prompts.longest, report.lengths.answers.mean], [400, 20.5]);
  });

  it('reads splits, and refuses what is none', () => {
    assert.deepEqual(parseSplits('a=3, b=1'), [
      { name: 'a', share: 0.75 },
      { name: 'b', share: 0.25 },
    ]);
    for (const bad of ['a', 'a=0', 'a=-1', '../a=1', 'a=1,a=2', ''])
      assert.throws(() => parseSplits(bad), /split/, bad);
    const where = (text: string) => splitOf([{ role: 'user', content: text }], parseSplits('a=1,b=1')).name;
    assert.equal(where('Hello  World!'), where('hello world'));
  });
});
