/** Models of the editor (`vscode.lm`): those of Copilot and of every extension that brings some. Their sampling cannot be controlled. */
import * as vscode from 'vscode';
import { unlessAborted } from '../base/cancellation.ts';
import type { Disposable } from '../base/disposable.ts';
import { errorMessage, HumanError, isHumanError } from '../base/errors.ts';
import type { FinishReason, Generation, Prompt } from '../core/generation.ts';
import { ProviderError } from '../core/providerError.ts';
import { StopStrings } from '../core/stopStrings.ts';
import type { GenerateContext, GenerateRequest, ModelDescription, TextGenerator } from '../core/textGenerator.ts';
import { OutputLimit, tooLong, unlessSilent } from '../providers/http.ts';
import type { ModelProvider } from '../providers/registry.ts';
import { FirstAlone } from './firstAlone.ts';

/** Milliseconds that a list waits for the editor: other extensions start up before they name their models. */
const ListWait = 3000;

const idOf = ({ vendor, id }: vscode.LanguageModelChat): string => `editor:${vendor}/${id}`;

export class EditorModels implements ModelProvider, Disposable {
  readonly #changed: () => void;
  readonly #listening: vscode.Disposable;
  readonly #permission = new FirstAlone(isRefusal);
  #chats = new Map<string, vscode.LanguageModelChat>();
  #selecting: Promise<void> | undefined;
  #known = false;
  /** The editor announced a change while it was asked. */
  #stale = false;

