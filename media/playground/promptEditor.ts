/** The prompt in a code editor: bands by role, variables, token counts at the roles, and the shots below their place. */
import { html, LitElement, nothing, render, type TemplateResult } from 'lit';
import { l10n } from '../../src/base/l10n.ts';
import { changeOf, type Replacement } from '../../src/base/textChange.ts';
import type { TemplateState } from '../../src/protocol/playgroundTemplate.ts';
import { icon } from '../common/codicon.ts';
import { followTheme, monaco } from './monaco.ts';
import { promptLanguage } from './promptLanguage.ts';
import type { Store } from './store.ts';

type Editor = ReturnType<typeof monaco.editor.create>;
type Decoration = NonNullable<Parameters<Editor['createDecorationsCollection']>[0]>[number];

const LineHeight = 18;
let themed = false;

export class PromptEditor extends LitElement {
  declare store: Store;
  #editor: Editor | undefined;
  #decorations: ReturnType<Editor['createDecorationsCollection']> | undefined;
  #labels: HTMLElement | undefined;
  #zone: string | undefined;
  #zoneNode: HTMLElement | undefined;
  #zoneWidth = 0;
  /** Line with the place of the shots. */
  #shotsLine: number | undefined;
  #allShots = false;
  /** Changes that come from the document are not sent back to it. */
  #receiving = false;
  #stop: (() => void)[] = [];

  override createRenderRoot(): this {
    return this;
  }

  override render(): TemplateResult {
    return html`<div class="prompt-editor"></div>`;
  }

  override firstUpdated(): void {
    if (!themed) followTheme();
    themed = true;
    const container = this.querySelector<HTMLElement>('.prompt-editor')!;
    const style = getComputedStyle(document.body);
    const editor = monaco.editor.create(container, {
      value: '',
      language: 'plaintext',
      ariaLabel: l10n.t('Prompt'),
      fontFamily: style.getPropertyValue('--vscode-editor-font-family').trim() || 'monospace',
      fontSize: 12,
      lineHeight: LineHeight,
      lineNumbersMinChars: 3,
      lineDecorationsWidth: 12,
      folding: false,
      glyphMargin: false,
      minimap: { enabled: false },
      overviewRulerLanes: 0,
      overviewRulerBorder: false,
      hideCursorInOverviewRuler: true,
      scrollBeyondLastLine: false,
      scrollbar: { vertical: 'hidden', horizontal: 'hidden', alwaysConsumeMouseWheel: false, handleMouseWheel: false },
      wordWrap: 'on',
      wrappingIndent: 'none',
      renderLineHighlight: 'line',
      renderLineHighlightOnlyWhenFocus: true,
      occurrencesHighlight: 'off',
      selectionHighlight: false,
      matchBrackets: 'near',
      padding: { top: 4, bottom: 4 },
      automaticLayout: true,
      tabFocusMode: true,
      contextmenu: true,
      links: false,
      unicodeHighlight: { ambiguousCharacters: false },
      wordBasedSuggestions: 'off',
      quickSuggestions: { other: 'on', comments: 'on', strings: 'on' },
      quickSuggestionsDelay: 120,
      acceptSuggestionOnEnter: 'smart',
      fixedOverflowWidgets: true,
      stickyScroll: { enabled: false },
    });
    this.#editor = editor;
    const language = promptLanguage(this.store, 'plaintext');
    this.#stop.push(() => language.dispose());
    this.#decorations = editor.createDecorationsCollection();
    this.#labels = document.createElement('div');
    this.#labels.className = 'prompt-labels';
    editor.addOverlayWidget({
      getId: () => 'tunesmith.labels',
      getDomNode: () => this.#labels!,
      getPosition: () => null,
    });
    editor.onDidContentSizeChange(() => this.#fit());
    editor.onDidLayoutChange(({ contentWidth }) => {
      // Other lines in the shots' texts, and another height of their zone.
      if (contentWidth !== this.#zoneWidth) this.#drawZone();
      this.#drawLabels();
    });
    editor.onDidScrollChange(() => this.#drawLabels());
    editor.onDidChangeModelContent(event => {
      if (this.#receiving) return;
      this.store.prompt.typed(
        changeOf(
          event.changes.map(({ rangeOffset, rangeLength, text }) => ({
            offset: rangeOffset,
            length: rangeLength,
            text,
          })),
        ),
      );
    });
    editor.addCommand(monaco.KeyMod.CtrlCmd | monaco.KeyCode.Enter, () =>
      this.store.run({ kind: 'row', row: this.store.setup.row }),
    );
    // What the code editor has done itself, the workbench must not do once more.
    container.addEventListener('keydown', event => {
      if ((event.ctrlKey || event.metaKey) && /^[zyf/dlh]$/i.test(event.key)) event.stopPropagation();
    });
    const { store } = this;
    this.#stop = [
      store.on(['document'], () => this.#load()),
      store.on(['template', 'preview'], () => this.#decorate()),
    ];
    const onRemote = (event: Event): void => this.#receive((event as CustomEvent<Replacement[]>).detail);
    store.addEventListener('remote-edit', onRemote);
    this.#stop.push(() => store.removeEventListener('remote-edit', onRemote));
    this.#load();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    for (const stop of this.#stop) stop();
    this.#editor?.getModel()?.dispose();
    this.#editor?.dispose();
  }

  /** Puts the caret at an offset of the whole file. */
  reveal(offset: number): void {
    const model = this.#editor?.getModel();
    if (!this.#editor || !model) return;
    const position = model.getPositionAt(Math.max(0, offset - this.store.prompt.bodyStart));
    this.#editor.setPosition(position);
    this.#editor.focus();
    this.querySelector('.prompt-editor')?.scrollIntoView({ block: 'nearest' });
  }

  #load(): void {
    const model = this.#editor?.getModel();
    if (!model || !this.store.prompt.sync) return;
    const text = this.store.prompt.sync.text;
    this.#quietly(() => {
      model.setEOL(text.includes('\r\n') ? monaco.editor.EndOfLineSequence.CRLF : monaco.editor.EndOfLineSequence.LF);
      model.setValue(text.slice(this.store.prompt.bodyStart));
    });
    this.#decorate();
    this.#fit();
  }

  /** Others changed the file: only what concerns the prompt reaches the editor, as edits that can be undone. */
  #receive(replacements: readonly Replacement[]): void {
    const model = this.#editor?.getModel();
    if (!model || !this.store.prompt.sync) return;
    const body = this.store.prompt.sync.text.slice(this.store.prompt.bodyStart);
    const before = model.getValue();
    const growth = replacements.reduce((sum, { text, length }) => sum + text.length - length, 0);
    const oldStart = this.store.prompt.sync.text.length - growth - before.length;
    const inside = replacements.every(({ offset }) => offset >= oldStart);
    this.#quietly(() => {
      if (inside) {
        model.pushEditOperations(
          [],
          replacements.map(({ offset, length, text }) => ({
            range: monaco.Range.fromPositions(
              model.getPositionAt(offset - oldStart),
              model.getPositionAt(offset - oldStart + length),
            ),
            text,
          })),
          () => null,
        );
      }
      // The front matter moved its end, or the changes lay on both sides of it.
      if (model.getValue() !== body) model.setValue(body);
    });
  }

