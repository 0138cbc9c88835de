import assert from 'node:assert/strict';
import type { Instruction } from '../../../../src/core/datasets/instruction.ts';
import type { Ask } from '../../../../src/core/evaluation/ask.ts';
import {
  helped,
  improve,
  type Question,
  type SelfImprovementOptions,
} from '../../../../src/core/jobs/selfImprovement.ts';
import { parseTemplate } from '../../../../src/core/prompts/promptyFile.ts';
import { renderPrompt } from '../../../../src/core/prompts/render.ts';
import type { Template } from '../../../../src/core/prompts/template.ts';
import { comparePaired } from '../../../../src/core/statistics/mcnemar.ts';
import { renderInProcess } from '../../../fakes/renderInProcess.ts';

const template = (strategy = 'direct'): Template =>
  parseTemplate(
    `---\nname: t\ninputs:\n  n: {kind: string}\nmetadata:\n  tunesmith:\n    reasoning:\n      strategy: ${strategy}\n      answer: {rule: last-number}\n    expected: answer\n    grade: numbers-equal\n---\nuser:\n{{ n }}\n`,
    't.prompty',
  );

async function questionsOf(from: number, count: number): Promise<Question[]> {
  const made = Array.from({ length: count }, async (_, i): Promise<Question> => {
    const { prompt } = await renderPrompt(template(), { values: { n: `${from + i}` } }, renderInProcess);
    return { prompt: prompt!, bare: prompt!, expected: from + i };
  });
  return Promise.all(made);
}

/**
 * A model that answers n with n, or else with a number above 10,000: sampled, it is right in `rightOf(n, adapter)` of ten, the
 * others wrong each in its own way or all alike; greedy, it is right where most of ten would be.
 */
function world(rightOf: (n: number, adapter: string | undefined) => number, { wrongAlike = false } = {}) {
  const learned: Instruction[][] = [];
  const ask =
    (adapter: string | undefined): Ask =>
    async ({ prompt, options, repeat }) => {
      const n = Number(prompt.kind === 'messages' ? prompt.messages[0]!.content : '');
      const tenths = rightOf(n, adapter);
      const isRight = options.temperature > 0 ? repeat % 10 < tenths : tenths > 5;
      const text = isRight ? `so ${repeat}: ${n}` : `so ${repeat}: ${10_000 + (wrongAlike ? 0 : repeat)}`;
      const generation = { text, finishReason: 'stop' as const, latencyMs: 0, model: 'm', options, repeat };
      return { generation, cached: false };
    };
  const host = {
    ask: async (adapter: string | undefined) => ask(adapter),
    train: async (examples: readonly Instruction[], round: number) => {
      learned.push([...examples]);
      return `round-${round}`;
    },
    match: async () => [],
    progress: () => {},
  };
  return { host, learned };
}

async function options(changes: Partial<SelfImprovementOptions> = {}): Promise<SelfImprovementOptions> {
  return {
    template: parseTemplate(
      template().text.replace('inputs:', 'model: {options: {temperature: 0}}\ninputs:'),
      't.prompty',
    ),
    mode: 'majority',
    practice: await questionsOf(0, 20),
    deciding: await questionsOf(100, 40),
    reporting: await questionsOf(200, 40),
    rounds: 4,
    samples: 10,
    agreement: 0.5,
    perQuestion: 2,
    temperature: 0.7,
    seed: 0,
    ...changes,
  };
}

describe('self-improvement', () => {
  it('goes on while a round helps, stops at the first that does not, and keeps the best', async () => {
    // Base right on a quarter, round 1 on three quarters, round 2 on one question more: that is chance.
    const skill = (n: number, adapter: string | undefined): number => {
      const part = n < 100 ? 0 : (n % 100) / 40;
      if (adapter === undefined) return part < 0.25 ? 8 : 2;
      return part < (adapter === 'round-1' ? 0.75 : 0.78) ? 8 : 2;
    };
    const { host, learned } = world(skill);
    const result = await improve(await options(), host);
    assert.equal(result.start.estimate, 0.25);
    assert.deepEqual(
      result.rounds.map(({ helped: one, accuracy }) => [one, accuracy.estimate]),
      [
        [true, 0.75],
        [false, 0.8],
      ],
    );
    assert.deepEqual([result.stopped, result.best, result.adapter], ['no-gain', 1, 'round-1']);
    // 20 of 40 gained and none lost, of other questions than those that decided.
    assert.deepEqual(
      [result.report!.before.estimate, result.report!.after.estimate, result.report!.versus.gained],
      [0.25, 0.75, 20],
    );
    assert.equal(learned.length, 2);
    assert.equal(learned[0]!.length, 40);
    assert.deepEqual(learned[0]!.slice(0, 2), [
      { messages: [{ role: 'user', content: '0' }], completion: 'so 0: 0' },
      { messages: [{ role: 'user', content: '0' }], completion: 'so 1: 0' },
    ]);
  });

  it('keeps the base where nothing helps', async () => {
    const { host } = world(() => 8);
    const result = await improve(await options(), host);
    assert.deepEqual(
      [result.stopped, result.best, result.adapter, result.report],
      ['no-gain', 0, undefined, undefined],
    );
    assert.equal(result.rounds.length, 1);
  });

  it('learns what the majority says without looking at what is right, and tells how right it was', async () => {
    // On every fourth question seven of ten agree on a wrong answer.
    const { host, learned } = world(n => (n % 4 === 0 ? 3 : 8), { wrongAlike: true });
    const { rounds } = await improve(await options({ rounds: 1 }), host);
    assert.equal(rounds[0]!.questions, 20);
    assert.equal(rounds[0]!.labelAccuracy.estimate, 0.75);
    assert.ok(learned[0]!.some(({ completion }) => completion.endsWith('10000')));
  });

  it('leaves out questions on which no answer has enough, or two are level', async () => {
    const scattered = world(n => (n % 2 === 0 ? 8 : 4));
    assert.equal((await improve(await options({ rounds: 1 }), scattered.host)).rounds[0]!.questions, 10);
    const level = world(() => 5, { wrongAlike: true });
    const result = await improve(await options(), level.host);
    assert.deepEqual([result.stopped, result.rounds.length, level.learned.length], ['nothing-to-learn', 0, 0]);
  });

  it('learns with known answers only what comes to them', async () => {
    const { host, learned } = world(n => n % 4, { wrongAlike: true });
    const { rounds } = await improve(await options({ rounds: 1, mode: 'known', perQuestion: 9 }), host);
    assert.equal(rounds[0]!.questions, 15);
    assert.equal(learned[0]!.length, 5 * (1 + 2 + 3));
    for (const { messages, completion } of learned[0]!) assert.ok(completion.endsWith(`: ${messages[0]!.content}`));
  });

  it('counts a gain by McNemar’s test', () => {
    const compare = (gained: number, lost: number) =>
      helped(
        comparePaired(
          [...Array(gained).fill(false), ...Array(lost).fill(true)],
          [...Array(gained).fill(true), ...Array(lost).fill(false)],
        ),
      );
    // Two-sided mid-p of 5 : 0 is 2·(½)⁵ − (½)⁵ = 0.031, of 4 : 0 it is 0.063.
    assert.deepEqual([compare(5, 0), compare(4, 0), compare(0, 5), compare(9, 8)], [true, false, false, false]);
  });

  it('refuses strategies of several requests', async () => {
    const { host } = world(() => 8);
    await assert.rejects(
      improve(await options({ template: template('self-consistency') }), host),
      /t\.prompty|cannot be learned as one/,
    );
  });
});
