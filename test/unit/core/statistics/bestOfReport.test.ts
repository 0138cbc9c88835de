import assert from 'node:assert/strict';
import { bestOfMarkdown } from '../../../../src/core/statistics/bestOfReport.ts';

describe('the page of best of n', () => {
  const page = bestOfMarkdown({
    model: 'pebble',
    reward: '10 to 30 words',
    prompts: [
      { kind: 'text', text: 'One?' },
      { kind: 'messages', messages: [{ role: 'user', content: 'Two?' }] },
    ],
    answers: [
      ['no', '```\n# yes'],
      ['a', 'b'],
    ],
    rewards: [
      [-0.5, 1],
      [1, 1],
    ],
  });

  it('has the curve of the reward and the bound on the KL', () => {
    assert.ok(page.includes('pebble, 2 prompts. Reward: 10 to 30 words.'));
    // The mean of −0.5, 1, 1 and 1, then the best of two; log 2 − ½.
    assert.ok(page.includes('| 1 | 0.625 | 0.000 |\n| 2 | 1.000 | 0.193 |'), page);
  });

  it('shows each best answer as it is, and the first where it is another', () => {
    assert.ok(
      page.includes('**Best, 1.000**\n\n````text\n```\n# yes\n````\n\n**First, −0.500**\n\n```text\nno\n```'),
      page,
    );
    assert.ok(page.includes('```text\nTwo?\n```\n\n**Best, 1.000**\n\n```text\na\n```'), page);
    assert.equal(page.split('**First').length, 2);
  });
});
