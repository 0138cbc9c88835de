import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { HumanError } from '../../../src/base/errors.ts';
import { renderJinja } from '../../../src/core/prompts/jinja.ts';
import { Evaluator } from '../../../src/jobs/evaluatorProcess.ts';

const root = resolve(import.meta.dirname, '../../..');

describe('Evaluator', function () {
  this.slow(2000);
  let evaluator: Evaluator;
  let folder: string;
  before(() => {
    evaluator = new Evaluator({ root, timeLimit: 700, memoryLimit: 64, maxOutput: 10_000 });
    folder = mkdtempSync(join(tmpdir(), 'tunesmith-evaluator-'));
  });
  after(() => {
    evaluator.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  const render = (template: string, variables = {}) => evaluator.render({ format: 'jinja2', template, variables });

  it('renders, and matches patterns', async () => {
    assert.deepEqual(await render('a {{ x }}', { x: 1 }), [
      { kind: 'text', text: 'a ', start: 0 },
      { kind: 'value', text: '1', expression: 'x', start: 2, end: 9 },
    ]);
    assert.deepEqual(await evaluator.match('(\\d)(x)?', '', ['1 2', 'none'], 'last'), [
      { index: 2, text: '2', groups: ['2', null] },
      null,
    ]);
  });

  it('stops a pattern that does not end with one sentence, and goes on after it', async () => {
    await assert.rejects(evaluator.match('(a+)+$', '', ['a'.repeat(50) + '!']), (error: unknown) => {
      assert.ok(error instanceof HumanError);
      assert.equal(
        error.message,
        'The regular expression “(a+)+$” took longer than 0.7 s and was stopped. Simplify it.',
      );
      return true;
    });
    assert.equal((await evaluator.match('b', '', ['abc']))[0]?.index, 1);
  });

  it('refuses a pattern that is none', async () => {
    await assert.rejects(evaluator.match('(', '', ['a']), /This regular expression is not valid/);
  });

  const hostile: readonly [name: string, template: string, message: RegExp][] = [
    [
      'nested loops',
      '{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}{% endfor %}{% endfor %}{% endfor %}',
      /took longer|memory|does too much/,
    ],
    [
      'a text that doubles',
      '{% set n = namespace(s="aaaaaaaa") %}{% for a in range(99) %}{% set n.s = n.s ~ n.s %}{% endfor %}',
      /grows too large|memory/,
    ],
    ['a huge list', '{% for a in range(1000000000) %}{% endfor %}', /at most 100000 numbers/],
    ['deep nesting', '{{ ' + '('.repeat(50_000) + '1' + ')'.repeat(50_000) + ' }}', /nested too deeply/],
    ['much output', '{% for a in range(9999) %}xx{% endfor %}', /has 19998 characters; 10000 are allowed/],
    ['blanks before a tag', ' '.repeat(400_000) + '{', /took longer/],
  ];
  // On a busy machine the clock may come first: that is a stop as well.
  const slow = /took longer than 0\.7 s and was stopped/;
  for (const [name, template, message] of hostile) {
    it(`stops ${name}`, async () => {
      await assert.rejects(
        render(template),
        (error: unknown) => error instanceof HumanError && (message.test(error.message) || slow.test(error.message)),
      );
    });
  }

  it('answers calls made at once, each with its own result', async () => {
    const texts = await Promise.all(
      Array.from({ length: 50 }, async (_, i) => {
        if (i === 20) await assert.rejects(render('{{'), HumanError);
        return (await render('{{ x }}', { x: i })).map(piece => (piece.kind === 'role' ? '' : piece.text)).join('');
      }),
    );
    assert.deepEqual(
      texts,
      Array.from({ length: 50 }, (_, i) => String(i)),
    );
  });

  it('refuses the template of a batch that does not end, and renders the others', async () => {
    const bomb = `${' '.repeat(400_000)}{`;
    const [first, stopped, last] = await Promise.allSettled([render('a'), render(bomb), render('{{ x }}', { x: 1 })]);
    assert.deepEqual([first.status, stopped.status, last.status], ['fulfilled', 'rejected', 'fulfilled']);
  });

  it('goes on after each call, whenever the next one comes', async () => {
    for (let i = 0; i < 20; i++) {
      const [piece] = await render('{{ x }}', { x: i });
      assert.ok(piece?.kind === 'value' && piece.text === String(i));
      if (i % 3 === 0) await new Promise(setImmediate);
    }
  });

  it('answers what was asked before and behind a call that is stopped', async () => {
    const bomb = evaluator.match('(a+)+$', '', [`${'a'.repeat(50)}!`]);
    const calls = await Promise.allSettled([
      evaluator.match('b', '', ['abc']),
      evaluator.match('(a+)+$', '', [`${'a'.repeat(50)}!`]),
      ...Array.from({ length: 5 }, (_, i) => evaluator.match('c', '', [`${'-'.repeat(i)}c`])),
    ]);
    await assert.rejects(bomb, slow);
    assert.deepEqual(
      calls.map(call => (call.status === 'fulfilled' ? call.value[0]?.index : 'stopped')),
      [1, 'stopped', 0, 1, 2, 3, 4],
    );
  });

  it('renders many more rows than one batch, each of them right, as without the process', async () => {
    const template = 'user:\n{% for x in list %}{{ x }},{% endfor %} {{ text | upper }}{{ nothing }}';
    const rowOf = (i: number) => ({
      list: Array.from({ length: i % 4 }, (_, j) => i + j),
      text: `é${i}\n`.repeat(i % 50),
    });
    const rendered = await Promise.all(Array.from({ length: 1500 }, (_, i) => render(template, rowOf(i))));
    for (const [i, pieces] of rendered.entries()) assert.deepEqual(pieces, renderJinja(template, rowOf(i)));
  });

  it('rejects what is not answered when it is disposed', async () => {
    const other = new Evaluator({ root });
    await other.warm();
    const calls = [other.match('b', '', ['abc']), other.render({ format: 'jinja2', template: 'a', variables: {} })];
    other.dispose();
    await Promise.all(calls.map(call => assert.rejects(call, /is closing/)));
  });

  it('speaks in the language that it is given', async () => {
    const other = new Evaluator({
      root,
      bundle: { 'This comment is not closed. Add “#}”.': 'Der Kommentar ist offen.' },
    });
    await assert.rejects(
      other.render({ format: 'jinja2', template: '{# a', variables: {} }),
      /Der Kommentar ist offen/,
    );
    other.dispose();
  });

  const code = (name: string, source: string): string => {
    const file = join(folder, name);
    writeFileSync(file, source);
    return file;
  };
  const rows = [{ prompt: 'p', answer: 'four' }];

  it('runs reward code only where code is allowed', async () => {
    const file = code('length.mjs', 'export const reward = ({ answer }) => answer.length;');
    await assert.rejects(evaluator.reward(file, rows, { allowCode: false }), /--allow-code/);
    assert.deepEqual(await evaluator.reward(file, rows, { allowCode: true }), [4]);
  });

  it('gives reward code no environment, no files, no processes', async () => {
    const file = code(
      'spy.mjs',
      `export async function reward() {
         let got = Object.keys(process.env).length;
         const attempt = async f => { try { await f(); got++; } catch {} };
         await attempt(async () => (await import('node:fs')).readFileSync('/etc/hosts'));
         await attempt(async () => (await import('node:fs')).writeFileSync(${JSON.stringify(join(folder, 'written'))}, ''));
         await attempt(async () => (await import('node:child_process')).spawnSync('true').error && Promise.reject());
         return got;
       }`,
    );
    assert.deepEqual(await evaluator.reward(file, rows, { allowCode: true }), [0]);
  });

  it('stops reward code that does not end and says what else is wrong', async () => {
    const endless = code('endless.mjs', 'export function reward() { for (;;); }');
    await assert.rejects(
      evaluator.reward(endless, rows, { allowCode: true, timeLimit: 300 }),
      /reward function took longer than 0.3 s/,
    );
    const nan = code('nan.mjs', 'export const reward = () => NaN;');
    await assert.rejects(evaluator.reward(nan, rows, { allowCode: true }), /finite number, not NaN/);
    const none = code('none.mjs', 'export const other = 1;');
    await assert.rejects(evaluator.reward(none, rows, { allowCode: true }), /export a function named “reward”/);
  });
});
