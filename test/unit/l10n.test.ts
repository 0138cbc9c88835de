/** Every string that a person reads in the editor has its translation, with the same places for values. */
import assert from 'node:assert/strict';
import { problems } from '../../scripts/l10n.ts';

describe('translations', () => {
  it('are whole (npm run l10n shows what is missing)', async () => {
    assert.deepEqual(await problems(), []);
  });
});
