/** A real provider of chat models: what it says, and how it fails, is set through what `activate` returns. */
const vscode = require('vscode');

exports.activate = context => {
  const changed = new vscode.EventEmitter();
  const model = id => ({
    id,
    name: `Model ${id}`,
    family: 'parrot',
    version: '1.2',
    maxInputTokens: 4000,
    maxOutputTokens: 1000,
    capabilities: {},
  });
  const state = {
    models: [model('parrot')],
    /** What was asked: model, messages as [role, text], options. */
    requests: [],
    listed: 0,
    /** Speaks through `say`; rejects with what the model answers in place of text. */
    answer: async (messages, say) => say(messages.at(-1)[1]),
    setModels(ids) {
      state.models = ids.map(model);
      changed.fire();
    },
  };
  const textOf = message => message.content.map(part => part.value ?? '').join('');
  const provider = {
    onDidChangeLanguageModelChatInformation: changed.event,
    provideLanguageModelChatInformation: async () => {
      state.listed++;
      return state.models;
    },
    provideLanguageModelChatResponse: async (asked, messages, options, progress, token) => {
      const plain = messages.map(message => [
        message.role === vscode.LanguageModelChatMessageRole.Assistant ? 'assistant' : 'user',
        textOf(message),
      ]);
      state.requests.push({ model: asked.id, messages: plain, options });
      await state.answer(plain, text => progress.report(new vscode.LanguageModelTextPart(text)), token);
    },
    provideTokenCount: async (_model, text) => (typeof text === 'string' ? text : textOf(text)).length,
  };
  context.subscriptions.push(vscode.lm.registerLanguageModelChatProvider('tunesmith-test', provider));
  return state;
};
