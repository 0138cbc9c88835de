import assert from 'node:assert/strict';
import { directAsk } from '../../../../src/core/evaluation/ask.ts';
import { defaultSampling } from '../../../../src/core/generation.ts';
import type { TextGenerator } from '../../../../src/core/textGenerator.ts';

describe('directAsk', () => {
  it('hands the request and what streams through', async () => {
    const generator: TextGenerator = {
      model: {
        id: 'm',
        label: 'm',
        detail: '',
        kind: 'endpoint',
        chat: true,
        logProbs: false,
        controlledSampling: true,
      },
      async generate({ options, repeat, prompt }, context) {
        const text = prompt.kind === 'text' ? prompt.text.toUpperCase() : '';
        context?.onDelta?.(text);
        return { text, finishReason: 'stop', latencyMs: 1, model: 'm', options, repeat };
      },
    };
    const deltas: string[] = [];
    const { generation, cached } = await directAsk(generator)(
      { prompt: { kind: 'text', text: 'hey' }, options: defaultSampling, repeat: 3 },
      { onDelta: text => deltas.push(text) },
    );
    assert.deepEqual([generation.text, generation.repeat, cached, deltas], ['HEY', 3, false, ['HEY']]);
  });
});
