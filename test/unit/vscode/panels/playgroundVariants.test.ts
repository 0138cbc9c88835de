import assert from 'node:assert/strict';
import { expandAxes } from '../../../../src/core/evaluation/variants.ts';
import { parseTemplate } from '../../../../src/core/prompts/promptyFile.ts';
import { emptySetup, type Setup } from '../../../../src/protocol/playground.ts';
import type { LoadedTemplate } from '../../../../src/vscode/panels/loadedTemplate.ts';
import { namedChoices } from '../../../../src/vscode/panels/playgroundChoices.ts';
import { variantsOf } from '../../../../src/vscode/panels/playgroundVariants.ts';

const load = (axes: string): LoadedTemplate => {
  const template = parseTemplate(
    `---\nname: n\nmetadata: {tunesmith: {examples: {bank: ./b.jsonl, shots: 2}, axes: ${axes}}}\n---\nuser:\nx\n`,
    'n.prompty',
  );
  return { template, diagnostics: [], waiting: [] } as unknown as LoadedTemplate;
};
const choices = [{ id: 'local:pebble', label: 'pebble', detail: '', depth: 0, controlled: true, note: null }];
const columns = (axes: string, setup: Partial<Setup> = {}) =>
  variantsOf(load(axes), { ...emptySetup, ...setup }, new Map(), choices);

const check = (name: string, made: () => readonly unknown[], expected: readonly unknown[]): void => {
  it(name, () => assert.deepEqual(made(), expected));
};

describe('variants of the playground', () => {
  const axes = '{prefix: {none: "", "# code | x": "# Code"}, shots: [0, 3]}';
  check(
    'are those of `tunesmith compare`, in its order',
    () => columns(axes).map(({ label }) => label),
    expandAxes(load(axes).template).map(({ label }) => label),
  );
  check(
    'run their own templates, under keys without the signs of ids',
    () =>
      columns(axes).map(({ key, detail, loaded: { template } }) => [
        /[#|]/.test(key),
        detail,
        template.tunesmith.examples?.shots,
        template.wrap?.prefix,
      ]),
    [
      [false, '', 0, ''],
      [false, '', 3, ''],
      [false, '', 0, '# Code'],
      [false, '', 3, '# Code'],
    ],
  );
  check('can be left out', () => columns(axes, { axes: false }).map(({ key, detail }) => [key, detail]), [
    ['current', '2 shots'],
  ]);
  check(
    'stand beside a second strategy',
    () =>
      columns('{temperature: [0, 1]}', {
        variants: [{ kind: 'current' }, { kind: 'strategy', strategy: 'zero-shot-cot' }],
      }).map(({ label, strategy }) => [label, strategy]),
    [
      ['T 0', 'direct'],
      ['T 1', 'direct'],
      ['zero-shot CoT', 'zero-shot-cot'],
    ],
  );
  check(
    'run no model that cannot be chosen: a template names no server by itself',
    () => columns('{model: [pebble, "https://example.com|x"]}').map(({ model }) => model),
    ['local:pebble'],
  );
  check(
    'are the template as it is where axes are too many',
    () => columns(`{temperature: [${[...Array(50).keys()]}], shots: [0, 1, 2, 3, 4]}`).map(({ key }) => key),
    ['current'],
  );
  check(
    'get names from their texts',
    () =>
      namedChoices('trigger', [
        { label: '', text: 'First,' },
        { label: 'mine', text: 'Hm' },
        { label: '', text: 'So' },
      ]),
    [
      { label: 'first', text: 'First,' },
      { label: 'mine', text: 'Hm' },
      { label: 'So', text: 'So' },
    ],
  );
});
