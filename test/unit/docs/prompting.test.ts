import assert from 'node:assert/strict';
import { missingLine, type ShownCommand, shownCommands } from '../../fakes/consoleBlocks.ts';
import { describeGuide } from './guide.ts';

describeGuide('prompting.md', 60, ({ commands }) => {
  it('shows commands for every topic that it names', () => {
    const run = new Set(commands.map(({ argv }) => argv[2]));
    assert.deepEqual([...run].sort(), ['compare', 'run', 'score', 'search', 'sweep']);
  });
});

describe('the lines that a document shows', () => {
  const command = (output: string[], figures = false): ShownCommand => {
    return { line: 1, command: '', argv: [], output, figures, words: [] };
  };
  const check = (shown: string[], real: string, missing?: string, figures?: boolean) =>
    assert.equal(missingLine(command(shown, figures), [real, 'a remark\n']), missing);

  it('must be printed, in this order', () => {
    check(['one', 'two'], 'one\n\ntwo\n');
    check(['one', '…', 'three', 'a remark'], 'one\ntwo\nthree\n');
    check(['two', 'one'], 'one\ntwo\n', 'one');
    check(['one'], 'one more\n', 'one');
    check(['on… more'], 'one more\n');
    check(['6 rows'], '7 rows\n', '6 rows');
  });

  it('may differ in figures where it says so, but not by much and not in words', () => {
    check(['30/40  75 %  60 … 86  −1.50  ████·····'], '31/40  78 % 62 … 88 −1.52 █████····\n', undefined, true);
    check(['30/40'], '12/40\n', '30/40', true);
    check(['30 right'], '30 wrong\n', '30 right', true);
  });

  it('are found with their commands, quotes and all', () => {
    const text = 'x\n```console figures\n$ npx t --a="b c" \'d e\'\nout\n```\n```json\n$ no\n```\n```sh\nnpx t\n```\n';
    assert.deepEqual(
      shownCommands(text).map(({ argv, output, figures, line }) => [line, argv, output, figures]),
      [
        [3, ['npx', 't', '--a=b c', 'd e'], ['out'], true],
        [10, ['npx', 't'], [], false],
      ],
    );
  });
});
