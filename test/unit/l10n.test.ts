/** Every string that a person reads in the editor has its translation, with the same places for values. */
import assert from 'node:assert/strict';
import { problems } from '../../scripts/l10n.ts';

describe('translations', () => {
  const { wrong, missing } = problems();

  it('have the places for values that the English has, and nothing that is no longer said', () => {
    assert.deepEqual(wrong, []);
  });

  it('are there for all but the newest words (npm run l10n shows which wait)', () => {
    assert.ok(missing.length <= 20, `${missing.length} wait:\n${missing.join('\n')}`);
  });
});
