/** Models of the editor, brought by a real extension (chatModels) through VS Code’s own interface. */
import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { defaultSampling, type Message } from '../../src/core/generation.ts';
import type { ProviderError } from '../../src/core/providerError.ts';
import type { GenerateContext, TextGenerator } from '../../src/core/textGenerator.ts';
import { EditorModels } from '../../src/vscode/lmProvider.ts';

/** What chatModels/extension.js gives to its tests. */
interface ChatModels {
  models: unknown[];
  requests: { model: string; messages: [string, string][]; options: Record<string, unknown> }[];
  listed: number;
  answer: (messages: [string, string][], say: (text: string) => void, token: vscode.CancellationToken) => Promise<void>;
  setModels(ids: string[]): void;
}

const parrot = 'editor:tunesmith-test/parrot';

describe('models of the editor', () => {
  let source: ChatModels;
  let models: EditorModels;
  let changes = 0;
  let waiting: (() => void) | undefined;

  before(async () => {
    source = (await vscode.extensions.getExtension<ChatModels>('tunesmith-test.chat-models')!.activate())!;
    models = new EditorModels(() => {
      changes++;
      waiting?.();
    });
  });
  after(() => models.dispose());
  beforeEach(() => {
    source.requests.length = 0;
    source.answer = async (messages, say) => say(messages.at(-1)![1]);
  });

  const get = async (): Promise<TextGenerator> => (await models.get(parrot))!;
  const ask = async (
    messages: readonly Message[],
    more: { stopSequences?: string[]; repeat?: number } & GenerateContext = {},
  ) => {
    const { stopSequences = [], repeat = 0, ...context } = more;
    const options = { ...defaultSampling, stopSequences };
    return (await get()).generate({ prompt: { kind: 'messages', messages }, options, repeat }, context);
  };
  const user = (content: string): Message[] => [{ role: 'user', content }];
  const failure = async (messages = user('hello')): Promise<ProviderError> => {
    const error = await ask(messages).then(
      () => undefined,
      (reason: unknown) => reason as ProviderError,
    );
    assert.equal(error?.name, 'HumanError', String(error));
    return error!;
  };

  it('are all listed, and say that nothing of their sampling is controlled', async () => {
    const listed = (await models.list()).find(({ id }) => id === parrot)!;
    assert.equal(listed.label, 'Model parrot');
    assert.equal(listed.detail, 'tunesmith-test, uncontrolled sampling');
    assert.equal(listed.kind, 'editor');
    assert.equal(listed.contextLength, 4000);
    assert.deepEqual([listed.controlledSampling, listed.logProbs, listed.chat], [false, false, true]);
    assert.match(listed.note!, /no seed, temperature, .*system message goes as a user message/);
    assert.equal(await models.get('editor:tunesmith-test/nobody'), undefined);
    assert.equal(await models.get('local:pebble'), undefined);
  });

  it('are listed anew when the editor’s models change, and not for ever', async () => {
    const changed = new Promise<void>(resolve => {
      waiting = resolve;
    });
    const before = changes;
    source.setModels(['parrot', 'owl']);
    await changed;
    waiting = undefined;
    assert.deepEqual(
      (await models.list()).map(({ id }) => id).filter(id => id.startsWith('editor:tunesmith-test/')),
      [parrot, 'editor:tunesmith-test/owl'],
    );
    assert.equal(changes, before + 1);
    await new Promise(resolve => setTimeout(resolve, 1000));
    const listed = source.listed;
    await new Promise(resolve => setTimeout(resolve, 2000));
    assert.equal(source.listed, listed, 'the editor is asked again and again');
  });

  it('get the conversation, a system message as the user’s at its place, and no option of sampling', async () => {
    const { text, finishReason, revision, firstTokenMs, latencyMs, usage, tokens } = await ask([
      { role: 'system', content: 'Be short.' },
      { role: 'user', content: 'one' },
      { role: 'assistant', content: '1' },
      { role: 'user', content: 'two' },
    ]);
    assert.deepEqual([text, finishReason, revision], ['two', 'stop', '1.2']);
    assert.ok(firstTokenMs! >= 0 && firstTokenMs! <= latencyMs);
    assert.deepEqual([usage, tokens], [undefined, undefined]);
    const [request] = source.requests;
    assert.deepEqual(request!.messages, [
      ['user', 'Be short.'],
      ['user', 'one'],
      ['assistant', '1'],
      ['user', 'two'],
    ]);
    assert.deepEqual(request!.options.modelOptions ?? {}, {});
  });

  it('stream', async () => {
    source.answer = async (_, say) => {
      for (const part of ['The ', 'cat ', 'sat.']) {
        say(part);
        await new Promise(resolve => setTimeout(resolve, 30));
      }
    };
    const parts: string[] = [];
    const { text } = await ask(user('x'), { onDelta: part => parts.push(part) });
    assert.equal(text, 'The cat sat.');
    assert.equal(parts.join(''), text);
    assert.ok(parts.length > 1, 'it came at once');
  });

  it('end at a stop sequence, also one that comes in pieces, and the model is told to stop', async () => {
    let told: Promise<void> | undefined;
    source.answer = async (_, say, token) => {
      told = new Promise(resolve => token.onCancellationRequested(() => resolve()));
      say('Paris.\n');
      say('\nQ: next');
      await told;
    };
    const { text, finishReason } = await ask(user('x'), { stopSequences: ['\n\nQ:'] });
    assert.deepEqual([text, finishReason], ['Paris.', 'stop-sequence']);
    await told;
  });

  for (const heeds of [true, false]) {
    it(`keep what was said when they are cancelled, ${heeds ? 'and heed it' : 'though the model goes on'}`, async () => {
      const cancel = new AbortController();
      source.answer = async (_, say, token) => {
        say('so far');
        if (heeds) await new Promise<void>(resolve => token.onCancellationRequested(() => resolve()));
        else await new Promise(resolve => setTimeout(resolve, 60_000).unref());
      };
      const { text, finishReason } = await ask(user('x'), { signal: cancel.signal, onDelta: () => cancel.abort() });
      assert.deepEqual([text, finishReason], ['so far', 'cancelled']);
    });
  }

  it('are not asked once the run is cancelled', async () => {
    const cancel = AbortSignal.abort();
    assert.equal((await ask(user('x'), { signal: cancel })).finishReason, 'cancelled');
    assert.deepEqual(source.requests, []);
  });

  it('say what is wrong and what to do', async () => {
    const cases: [Error, RegExp, Partial<ProviderError>][] = [
      [
        vscode.LanguageModelError.NoPermissions('no'),
        /^Nothing was sent to Model parrot, .*Manage Language Model Access/,
        { trouble: 'refused', status: 403 },
      ],
      [
        vscode.LanguageModelError.Blocked('Monthly quota exceeded'),
        /^Model parrot is blocked: Monthly quota exceeded\. Your quota may be used up/,
        { trouble: 'refused', status: 403 },
      ],
      [
        vscode.LanguageModelError.NotFound('gone'),
        /^The editor has no model Model parrot any more\. Enable the extension/,
        { trouble: 'refused', status: 404 },
      ],
      [new Error('Too  hot\ntoday'), /^Model parrot says: Too hot today\.$/, { trouble: 'server' }],
    ];
    for (const [thrown, message, details] of cases) {
      source.answer = async () => {
        throw thrown;
      };
      const error = await failure();
      assert.match(error.message, message);
      assert.deepEqual({ trouble: error.trouble, status: error.status }, { status: undefined, ...details });
    }
    source.answer = async (_, say) => {
      say('The cat');
      await new Promise(resolve => setTimeout(resolve, 100));
      throw new Error('socket hang up');
    };
    const midway = await failure();
    assert.equal(midway.message, 'The answer of Model parrot broke off: socket hang up. Try again.');
    assert.equal(midway.trouble, 'broken');
  });

  it('refuse a plain text, for they take conversations', async () => {
    const generator = await get();
    const request = { prompt: { kind: 'text', text: 'Once' }, options: defaultSampling, repeat: 0 } as const;
    await assert.rejects(generator.generate(request), /Give the template roles\.$/);
  });

  it('count tokens by their own tokenizer', async () => {
    assert.deepEqual(await (await get()).countTokens!(['abc', '']), [3, 0]);
  });

  it('are told apart by family and version, so that a new one gives new answers', async () => {
    assert.equal(await (await get()).identity!(), 'parrot 1.2');
  });

  it('that are gone are said to be gone', async () => {
    const generator = await get();
    source.setModels([]);
    while ((await models.list()).length > 0) await new Promise(resolve => setTimeout(resolve, 50));
    const request = { prompt: { kind: 'messages', messages: user('x') }, options: defaultSampling, repeat: 0 } as const;
    await assert.rejects(generator.generate(request), /^HumanError: The editor has no model Model parrot any more/);
    assert.equal(await models.get(parrot), undefined);
  });
});
