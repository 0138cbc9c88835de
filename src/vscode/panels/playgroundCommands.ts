/** Commands that open a playground or act on the one in front, and playgrounds that come back with the window. */
import * as v from 'valibot';
import * as vscode from 'vscode';
import { SetupSchema } from '../../protocol/playground.ts';
import { PanelTypes } from '../commandIds.ts';
import type { Services } from '../services.ts';
import { webviewOptions } from '../webview.ts';
import { openPanels, type PageCommand, PlaygroundPanel, remembered, titleOf } from './playgroundPanel.ts';

/** What the page saves for a reload of the window. */
const SavedSchema = v.object({ uri: v.nullish(v.string()), setup: v.nullish(SetupSchema) });

/** `model`: an id that is added beside the models that are there, in the playground that was used last. */
export async function openPlayground(
  services: Services,
  target?: unknown,
  { model }: { readonly model?: string } = {},
): Promise<PlaygroundPanel> {
  const panel = show(services, target, model !== undefined);
  if (model !== undefined) await panel.addModel(model);
  return panel;
}

function show(services: Services, target: unknown, anyPanel: boolean): PlaygroundPanel {
  const uri = uriOf(target);
  const active = anyPanel && !(target instanceof vscode.Uri) ? PlaygroundPanel.active : undefined;
  if (active) {
    active.reveal();
    return active;
  }
  const known = [...openPanels].find(panel => panel.uri?.toString() === uri?.toString());
  if (known) {
    known.reveal();
    return known;
  }
  remembered(services).keep(shownUris());
  const beside = vscode.window.activeTextEditor?.document.uri.toString() === uri?.toString() && uri !== undefined;
  const panel = vscode.window.createWebviewPanel(
    PanelTypes.playground,
    titleOf(uri),
    beside ? vscode.ViewColumn.Beside : vscode.ViewColumn.Active,
    webviewOptions(services.context.extensionUri),
  );
  return new PlaygroundPanel(services, panel, uri);
}

export async function runTemplate(services: Services, target?: unknown): Promise<void> {
  const panel = await openPlayground(services, target);
  await panel.run();
}

/** As `runTemplate`, asking the models anew. */
export async function runFresh(services: Services, target?: unknown): Promise<void> {
  const shown = uriOf(target) ? undefined : PlaygroundPanel.active;
  const panel = shown ?? (await openPlayground(services, target));
  await panel.run({ fresh: true });
}

/** Commands of the playground that was used last, or of the template in front: the page does them, and shows that it does. */
const onPage =
  (command: PageCommand) =>
  async (services: Services, target?: unknown): Promise<void> => {
    const shown = uriOf(target) ? undefined : PlaygroundPanel.active;
    const panel = shown ?? (await openPlayground(services, target));
    panel.reveal();
    await panel.command(command);
  };
export const showRuns = onPage('history');
export const runFailed = onPage('failed');
export const runChanged = onPage('changed');
export const resumeRun = onPage('resume');
export const sweepShots = onPage('sweep');

/** Rows that a look at variants or scores begins with; the page runs all of them. */
const FirstRows = 12;

/** The template's variants side by side on its first rows. */
export async function compareVariants(services: Services, target?: unknown): Promise<void> {
  const panel = await openPlayground(services, target);
  await panel.run({ first: FirstRows });
}

/** How likely the template's candidates are, on its first rows. */
export async function scoreTemplate(services: Services, target?: unknown): Promise<void> {
  const panel = await openPlayground(services, target);
  await panel.score(FirstRows);
}

export function restorePlayground(services: Services, panel: vscode.WebviewPanel, state: unknown): void {
  const saved = v.safeParse(SavedSchema, state);
  const own = saved.success && saved.output.uri ? saved.output : undefined;
  const found =
    own ??
    remembered(services).claim({
      others: shownUris(),
      alone: vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs).filter(isPlayground).length < 2,
      isTitleOf: uri => titleOf(vscode.Uri.parse(uri)) === panel.title,
    });
  panel.webview.options = webviewOptions(services.context.extensionUri);
  new PlaygroundPanel(services, panel, found?.uri ? vscode.Uri.parse(found.uri) : undefined, found?.setup ?? undefined);
}

const shownUris = (): Set<string> => new Set([...openPanels].flatMap(({ uri }) => (uri ? [uri.toString()] : [])));
/** The editor puts its own words before the type. */
const isPlayground = ({ input }: vscode.Tab): boolean =>
  input instanceof vscode.TabInputWebview && input.viewType.endsWith(PanelTypes.playground);

/** What a menu, a tree or a CodeLens hands over; else the template in front. */
function uriOf(target: unknown): vscode.Uri | undefined {
  if (target instanceof vscode.Uri) return target;
  const inside = target && typeof target === 'object' ? (target as { uri?: unknown }).uri : undefined;
  if (inside instanceof vscode.Uri) return inside;
  const active = vscode.window.activeTextEditor?.document;
  return active?.languageId === 'prompty' ? active.uri : undefined;
}

/** The template that a command of the palette means: what it was given, the text in front, or the playground's. */
export function templateInFront(target: unknown): vscode.Uri | undefined {
  const uri = uriOf(target) ?? [...openPanels].find(panel => panel.isActive)?.uri;
  return uri?.path.endsWith('.prompty') ? uri : undefined;
}
