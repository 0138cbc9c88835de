import assert from 'node:assert/strict';
import { parseTemplate } from '../../../../src/core/prompts/promptyFile.ts';
import { emptySetup, type ModelChoice } from '../../../../src/protocol/playground.ts';
import { firstSetup, validSetup } from '../../../../src/vscode/panels/playgroundChoices.ts';

const choice = (id: string, label = id): ModelChoice => {
  return { id, label, detail: '', depth: 0, controlled: true, note: null };
};
const choices = [choice('local:pebble', 'pebble'), choice('local:big', 'big')];
const template = (front: string) => parseTemplate(`---\nname: n\n${front}\n---\nuser:\nx\n`, 'n.prompty');

describe('what a playground begins with', () => {
  it('is the model that the template names, else that of the settings, else the first there is', () => {
    const models = (front: string, setting: string, list = choices) =>
      firstSetup(template(front), list, setting).models;
    assert.deepEqual(models('model: {id: big}', 'pebble'), ['local:big']);
    assert.deepEqual(models('', 'big'), ['local:big']);
    assert.deepEqual(models('model: {id: gone}', 'big'), ['local:pebble']);
    assert.deepEqual(models('', 'pebble', []), ['pebble']);
  });

  it('takes several samples where nothing says what is right and answers differ', () => {
    const samples = (front: string) => firstSetup(template(front), choices, '').samples;
    assert.equal(samples('model: {options: {temperature: 1}}'), 4);
    assert.equal(samples('model: {options: {temperature: 0}}'), 1);
    assert.equal(
      samples('model: {options: {temperature: 1}}\nmetadata: {tunesmith: {rows: ./r.jsonl, expected: a}}'),
      1,
    );
  });
});

describe('a setup that is taken up again', () => {
  const first = () => ({ ...emptySetup, models: ['local:pebble'] });
  it('loses the models that are gone; one stays', () => {
    const models = (wanted: string[]) =>
      validSetup({ ...emptySetup, models: wanted }, choices, { rows: 3, first }).models;
    assert.deepEqual(models(['gone', 'local:big']), ['local:big']);
    assert.deepEqual(models(['gone']), ['local:pebble']);
  });

  it('stays within the rows, and has one or two variants', () => {
    const setup = validSetup({ ...emptySetup, row: 9, variants: [] }, choices, { rows: 3, first });
    assert.deepEqual([setup.row, setup.variants], [2, [{ kind: 'current' }]]);
    assert.equal(validSetup(emptySetup, choices, { rows: 0, first }).row, 0);
  });
});
