import assert from 'node:assert/strict';
import { emptySetup } from '../../../../src/protocol/playground.ts';
import { OpenPlaygrounds } from '../../../../src/vscode/panels/openPlaygrounds.ts';

function open(kept?: unknown) {
  let value = kept;
  const memento = {
    get: () => value as never,
    update: async (_: string, next: unknown) => {
      value = JSON.parse(JSON.stringify(next));
    },
  };
  const playgrounds = new OpenPlaygrounds(memento);
  const claim = (alone: boolean, title = '', others: string[] = []) =>
    playgrounds.claim({ alone, others: new Set(others), isTitleOf: uri => uri.includes(title) && title !== '' })?.uri;
  return { playgrounds, claim };
}

describe('what playgrounds showed before a reload', () => {
  it('is the template that was opened last, with its setup, where there is one playground', () => {
    const { playgrounds, claim } = open();
    assert.equal(claim(true), undefined);
    playgrounds.put('file:///a.prompty', { ...emptySetup, row: 1 });
    playgrounds.put('file:///b.prompty', undefined);
    playgrounds.put('file:///a.prompty', { ...emptySetup, row: 2 });
    assert.equal(claim(true), 'file:///a.prompty');
    const found = playgrounds.claim({ alone: true, others: new Set(), isTitleOf: () => false });
    assert.equal(found?.setup?.row, 2);
    playgrounds.remove('file:///a.prompty');
    assert.equal(claim(true), 'file:///b.prompty');
    playgrounds.keep(new Set());
    assert.equal(claim(true), undefined);
  });

  it('goes by the title of the tab where there are several, and only where that leaves no doubt', () => {
    const { playgrounds, claim } = open();
    for (const uri of ['file:///x/a.prompty', 'file:///y/a.prompty', 'file:///b.prompty'])
      playgrounds.put(uri, undefined);
    assert.equal(claim(false), undefined);
    assert.equal(claim(false, 'b.'), 'file:///b.prompty');
    assert.equal(claim(false, 'a.'), undefined);
    assert.equal(claim(false, 'a.', ['file:///x/a.prompty']), 'file:///y/a.prompty');
    assert.equal(claim(false, 'b.', ['file:///b.prompty']), undefined);
    assert.equal(claim(true, 'a.'), 'file:///y/a.prompty');
  });

  it('is nothing where the record cannot be read', () => {
    assert.equal(open([{ uri: 5 }]).claim(true), undefined);
    assert.equal(open('x').claim(true), undefined);
  });
});
