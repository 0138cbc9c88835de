/** The files of a project that say how answers are judged: settings and guidelines. Read anew each time they are asked for. */
import { createHash } from 'node:crypto';
import { realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';
import { HumanError, isHumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import { noProject, parseRankingProject, type RankingProject } from '../core/preferences/rankingSettings.ts';
import { readTextFile, type WorkspaceLayout } from './workspaceLayout.ts';

/** The settings' file, from the workspace's root. */
export const rankingSettingsFile = '.tunesmith/ranking.yml';

/** Bytes. */
const longestGuidelines = 1 << 18;

export interface Guidelines {
  /** From the workspace's root, with slashes. */
  readonly path: string;
  readonly text: string;
  /** First 12 hex digits of the SHA-256 of the text with line feeds alone, so that git's line ends do not count. */
  readonly version: string;
}

/** The project's settings; a file that is broken counts as none and is named in `problem`. */
export async function readRankingProject(
  layout: WorkspaceLayout,
): Promise<{ readonly project: RankingProject; readonly problem?: HumanError }> {
  try {
    const text = await readTextFile(join(layout.root, rankingSettingsFile));
    return { project: text === undefined ? noProject : parseRankingProject(text, rankingSettingsFile) };
  } catch (error) {
    if (isHumanError(error)) return { project: noProject, problem: error };
    const problem = l10n.t('This file cannot be read ({0}). Check its permissions.', String((error as Error).message));
    return { project: noProject, problem: new HumanError(problem, { place: { file: rankingSettingsFile } }) };
  }
}

/** Undefined when there is no such file. Throws a HumanError for one outside of the workspace, or too long to read. */
export async function readGuidelines(layout: WorkspaceLayout, path: string): Promise<Guidelines | undefined> {
  const refuse = (message: string): never => {
    throw new HumanError(message, { place: { file: rankingSettingsFile } });
  };
  const file = join(layout.root, path);
  const outside = (from: string, to: string): boolean => {
    const way = relative(from, to);
    return way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way);
  };
  if (isAbsolute(path) || outside(layout.root, file))
    refuse(l10n.t('The guidelines “{0}” lie outside of the workspace. Name a file in it.', path));
  const found = await stat(file).catch(() => undefined);
  if (!found?.isFile()) return undefined;
  if (outside(await realpath(layout.root), await realpath(file)))
    refuse(l10n.t('The guidelines “{0}” lie outside of the workspace. Name a file in it.', path));
  if (found.size > longestGuidelines)
    refuse(l10n.t('The guidelines “{0}” are longer than {1} kB.', path, longestGuidelines >> 10));
  const text = ((await readTextFile(file)) ?? '').replaceAll('\r\n', '\n');
  const version = createHash('sha256').update(text).digest('hex').slice(0, 12);
  return { path: relative(layout.root, file).split(sep).join('/'), text, version };
}
