/** What the parts of the page's store need of it. */
import type { playgroundContract } from '../../src/protocol/playground.ts';
import type { Column } from '../../src/protocol/playgroundCells.ts';
import type { Remote } from '../../src/protocol/rpc.ts';

export type Topic =
  | 'template'
  | 'preview'
  | 'models'
  | 'setup'
  | 'columns'
  | 'cells'
  | 'run'
  | 'document'
  | 'page'
  | 'detail'
  | 'scores'
  | 'sweep'
  | 'history';

export interface PagePort {
  readonly host: Remote<typeof playgroundContract.toHost>;
  /** Those that are shown. */
  readonly columns: readonly Column[];
  /** Past answers are only read. */
  readonly readOnly: boolean;
  /** Waits for the host; what it refuses is shown as a line of the page. */
  ask<T>(reply: Promise<T>): Promise<T | undefined>;
  changed(topic: Topic): void;
  /** Shows that something did not work; undefined: all is well. */
  report(problem: string | undefined): void;
}
