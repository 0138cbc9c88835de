import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { HumanError } from '../../../../src/base/errors.ts';
import { drawPrinciples, parseConstitution } from '../../../../src/core/constitution/constitution.ts';
import { principleRubrics } from '../../../../src/core/constitution/rubrics.ts';

const yaml = `name: calm
principles:
  - name: one
    critique: What is wrong?
    revision: Mend it.
    preference: The calmer one.
  - critique: Is it long?
    revision: Shorten it.
`;

function refused(text: string, line: number, words: RegExp): void {
  assert.throws(
    () => parseConstitution(text, 'c.yaml'),
    (error: unknown) => {
      assert.ok(error instanceof HumanError);
      assert.match(error.message, words);
      assert.deepEqual([error.place.file, error.place.line], ['c.yaml', line]);
      return true;
    },
    text,
  );
}

describe('a constitution', () => {
  it('has principles with their requests; a principle without a name is called by its number', () => {
    const { name, principles } = parseConstitution(yaml, 'folder/c.yaml');
    assert.equal(name, 'calm');
    assert.deepEqual(principles, [
      { name: 'one', critique: 'What is wrong?', revision: 'Mend it.', preference: 'The calmer one.' },
      { name: '2', critique: 'Is it long?', revision: 'Shorten it.' },
    ]);
    assert.equal(parseConstitution(yaml.replace('name: calm\n', ''), 'folder/c.yaml').name, 'c');
  });

  it('is refused with the line of the mistake', () => {
    refused('principles: []\n', 1, /no principles/);
    refused('name: x\n', 1, /no principles/);
    refused('name: x\nprinciples:\n', 2, /no principles/);
    refused('name: x\nprinciples: none\n', 2, /must be a list/);
    refused('- a\n', 1, /mapping/);
    refused(yaml.replace('    revision: Shorten it.\n', ''), 7, /Principle 2 needs a text in “revision”/);
    refused(yaml.replace('Shorten it.', '3'), 8, /Principle 2 needs a text in “revision”/);
    refused(yaml.replace('preference', 'prefer'), 6, /has no “prefer”/);
    refused(yaml.replace('  - critique: Is', '  - name: one\n    critique: Is'), 7, /two principles “one”/);
    refused('name: [x\n', 2, /broken/);
    refused(yaml.replace('calm', '[a]'), 1, /must be a text/);
  });

  it('draws principles by seed and prompt alone, each once before one comes again', () => {
    const principles = Array.from({ length: 4 }, (_, i) => ({ name: `${i}`, critique: 'c', revision: 'r' }));
    const names = (seed: number, what: string) => drawPrinciples(principles, seed, what).map(({ name }) => name);
    assert.deepEqual(names(1, 'a'), names(1, 'a'));
    assert.equal(new Set(names(1, 'a')).size, 4);
    const first = Array.from({ length: 400 }, (_, i) => names(0, `prompt ${i}`)[0]);
    // Each of the four is first about as often: 100 of 400, with standard deviation 8.7.
    for (const name of ['0', '1', '2', '3']) {
      const count = first.filter(other => other === name).length;
      assert.ok(Math.abs(count - 100) < 35, `${name}: ${count}`);
    }
    assert.notDeepEqual(
      first,
      Array.from({ length: 400 }, (_, i) => names(1, `prompt ${i}`)[0]),
    );
  });

  it('compares by principles that say what is better', () => {
    const rubricOf = principleRubrics(parseConstitution(yaml, 'c.yaml'), 0);
    const item = (id: string) => ({ id }) as Parameters<typeof rubricOf>[0];
    const rubrics = Array.from({ length: 20 }, (_, i) => rubricOf(item(`${i}`)));
    assert.ok(rubrics.every(({ text }) => text === 'The calmer one.'));
    assert.match(rubrics[0]!.version, /^calm\/one #[0-9a-f]{8}$/);
    const edited = principleRubrics(parseConstitution(yaml.replace('calmer', 'calmest'), 'c.yaml'), 0);
    assert.notEqual(edited(item('0')).version, rubrics[0]!.version);
    const silent = parseConstitution(yaml.replace(/ {4}preference.*\n/, ''), 'c.yaml');
    assert.throws(() => principleRubrics(silent, 0), /No principle of “calm” has a “preference”/);
  });

  it('comes as a sample that can be used', () => {
    const file = 'samples/constitutions/kind-replies.yaml';
    const { principles } = parseConstitution(readFileSync(file, 'utf8'), file);
    assert.ok(principles.length >= 3 && principles.every(({ preference }) => preference));
  });
});