  #quietly(change: () => void): void {
    this.#receiving = true;
    try {
      change();
    } finally {
      this.#receiving = false;
    }
  }

  #fit(): void {
    const container = this.querySelector<HTMLElement>('.prompt-editor');
    if (!this.#editor || !container) return;
    const height = `${Math.max(4 * LineHeight, this.#editor.getContentHeight())}px`;
    if (container.style.height !== height) {
      container.style.height = height;
      this.#editor.layout();
    }
    this.#drawLabels();
  }

  #decorate(): void {
    const editor = this.#editor;
    const model = editor?.getModel();
    const template = this.store.state?.template;
    if (!editor || !model || !template || this.store.prompt.sync?.pending) return;
    const at = this.store.prompt.bodyStart;
    const position = (offset: number) => model.getPositionAt(Math.max(0, offset - at));
    const decorations: Decoration[] = [];
    for (const [index, { role, range }] of template.roles.entries()) {
      const start = position(range.start).lineNumber;
      const last = lastLine(
        template,
        index,
        model.getLineCount(),
        offset => position(offset).lineNumber,
        line => model.getLineContent(line).trim() === '',
      );
      decorations.push(
        {
          range: new monaco.Range(start, 1, last, 1),
          options: { isWholeLine: true, className: `band band-${role}`, linesDecorationsClassName: `bar bar-${role}` },
        },
        {
          range: monaco.Range.fromPositions(position(range.start), position(range.end)),
          options: { inlineClassName: 'role-word' },
        },
      );
    }
    let shotsLine: number | undefined;
    for (const { name, range } of template.variables) {
      const place = monaco.Range.fromPositions(position(range.start), position(range.end));
      decorations.push({
        range: place,
        options: { inlineClassName: 'variable' },
      });
      if (name === 'shots' && model.getLineContent(place.startLineNumber).trim().replace(/\s/g, '') === '{{shots}}') {
        shotsLine = place.startLineNumber;
        decorations.push({
          range: new monaco.Range(shotsLine, 1, shotsLine, 1),
          options: { isWholeLine: true, className: 'band band-shot', linesDecorationsClassName: 'bar bar-shot' },
        });
      }
    }
    this.#decorations!.set(decorations);
    monaco.editor.setModelMarkers(
      model,
      'tunesmith',
      template.diagnostics
        .filter(({ place, range }) => place === null && range.end > at)
        .map(({ severity, message, range }) => {
          const start = position(range.start);
          const end = position(Math.max(range.end, range.start + 1));
          return {
            severity: { error: 8, warning: 4, information: 2 }[severity],
            message,
            startLineNumber: start.lineNumber,
            startColumn: start.column,
            endLineNumber: end.lineNumber,
            endColumn: end.column,
          };
        }),
    );
    this.#shotsLine = shotsLine;
    this.#drawZone();
    this.#drawLabels();
  }

  #drawZone(): void {
    const editor = this.#editor!;
    const line = this.#shotsLine;
    this.#zoneWidth = editor.getLayoutInfo().contentWidth;
    const shots = this.store.preview?.shots ?? [];
    this.#zoneNode ??= Object.assign(document.createElement('div'), { className: 'shots-zone' });
    const node = this.#zoneNode;
    const narrow = this.#zoneWidth < 360;
    const shown = this.#allShots ? shots : shots.slice(0, narrow ? 1 : 2);
    const more = shots.length - shown.length;
    render(
      shots.length === 0
        ? nothing
        : html`${shown.map(
            shot => html`<div class="shot-turn user"><span class="who">user</span><span>${shot.user}</span></div>
              <div class="shot-turn assistant"><span class="who">assistant</span><span>${shot.assistant}</span></div>`,
          )}
          ${
            more > 0 || this.#allShots
              ? html`<button class="shot-more" aria-expanded=${this.#allShots} @click=${() => {
                  this.#allShots = !this.#allShots;
                  this.#decorate();
                }}>${icon(this.#allShots ? 'chevron-down' : 'chevron-right')}
              ${this.#allShots ? l10n.t('Show fewer') : l10n.t('{0} more', more)}</button>`
              : nothing
          }`,
      node,
    );
    editor.changeViewZones(accessor => {
      if (this.#zone) accessor.removeZone(this.#zone);
      this.#zone = undefined;
      if (line === undefined || shots.length === 0) return;
      // Measured outside, where it is as wide as it will be inside.
      const measure = document.createElement('div');
      measure.className = 'shots-measure';
      measure.style.width = `${this.#zoneWidth}px`;
      // The code editor left the height of the zone before on it.
      node.removeAttribute('style');
      measure.append(node);
      document.body.append(measure);
      const heightInPx = Math.ceil(node.getBoundingClientRect().height);
      measure.remove();
      this.#zone = accessor.addZone({ afterLineNumber: line, heightInPx, domNode: node });
    });
  }

  /** Token counts at the right end of the lines that they belong to. */
  #drawLabels(): void {
    const editor = this.#editor;
    const template = this.store.state?.template;
    const model = editor?.getModel();
    if (!editor || !model || !this.#labels || !template) return;
    const at = this.store.prompt.bodyStart;
    const top = (offset: number): number =>
      editor.getTopForLineNumber(model.getPositionAt(Math.max(0, offset - at)).lineNumber) - editor.getScrollTop();
    const { preview } = this.store;
    const labels: { top: number; text: string }[] = [];
    for (const [index, { role, range }] of template.roles.entries()) {
      const tokens = preview?.sections[index] ?? -1;
      if (tokens < 0) continue;
      const empty = role === 'assistant' && index === template.roles.length - 1;
      labels.push({
        top: top(range.start),
        text: empty ? l10n.t('{0} reserved', tokens) : l10n.t('{0} tokens', tokens),
      });
    }
    const shots = template.variables.find(({ name }) => name === 'shots');
    if (shots && template.examples && preview?.tokens) {
      const { total } = template.examples;
      labels.push({
        top: top(shots.range.start),
        text: l10n.t('{0} of {1}, {2} tokens', preview.shots.length, total, preview.tokens.shots),
      });
    }
    render(
      labels.map(label => html`<span style="top:${label.top}px">${label.text}</span>`),
      this.#labels,
    );
  }
}

/** Last line of a role's band: before the next role or the shots, without trailing empty lines. */
function lastLine(
  template: TemplateState,
  index: number,
  lines: number,
  lineOf: (offset: number) => number,
  isEmpty: (line: number) => boolean,
): number {
  const { range } = template.roles[index]!;
  const start = lineOf(range.start);
  const next = template.roles[index + 1];
  const shots = template.variables.find(({ name, range: use }) => name === 'shots' && use.start > range.start);
  let last = next ? lineOf(next.range.start) - 1 : lines;
  if (shots && lineOf(shots.range.start) <= last) last = lineOf(shots.range.start) - 1;
  while (last > start && isEmpty(last)) last--;
  return last;
}

customElements.define('tunesmith-prompt-editor', PromptEditor);
