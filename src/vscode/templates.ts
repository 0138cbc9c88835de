/** The templates of the workspace. */
import * as vscode from 'vscode';

export interface FoundTemplate {
  readonly uri: vscode.Uri;
  /** File name without its ending. */
  readonly name: string;
  /** Folder relative to the workspace, empty at its top. */
  readonly folder: string;
}

const excluded = '**/{node_modules,.tunesmith,.git,.venv,dist,out}/**';

/** All `.prompty` files, by folder and name. */
export async function findTemplates(): Promise<FoundTemplate[]> {
  const uris = await vscode.workspace.findFiles('**/*.prompty', excluded, 2000);
  return uris
    .map(uri => {
      const relative = vscode.workspace.asRelativePath(uri, false);
      const slash = relative.lastIndexOf('/');
      return {
        uri,
        name: relative.slice(slash + 1).replace(/\.prompty$/, ''),
        folder: slash === -1 ? '' : relative.slice(0, slash),
      };
    })
    .sort((a, b) => a.folder.localeCompare(b.folder) || a.name.localeCompare(b.name));
}
