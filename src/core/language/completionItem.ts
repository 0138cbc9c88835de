/** One thing that can be written at a place of a template. */
import type { TextRange } from '../prompts/template.ts';

export type CompletionKind =
  | 'key'
  | 'value'
  | 'input'
  | 'local'
  | 'field'
  | 'filter'
  | 'function'
  | 'tag'
  | 'role'
  | 'model'
  | 'file'
  | 'template';

export interface Completion {
  readonly label: string;
  readonly kind: CompletionKind;
  /** What stands in place of `range`; a snippet has `$1`, `${1:…}`, `$0`. */
  readonly insert: string;
  readonly isSnippet?: boolean;
  readonly range: TextRange;
  /** One line. */
  readonly detail?: string;
  /** Markdown. */
  readonly doc?: string;
  /** What typing is compared with, where it is not the label. */
  readonly filter?: string;
  /** Asks again at once: there is more to choose. */
  readonly again?: boolean;
}
