/** What everything that a playground runs needs of the editor: models' answers, limits, and where runs lie. */
import * as vscode from 'vscode';
import type { Logger } from '../../base/logger.ts';
import type { MatchPattern } from '../../core/evaluation/answers.ts';
import type { Dispatcher } from '../../core/evaluation/dispatch.ts';
import type { ForecastLimits } from '../../core/evaluation/forecastRun.ts';
import type { WorkspaceLayout } from '../../storage/workspaceLayout.ts';
import { setting } from '../config.ts';
import type { Services } from '../services.ts';

export interface RunTools {
  readonly logger: Logger;
  showError(error: unknown): void;
  dispatcher(): Promise<Dispatcher>;
  match(): Promise<MatchPattern>;
  /** What a run must exceed to be asked about first. */
  limits(): ForecastLimits;
  /** Where runs lie; undefined where there is no folder on disk. */
  layout(): WorkspaceLayout | undefined;
  /** The template's, relative to the workspace folder. */
  readonly path: string;
}

export const runToolsOf = (services: Services, uri: vscode.Uri): RunTools => ({
  logger: services.logger,
  showError: error => services.showError(error),
  dispatcher: () => services.dispatcher(),
  match: async () => {
    const evaluator = await services.evaluator();
    return evaluator.match.bind(evaluator);
  },
  limits: () => ({ calls: setting('forecastCalls', uri), cost: setting('forecastCost', uri) }),
  layout: () => (services.workspaceFolder(uri)?.uri.scheme === 'file' ? services.layout(uri) : undefined),
  path: vscode.workspace.asRelativePath(uri, false).replaceAll('\\', '/'),
});
