/** What stands in a template's tags: names with what they refer to, blocks, and what is wrong; the same for Jinja and Mustache. */
import type { Diagnostic, TextRange } from '../prompts/template.ts';

/** A name that the template gives to something itself. */
export interface Binding {
  readonly kind: 'loop' | 'set' | 'macro' | 'parameter';
  readonly name: string;
  /** Where it is bound. */
  readonly range: TextRange;
  /** What a loop goes over, where that is a plain name. */
  readonly over?: string;
}

export interface NameUse {
  readonly kind: 'variable' | 'property' | 'filter' | 'test' | 'function' | 'tag';
  readonly name: string;
  readonly range: TextRange;
  /** Of a variable: the template's own; absent where the value comes from outside. */
  readonly binding?: Binding;
  /** Of a property: the variable that it is looked up in. */
  readonly of?: NameUse;
  /** Used so that it may be missing. */
  readonly guarded?: boolean;
}

export interface Tag {
  readonly kind: 'expression' | 'statement' | 'comment';
  /** With the delimiters. */
  readonly range: TextRange;
  readonly inner: TextRange;
}

export interface Block {
  readonly name: string;
  /** The tags that open and close it; `close` is empty at the end of the text where it is left open. */
  readonly open: TextRange;
  readonly close: TextRange;
  /** Its text becomes a value (a macro, `set` without `=`, a filter): white space in it can matter. */
  readonly captures: boolean;
}

export interface BodyProblem extends Diagnostic {
  /** Names that may be meant, to stand in its range. */
  readonly meant?: readonly string[];
  /** What closes it, for the end of the text. */
  readonly missing?: string;
}

export interface BodyModel {
  readonly tags: readonly Tag[];
  readonly names: readonly NameUse[];
  readonly blocks: readonly Block[];
  readonly problems: readonly BodyProblem[];
}
