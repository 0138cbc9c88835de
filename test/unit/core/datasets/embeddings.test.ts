import assert from 'node:assert/strict';
import { cachedEmbeddings, type EmbedTexts, embedderOf } from '../../../../src/core/datasets/embeddings.ts';
import { parseTemplate } from '../../../../src/core/prompts/promptyFile.ts';
import type { TextGenerator } from '../../../../src/core/textGenerator.ts';

const template = (examples: string) =>
  parseTemplate(`---\nmetadata: {tunesmith: {examples: {bank: b.jsonl, ${examples}}}}\n---\nuser:\nhi`, 'x.prompty');

describe('embeddings', () => {
  it('are computed once for each text, also when it is asked for twice at once', async () => {
    const asked: string[] = [];
    const embed = cachedEmbeddings(async texts => {
      asked.push(...texts);
      return texts.map(text => [text.length]);
    });
    const [first, second] = await Promise.all([embed(['a', 'bb', 'a']), embed(['bb'])]);
    assert.deepEqual([first, second, await embed(['a', 'ccc'])], [[[1], [2], [1]], [[2]], [[1], [3]]]);
    assert.deepEqual(asked, ['a', 'bb', 'ccc']);
  });

  it('come from the model that the template names, which is opened once', async () => {
    const opened: string[] = [];
    const modelOf = async (id: string): Promise<TextGenerator> => {
      opened.push(id);
      return { embed: async (texts: readonly string[]) => texts.map(() => [1]) } as unknown as TextGenerator;
    };
    const kept = new Map<string, EmbedTexts>();
    const similar = template('shots: 2, selection: similar, similarity: embedding, embeddingModel: small');
    const embed = await embedderOf(similar, modelOf, kept);
    assert.deepEqual(await embed!(['x']), [[1]]);
    assert.equal(await embedderOf(similar, modelOf, kept), embed);
    assert.deepEqual(opened, ['small']);
  });

  it('are none where the template compares by words, shows no examples, or the model gives none', async () => {
    const none = async (): Promise<TextGenerator> => ({}) as TextGenerator;
    const wanted = 'selection: similar, similarity: embedding, embeddingModel: small';
    for (const examples of ['shots: 2, selection: similar', `shots: 0, ${wanted}`, `shots: 2, ${wanted}`])
      assert.equal(await embedderOf(template(examples), none), undefined);
  });
});