  /** `changed` is called when the editor has other models than before. */
  constructor(changed: () => void) {
    this.#changed = changed;
    this.#listening = vscode.lm.onDidChangeChatModels(() => {
      if (this.#selecting) this.#stale = true;
      else void this.#select().catch(() => {});
    });
  }

  async list(): Promise<ModelDescription[]> {
    if (!this.#known) {
      const late = new Promise<void>(resolve => setTimeout(resolve, ListWait));
      await Promise.race([this.#select().catch(() => {}), late]);
    }
    return [...this.#chats.values()].map(describe);
  }

  async get(id: string): Promise<TextGenerator | undefined> {
    if (!id.startsWith('editor:')) return undefined;
    if (!this.#chats.has(id)) await this.#select();
    const chat = this.#chats.get(id);
    return chat && editorModel(chat, this.#permission);
  }

  dispose(): void {
    this.#listening.dispose();
  }

  #select(): Promise<void> {
    this.#selecting ??= this.#ask().finally(() => {
      this.#selecting = undefined;
    });
    return this.#selecting;
  }

  async #ask(): Promise<void> {
    const before = fingerprint(this.#chats.values());
    let chats = await vscode.lm.selectChatModels({});
    // Being asked may itself be announced as a change: once more, and not for ever.
    if (this.#stale) chats = await vscode.lm.selectChatModels({});
    this.#stale = false;
    this.#known = true;
    this.#chats = new Map(chats.map(chat => [idOf(chat), chat]));
    if (fingerprint(this.#chats.values()) !== before) this.#changed();
  }
}

const fingerprint = (chats: Iterable<vscode.LanguageModelChat>): string =>
  JSON.stringify([...chats].map(chat => [idOf(chat), chat.name, chat.family, chat.version, chat.maxInputTokens]));

function describe(chat: vscode.LanguageModelChat): ModelDescription {
  return {
    id: idOf(chat),
    label: chat.name,
    detail: vscode.l10n.t('{0}, uncontrolled sampling', chat.vendor),
    kind: 'editor',
    // Of the prompt alone: the editor does not say how much comes on top for the answer, so what fits this fits.
    contextLength: chat.maxInputTokens > 0 ? chat.maxInputTokens : undefined,
    chat: true,
    logProbs: false,
    controlledSampling: false,
    note: vscode.l10n.t(
      'The editor’s interface to this model has no seed, temperature, top-p, longest answer and log-probabilities: they are not sent. It knows no system role either: a system message goes as a user message, at its place.',
    ),
  };
}

function editorModel(chat: vscode.LanguageModelChat, permission: FirstAlone): TextGenerator {
  const model = describe(chat);
  return {
    model,
    identity: async () => `${chat.family} ${chat.version}`,
    async generate(request, context = {}) {
      const began = performance.now();
      const answer = new Answer(context, model.label, request.options.stopSequences);
      const { signal } = context;
      const cancel = new vscode.CancellationTokenSource();
      const abort = () => cancel.cancel();
      signal?.addEventListener('abort', abort, { once: true });
      try {
        signal?.throwIfAborted();
        const messages = messagesOf(request.prompt);
        const justification = vscode.l10n.t('Tunesmith sends it the prompts of the templates that you run on it.');
        const sent = permission.send(chat.vendor, () => chat.sendRequest(messages, { justification }, cancel.token));
        await answer.read((await unlessAborted(sent, signal)).text);
      } catch (error) {
        if (!signal?.aborted) throw problem(error, model.label, answer.begun);
        answer.finishReason = 'cancelled';
      } finally {
        signal?.removeEventListener('abort', abort);
        // Whatever it still has to say, nobody listens.
        cancel.cancel();
        cancel.dispose();
      }
      return answer.generation(request, model.id, began, chat.version);
    },
    async countTokens(texts) {
      try {
        return await Promise.all(texts.map(text => chat.countTokens(text)));
      } catch (error) {
        throw problem(error, model.label, false);
      }
    },
  };
}

function messagesOf(prompt: Prompt): vscode.LanguageModelChatMessage[] {
  if (prompt.kind === 'text')
    throw new HumanError(
      vscode.l10n.t('The editor’s models take conversations, not a plain text to continue. Give the template roles.'),
    );
  return prompt.messages.map(({ role, content }) =>
    role === 'assistant'
      ? vscode.LanguageModelChatMessage.Assistant(content)
      : vscode.LanguageModelChatMessage.User(content),
  );
}

const codeOf = (error: unknown): string => (error instanceof vscode.LanguageModelError ? error.code : '');
const isRefusal = (error: unknown): boolean => codeOf(error) === vscode.LanguageModelError.NoPermissions.name;

/** What went wrong in a sentence that says what to do. A status as HTTP would give ends a run: it would fail for each row. */
function problem(error: unknown, model: string, begun: boolean): unknown {
  if (isHumanError(error)) return error;
  const said = sentence(error instanceof Error && error.cause instanceof Error ? error.cause.message : wordsOf(error));
  switch (codeOf(error)) {
    case vscode.LanguageModelError.NoPermissions.name:
      return new ProviderError(
        vscode.l10n.t(
          'Nothing was sent to {0}, because Tunesmith may not use it. Run again and allow it, or use “Manage Language Model Access…” of the editor.',
          model,
        ),
        { trouble: 'refused', status: 403, cause: error },
      );
    case vscode.LanguageModelError.Blocked.name:
      return new ProviderError(
        vscode.l10n.t(
          '{0} is blocked: {1} Your quota may be used up: wait until it is renewed, or choose another model.',
          model,
          said,
        ),
        { trouble: 'refused', status: 403, cause: error },
      );
    case vscode.LanguageModelError.NotFound.name:
      return new ProviderError(
        vscode.l10n.t(
          'The editor has no model {0} any more. Enable the extension that brings it, or choose another model.',
          model,
        ),
        { trouble: 'refused', status: 404, cause: error },
      );
  }
  return begun
    ? new ProviderError(vscode.l10n.t('The answer of {0} broke off: {1} Try again.', model, said), {
        trouble: 'broken',
        cause: error,
      })
    : new ProviderError(vscode.l10n.t('{0} says: {1}', model, said), { trouble: 'server', cause: error });
}

const wordsOf = (error: unknown): string => errorMessage(error) || vscode.l10n.t('nothing more');

function sentence(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim().slice(0, 500);
  return /[.!?…]$/.test(line) ? line : `${line}.`;
}

/** An answer as it comes in. The interface knows no stop sequences, so they are looked for here. */
class Answer {
  finishReason: FinishReason = 'stop';
  readonly #context: GenerateContext;
  readonly #model: string;
  readonly #stops: StopStrings;
  #text = '';
  #firstAt: number | undefined;

  constructor(context: GenerateContext, model: string, stopSequences: readonly string[]) {
    this.#context = context;
    this.#model = model;
    this.#stops = new StopStrings(stopSequences);
  }

  get begun(): boolean {
    return this.#firstAt !== undefined;
  }

  async read(parts: AsyncIterable<string>): Promise<void> {
    const { signal } = this.#context;
    const iterator = parts[Symbol.asyncIterator]();
    for (;;) {
      const next = await unlessAborted(unlessSilent(iterator.next(), this.#model), signal);
      if (next.done) break;
      this.#firstAt ??= performance.now();
      const { text, stopped } = this.#stops.push(next.value);
      this.#add(text);
      if (this.#text.length > OutputLimit) throw tooLong(this.#model);
      if (!stopped) continue;
      this.finishReason = 'stop-sequence';
      return;
    }
    this.#add(this.#stops.end());
    // A provider that heeds its token ends its stream as if it were done.
    signal?.throwIfAborted();
  }

  #add(text: string): void {
    if (text === '') return;
    this.#text += text;
    this.#context.onDelta?.(text);
  }

  generation({ options, repeat }: GenerateRequest, model: string, began: number, revision: string): Generation {
    return {
      text: this.#text,
      finishReason: this.finishReason,
      latencyMs: performance.now() - began,
      firstTokenMs: this.#firstAt === undefined ? undefined : this.#firstAt - began,
      model,
      revision: revision || undefined,
      options,
      repeat,
    };
  }
}
