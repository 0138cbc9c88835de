import assert from 'node:assert/strict';
import { isHumanError } from '../../../../src/base/errors.ts';
import { noProject, parseRankingProject } from '../../../../src/core/preferences/rankingSettings.ts';

const file = '.tunesmith/ranking.yml';

describe('ranking settings', () => {
  it('have a default for everything', () => {
    const settings = noProject.of('any');
    assert.deepEqual(
      [settings.kind, settings.scale, settings.repeats, settings.reveal, settings.guidelines],
      ['ranking', { min: 1, max: 5, labels: {} }, 0, true, '.tunesmith/guidelines.md'],
    );
    assert.deepEqual(
      settings.flags.map(({ id }) => id),
      ['unsafe', 'wrong', 'off-topic'],
    );
    assert.deepEqual(parseRankingProject('# nothing\n', file).of('any'), settings);
  });

  it('hold for all sets, and one set may differ', () => {
    const project = parseRankingProject(
      `kind: pairwise
repeats: 0.05
flags: [invented-fact, {id: wrong, label: Wrong answer}]
scale: {min: 0, max: 3, labels: {0: Useless}}
sets:
  summaries:
    kind: rating
    flags: [too-long]
    guidelines: rubrics/summaries.md
`,
      file,
    );
    const [one, other] = [project.of('summaries'), project.of('constructor')];
    assert.deepEqual([one.kind, one.repeats, one.guidelines], ['rating', 0.05, 'rubrics/summaries.md']);
    assert.deepEqual(one.scale, { min: 0, max: 3, labels: { '0': 'Useless' } });
    assert.deepEqual(
      one.flags.map(({ id, label }) => `${id}: ${label}`),
      [
        'unsafe: Unsafe',
        'wrong: Wrong answer',
        'off-topic: Off topic',
        'invented-fact: Invented fact',
        'too-long: Too long',
      ],
    );
    assert.deepEqual([other.kind, other.flags.length, other.guidelines], ['pairwise', 4, '.tunesmith/guidelines.md']);
  });

  const check = (name: string, text: string, line: number, words: RegExp) =>
    it(`refuses ${name}`, () =>
      assert.throws(
        () => parseRankingProject(text, file),
        error => isHumanError(error) && error.place.line === line && words.test(error.message),
      ));
  it('say what comes next and how work is shared', () => {
    const { next, sharing } = noProject.of('s');
    assert.deepEqual([next, sharing], ['mixed', undefined]);
    const project = parseRankingProject(
      'next: coverage\noverlap: 2\nannotators: [Ada, Ben]\nsets: {t: {annotators: [], overlap: 3, next: random}}',
      file,
    );
    assert.deepEqual(
      ['s', 't'].map(set => [project.of(set).next, project.of(set).sharing]),
      [
        ['coverage', { overlap: 2, annotators: ['Ada', 'Ben'] }],
        ['random', { overlap: 3, annotators: [] }],
      ],
    );
    assert.deepEqual(parseRankingProject('annotators: [Ada]', file).of('s').sharing, {
      overlap: 1,
      annotators: ['Ada'],
    });
  });

  check('an unknown order', 'next: cleverest\n', 1, /mixed, uncertainty/);
  check('an overlap of nobody', 'overlap: 0\n', 1, /from 1 to 100/);
  check('broken YAML', 'kind: ranking\nflags: [a', 2, /broken/);
  check('an unknown kind', '# first\nkind: stars\n', 2, /ranking, pairwise/);
  check('an unknown key', 'kinds: ranking\n', 1, /“kinds” is no setting/);
  check('a scale of too many points', 'scale: {min: 0, max: 100}\n', 1, /at most 10 points/);
  check('a share of repeats above a half', 'repeats: 5\n', 1, /0 to 0.5/);
  check('a wrong setting of one set', 'sets:\n  a:\n    repeats: x\n', 3, /0 to 0.5/);
  check('flags that are no list', 'flags: unsafe\n', 1, /a list of names/);
  check(
    'a bomb of aliases',
    `a: &a [x]\nb: &b [${'*a,'.repeat(30)}]\nc: [${'*b,'.repeat(30)}]\n`,
    1,
    /nested too deeply/,
  );
});
