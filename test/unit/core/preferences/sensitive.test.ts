/** What looks like a key or personal data is found, and nothing of it is left after it was replaced. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { redact, sensitiveParts } from '../../../../src/core/preferences/sensitive.ts';

// Put together here, so that no scanner of repositories takes them for real ones.
const samples = [
  `AKIA${'ABCDEFGHIJKLMNOP'}`,
  `ghp_${'a1B2'.repeat(9)}`,
  `sk-${'abcDEF123'.repeat(4)}`,
  `hf_${'abcDEF'.repeat(6)}`,
  `xoxb-${'1234567890'}`,
  `AIza${'a'.repeat(35)}`,
  'ada.lovelace@engines.org',
  '4111 1111 1111 1111',
  'GB82 WEST 1234 5698 7654 32',
  '+44 20 7946 0958',
];
const key = `-----BEGIN RSA ${'PRIVATE'} KEY-----\nMIIabc\nxyz==\n-----END RSA ${'PRIVATE'} KEY-----`;

describe('sensitive', () => {
  it('finds each by its form', () => {
    for (const sample of [...samples, key]) assert.equal(sensitiveParts(`see ${sample} there`).length, 1, sample);
  });

  it('leaves nothing to find, and everything else as it was', () => {
    const piece = fc.oneof(
      fc.constantFrom(...samples, key),
      fc.constantFrom(' ', '\n', ', ', '"', ' and '),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), pieces => {
        assert.deepEqual(sensitiveParts(redact(pieces.join(''))), []);
      }),
      { numRuns: 1000 },
    );
    for (const sample of samples) {
      const [part] = sensitiveParts(sample);
      assert.equal(redact(`Write to ${sample}, please.`), `Write to [${part!.what}], please.`);
    }
    assert.equal(redact(`before ${key} after`), 'before [private key] after');
    assert.equal(redact('4111 1111 1111 1112 and a@example.com stay'), '4111 1111 1111 1112 and a@example.com stay');
  });
});
