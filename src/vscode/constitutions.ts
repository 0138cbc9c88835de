/** Constitutions of the workspace: finding them, reading them as they stand in the editor, asking for one. */
import path from 'node:path';
import * as vscode from 'vscode';
import { HumanError } from '../base/errors.ts';
import { type Constitution, parseConstitution } from '../core/constitution/constitution.ts';
import type { Choice, QuickSteps } from './quickSteps.ts';
import type { Services } from './services.ts';

/** From the extension's folder. */
const own = 'samples/constitutions/kind-replies.yaml';
/** Files of the workspace that are looked into. */
const most = 500;

/** A YAML file with a list of principles, each with a critique and a revision: other YAML is none of ours. */
export const looksLikeConstitution = ({ languageId, uri, ...document }: vscode.TextDocument): boolean =>
  languageId === 'yaml' && isConstitution(uri, document.getText());

const isConstitution = ({ path: file }: vscode.Uri, text: string): boolean =>
  /constitution/i.test(file) || (/^principles\s*:/m.test(text) && /^[\s-]*(critique|revision)\s*:/m.test(text));

/** As it stands in an editor, else on disk. Rejects with a HumanError with file and line. */
export async function readConstitution(uri: vscode.Uri): Promise<Constitution> {
  const open = vscode.workspace.textDocuments.find(document => document.uri.toString() === uri.toString());
  const file = vscode.workspace.asRelativePath(uri, false);
  const text = open?.getText() ?? (await textOf(uri));
  if (text === undefined)
    throw new HumanError(vscode.l10n.t('This file cannot be read. Choose another.'), { place: { file } });
  return parseConstitution(text, file);
}

/** The one in front or given, if it is one. */
export function constitutionInFront(given: unknown): vscode.Uri | undefined {
  if (given instanceof vscode.Uri) return given;
  const document = vscode.window.activeTextEditor?.document;
  return document && looksLikeConstitution(document) ? document.uri : undefined;
}

/** Those of the workspace, then the one that comes with Tunesmith. */
async function constitutionChoices(services: Services): Promise<Choice<vscode.Uri>[]> {
  const found = await vscode.workspace.findFiles('**/*.{yaml,yml}', '**/{node_modules,.tunesmith,.git}/**', most);
  const choices: Choice<vscode.Uri>[] = [];
  for (const uri of found.sort((a, b) => a.path.localeCompare(b.path))) {
    const text = await textOf(uri);
    if (text === undefined || !isConstitution(uri, text)) continue;
    const file = vscode.workspace.asRelativePath(uri, false);
    const folder = path.posix.dirname(file);
    choices.push({
      label: `$(book) ${path.posix.basename(file)}`,
      description: folder === '.' ? '' : folder,
      value: uri,
    });
  }
  return [
    ...choices,
    {
      label: `$(book) ${path.posix.basename(own)}`,
      description: vscode.l10n.t('comes with Tunesmith; principles for replies to reviews'),
      value: vscode.Uri.joinPath(services.context.extensionUri, ...own.split('/')),
    },
  ];
}

/** The one that was given, else asks. Undefined when the person gave up; rejects for one that is wrong. */
export async function askConstitution(
  services: Services,
  steps: QuickSteps,
  given: vscode.Uri | undefined,
): Promise<Constitution | undefined> {
  const uri = given ?? (await steps.ask(vscode.l10n.t('By which constitution?'), await constitutionChoices(services)));
  return uri && readConstitution(uri);
}

const textOf = (uri: vscode.Uri): Promise<string | undefined> =>
  Promise.resolve(vscode.workspace.fs.readFile(uri)).then(
    bytes => new TextDecoder().decode(bytes),
    () => undefined,
  );
