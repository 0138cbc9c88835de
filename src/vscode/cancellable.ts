/** Work with its progress in a notification, which can cancel it. */
import * as vscode from 'vscode';

export interface OpenProgress {
  report(done: number, total: number, message: string): void;
  close(): void;
}

/** Stays until it is closed or cancelled. */
export function openProgress(title: string, cancelled: () => void): OpenProgress {
  let close = (): void => {};
  const closed = new Promise<void>(resolve => {
    close = resolve;
  });
  let report: OpenProgress['report'] = () => {};
  void vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title, cancellable: true },
    (notification, token) => {
      token.onCancellationRequested(() => {
        cancelled();
        close();
      });
      let shown = 0;
      report = (done, total, message) => {
        const percent = (100 * done) / total;
        notification.report({ increment: percent - shown, message });
        shown = percent;
      };
      return closed;
    },
  );
  return { report: (...call) => report(...call), close: () => close() };
}

/** What `run` rejects with, an AbortError where the person cancelled. */
export async function cancellable<T>(
  title: string,
  run: (signal: AbortSignal, report: OpenProgress['report']) => Promise<T>,
): Promise<T> {
  const abort = new AbortController();
  const progress = openProgress(title, () => abort.abort());
  try {
    return await run(abort.signal, progress.report);
  } finally {
    progress.close();
  }
}
