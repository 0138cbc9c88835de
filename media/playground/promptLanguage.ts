/** Completion and hovers in the prompt editor: asked of the host one at a time, after a rest, and dropped when typing goes on. */
import type { CompletionItem } from '../../src/protocol/playgroundLanguage.ts';
import { monaco } from './monaco.ts';
import type { Store } from './store.ts';

type Model = Parameters<Parameters<typeof monaco.languages.registerHoverProvider>[1]['provideHover']>[0];
type Token = Parameters<Parameters<typeof monaco.languages.registerHoverProvider>[1]['provideHover']>[2];

/** Milliseconds of rest before the host is asked. */
const Rest = 60;
/** Longer texts have neither: to send them would take longer than to write. */
const LongestText = 1 << 20;
/** How far back a tag may have begun. */
const TagReach = 400;

export const triggerCharacters = ['{', '%', '.', '|', '#', '/'];

/** Asks for completions where the cursor is now, as typing does: without a word where there are none. */
function askAgain(model: monaco.editor.ITextModel): void {
  const editor = monaco.editor.getEditors().find(editor => editor.getModel() === model);
  if (editor?.hasTextFocus()) editor.trigger('typing', 'editor.action.triggerSuggest', { auto: true });
}

/** Registers both for the one editor of the page; the result ends them. */
export function promptLanguage(store: Store, language: string): { dispose(): void } {
  let asking: Promise<unknown> = Promise.resolve();
  /** Waits its turn and a rest; undefined when the editor wants something else by then, or the host has no answer. */
  const ask = async <T>(token: Token, question: () => Promise<T>): Promise<T | undefined> => {
    await new Promise(resolve => setTimeout(resolve, Rest));
    await asking;
    if (token.isCancellationRequested) return undefined;
    const answer = question().catch(() => undefined);
    asking = answer;
    return answer;
  };
  const completion = monaco.languages.registerCompletionItemProvider(language, {
    triggerCharacters,
    async provideCompletionItems(model, position, _context, token) {
      const offset = model.getOffsetAt(position);
      const text = store.prompt.sync?.text;
      if (text === undefined || text.length > LongestText || !isPlace(model, position)) return { suggestions: [] };
      const before = model.getVersionId();
      const items = await ask(token, () =>
        store.host.complete({ text: store.prompt.sync?.text ?? text, offset: offset + store.prompt.bodyStart }),
      );
      if (!items || token.isCancellationRequested) return { suggestions: [] };
      if (model.getVersionId() !== before) {
        // The editor takes nothing to be the answer to what was typed meanwhile, and would not ask again.
        setTimeout(() => askAgain(model));
        return { suggestions: [] };
      }
      return { suggestions: items.map((item, index) => suggestion(model, store.prompt.bodyStart, item, index)) };
    },
  });
  const hover = monaco.languages.registerHoverProvider(language, {
    async provideHover(model, position, token) {
      const text = store.prompt.sync?.text;
      if (text === undefined || text.length > LongestText) return null;
      const before = model.getVersionId();
      const offset = model.getOffsetAt(position) + store.prompt.bodyStart;
      const found = await ask(token, () => store.host.hover({ text, offset, row: store.setup.row }));
      if (!found || token.isCancellationRequested || model.getVersionId() !== before) return null;
      return {
        range: rangeOf(model, store.prompt.bodyStart, found.start, found.end),
        contents: found.contents.map(value => ({ value })),
      };
    },
  });
  return {
    dispose() {
      completion.dispose();
      hover.dispose();
    },
  };
}

/** Inside a tag, or at the start of a line, where a role or a tag may stand: in prose nothing is asked. */
function isPlace(model: Model, { lineNumber, column }: { lineNumber: number; column: number }): boolean {
  const line = model.getLineContent(lineNumber).slice(0, column - 1);
  if (/^\s*(\w*|[{%#]+)$/.test(line) || /\{$/.test(line)) return true;
  const offset = model.getOffsetAt({ lineNumber, column });
  const from = model.getPositionAt(Math.max(0, offset - TagReach));
  const before = model.getValueInRange({
    startLineNumber: from.lineNumber,
    startColumn: from.column,
    endLineNumber: lineNumber,
    endColumn: column,
  });
  return (
    Math.max(before.lastIndexOf('{{'), before.lastIndexOf('{%')) >
    Math.max(before.lastIndexOf('}}'), before.lastIndexOf('%}'))
  );
}

function rangeOf(model: Model, bodyStart: number, start: number, end: number) {
  const at = (offset: number) => model.getPositionAt(Math.max(0, offset - bodyStart));
  return monaco.Range.fromPositions(at(start), at(end));
}

function suggestion(model: Model, bodyStart: number, item: CompletionItem, index: number) {
  const { CompletionItemKind: kinds, CompletionItemInsertTextRule: rules } = monaco.languages;
  const kind: Readonly<Record<string, number>> = {
    input: kinds.Variable,
    local: kinds.Variable,
    field: kinds.Field,
    filter: kinds.Function,
    function: kinds.Function,
    tag: kinds.Keyword,
    role: kinds.Struct,
    key: kinds.Property,
    value: kinds.Value,
  };
  return {
    label: item.label,
    kind: kind[item.kind] ?? kinds.Text,
    insertText: item.insert,
    ...(item.snippet ? { insertTextRules: rules.InsertAsSnippet } : {}),
    range: rangeOf(model, bodyStart, item.start, item.end),
    detail: item.detail,
    ...(item.doc === '' ? {} : { documentation: { value: item.doc } }),
    filterText: item.filter,
    sortText: String(index).padStart(4, '0'),
    ...(item.again ? { command: { id: 'editor.action.triggerSuggest', title: '' } } : {}),
  };
}
