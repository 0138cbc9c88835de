/** The code editor with the features that a prompt needs, in the colours of the theme. */
import * as monaco from 'monaco-editor/editor';
import 'monaco-editor/features/codeEditor/register';
import 'monaco-editor/features/bracketMatching/register';
import 'monaco-editor/features/caretOperations/register';
import 'monaco-editor/features/clipboard/register';
import 'monaco-editor/features/comment/register';
import 'monaco-editor/features/contextmenu/register';
import 'monaco-editor/features/cursorUndo/register';
import 'monaco-editor/features/find/register';
import 'monaco-editor/features/hover/register';
import 'monaco-editor/features/linesOperations/register';
import 'monaco-editor/features/lineSelection/register';
import 'monaco-editor/features/multicursor/register';
import 'monaco-editor/features/smartSelect/register';
import 'monaco-editor/features/snippet/register';
import 'monaco-editor/features/toggleTabFocusMode/register';
import 'monaco-editor/features/wordHighlighter/register';
import 'monaco-editor/features/wordOperations/register';
import 'monaco-editor/features/wordPartOperations/register';
// The feature of this name registers only what completes inline.
import 'monaco-editor/editor/contrib/suggest/browser/suggestController';
import { page } from '../common/vscodeApi.ts';

export { monaco };

declare global {
  interface Window {
    MonacoEnvironment?: { getWorker(): Promise<Worker> };
  }
}

// Pages of the editor have an origin of their own, so that a worker can only start from a blob.
window.MonacoEnvironment = {
  async getWorker() {
    const source = await (await fetch(`${page.root}/editorWorker.js`)).text();
    const address = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
    const worker = new Worker(address);
    URL.revokeObjectURL(address);
    return worker;
  },
};

/** Colours of ours that follow theme variables of the editor. */
const colours: Readonly<Record<string, string>> = {
  'editor.background': 'editor-background',
  'editor.foreground': 'editor-foreground',
  'editor.lineHighlightBackground': 'editor-lineHighlightBackground',
  'editor.lineHighlightBorder': 'editor-lineHighlightBorder',
  'editor.selectionBackground': 'editor-selectionBackground',
  'editor.inactiveSelectionBackground': 'editor-inactiveSelectionBackground',
  'editor.wordHighlightBackground': 'editor-wordHighlightBackground',
  'editor.findMatchBackground': 'editor-findMatchBackground',
  'editor.findMatchHighlightBackground': 'editor-findMatchHighlightBackground',
  'editorCursor.foreground': 'editorCursor-foreground',
  'editorLineNumber.foreground': 'editorLineNumber-foreground',
  'editorLineNumber.activeForeground': 'editorLineNumber-activeForeground',
  'editorWidget.background': 'editorWidget-background',
  'editorWidget.border': 'editorWidget-border',
  'editorWidget.foreground': 'editorWidget-foreground',
  'editorHoverWidget.background': 'editorHoverWidget-background',
  'editorHoverWidget.border': 'editorHoverWidget-border',
  'editorHoverWidget.foreground': 'editorHoverWidget-foreground',
  'editorSuggestWidget.background': 'editorSuggestWidget-background',
  'editorSuggestWidget.border': 'editorSuggestWidget-border',
  'editorSuggestWidget.foreground': 'editorSuggestWidget-foreground',
  'editorSuggestWidget.highlightForeground': 'editorSuggestWidget-highlightForeground',
  'editorSuggestWidget.selectedBackground': 'editorSuggestWidget-selectedBackground',
  'editorSuggestWidget.selectedForeground': 'editorSuggestWidget-selectedForeground',
  'editorSuggestWidget.focusHighlightForeground': 'editorSuggestWidget-focusHighlightForeground',
  'editorError.foreground': 'editorError-foreground',
  'editorWarning.foreground': 'editorWarning-foreground',
  'editorInfo.foreground': 'editorInfo-foreground',
  'input.background': 'input-background',
  'input.foreground': 'input-foreground',
  'input.border': 'input-border',
  focusBorder: 'focusBorder',
  foreground: 'foreground',
  contrastBorder: 'contrastBorder',
  'menu.background': 'menu-background',
  'menu.foreground': 'menu-foreground',
  'menu.selectionBackground': 'menu-selectionBackground',
  'menu.selectionForeground': 'menu-selectionForeground',
};

/** `#rrggbbaa`, the one form of colour that the code editor takes, or undefined for what is no colour. */
function hexColour(css: string, context: CanvasRenderingContext2D): string | undefined {
  if (css === '') return undefined;
  context.clearRect(0, 0, 1, 1);
  context.fillStyle = '#01020304';
  context.fillStyle = css;
  context.fillRect(0, 0, 1, 1);
  const parsed = context.fillStyle;
  if (parsed.startsWith('#')) return parsed;
  const parts = /rgba?\(([^)]+)\)/.exec(parsed)?.[1]?.split(',').map(Number);
  if (!parts || parts.length < 3) return undefined;
  const byte = (n: number): string => Math.round(n).toString(16).padStart(2, '0');
  return `#${byte(parts[0]!)}${byte(parts[1]!)}${byte(parts[2]!)}${byte((parts[3] ?? 1) * 255)}`;
}

/** Draws the code editor in the current theme, now and whenever the theme changes. */
export function followTheme(): void {
  const context = document.createElement('canvas').getContext('2d', { willReadFrequently: true })!;
  const apply = (): void => {
    const style = getComputedStyle(document.documentElement);
    const body = getComputedStyle(document.body);
    const found: Record<string, string> = {};
    for (const [name, variable] of Object.entries(colours)) {
      const value = (
        style.getPropertyValue(`--vscode-${variable}`) || body.getPropertyValue(`--vscode-${variable}`)
      ).trim();
      const hex = hexColour(value, context);
      if (hex) found[name] = hex;
    }
    const classes = document.body.classList;
    const base = classes.contains('vscode-high-contrast-light')
      ? 'hc-light'
      : classes.contains('vscode-high-contrast')
        ? 'hc-black'
        : classes.contains('vscode-light')
          ? 'vs'
          : 'vs-dark';
    monaco.editor.defineTheme('tunesmith', { base, inherit: true, rules: [], colors: found });
    monaco.editor.setTheme('tunesmith');
  };
  apply();
  const observer = new MutationObserver(apply);
  observer.observe(document.body, { attributes: true, attributeFilter: ['class'] });
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ['style'] });
}
