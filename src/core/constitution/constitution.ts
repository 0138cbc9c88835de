/** A constitution: principles by which a model criticises and revises its own answers, and compares two (Bai et al. 2022, arXiv 2212.08073). */
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import { Rng } from '../../base/rng.ts';

export interface Principle {
  readonly name: string;
  /** Asks the model what is wrong with an answer. */
  readonly critique: string;
  /** Asks the model to write the answer anew. */
  readonly revision: string;
  /** Says which of two answers is better; a principle without it takes no part in comparing. */
  readonly preference?: string;
}

export interface Constitution {
  readonly name: string;
  readonly principles: readonly Principle[];
}

/** Characters. */
const longest = 1 << 20;
const known = ['name', 'critique', 'revision', 'preference'];

/**
 * YAML: `name` and `principles`, each with `critique` and `revision`, and `name` and `preference` if wanted. Throws a HumanError
 * with file and line for everything that is no constitution, one without principles included.
 */
export function parseConstitution(text: string, file: string): Constitution {
  const lines = new LineCounter();
  const refuse = (message: string, at?: number): never => {
    throw new HumanError(message, { place: { file, line: at === undefined ? 1 : lines.linePos(at).line } });
  };
  if (text.length > longest) refuse(l10n.t('The file is longer than {0} MB.', 1));
  const document = parseDocument(text, { prettyErrors: false, logLevel: 'silent', lineCounter: lines });
  const [error] = document.errors;
  if (error) refuse(l10n.t('This YAML is broken: {0}.', error.message.replace(/\.$/, '')), error.pos[0]);
  const root = document.contents;
  if (!isMap(root)) return refuse(l10n.t('A constitution is a mapping with “name” and “principles”.'));
  const start = (node: unknown): number | undefined => (node as Node | null | undefined)?.range?.[0];
  const list = root.get('principles', true);
  if (list === undefined || (isScalar(list) && list.value === null) || (isSeq(list) && list.items.length === 0))
    return refuse(
      l10n.t('This constitution has no principles. Add at least one, with “critique” and “revision”.'),
      start(list),
    );
  if (!isSeq(list)) return refuse(l10n.t('“principles” must be a list.'), start(list));
  const principles: Principle[] = [];
  for (const [i, item] of list.items.entries()) {
    if (!isMap(item)) return refuse(l10n.t('A principle needs “critique” and “revision”.'), start(item));
    const textOf = (key: string, isNeeded: boolean): string | undefined => {
      const node = item.get(key, true);
      if (node === undefined && !isNeeded) return undefined;
      if (isScalar(node) && typeof node.value === 'string' && node.value.trim() !== '') return node.value.trim();
      return refuse(
        l10n.t('Principle {0} needs a text in “{1}”.', i + 1, key),
        start(node === undefined ? item : node),
      );
    };
    for (const { key } of item.items) {
      const written = isScalar(key) ? String(key.value) : '';
      if (!known.includes(written))
        refuse(l10n.t('A principle has no “{0}”. It has: {1}.', written, known.join(', ')), start(key));
    }
    const name = textOf('name', false) ?? String(i + 1);
    if (principles.some(other => other.name === name))
      refuse(l10n.t('There are two principles “{0}”. Give them different names.', name), start(item));
    const preference = textOf('preference', false);
    const [critique, revision] = [textOf('critique', true)!, textOf('revision', true)!];
    principles.push({ name, critique, revision, ...(preference !== undefined && { preference }) });
  }
  const title: unknown = root.get('name', true);
  if (title === undefined) return { name: fileName(file), principles };
  const name: unknown = isScalar(title) ? title.value : undefined;
  if (typeof name === 'string' && name.trim() !== '') return { name: name.trim(), principles };
  return refuse(l10n.t('The name of a constitution must be a text.'), start(title));
}

const fileName = (file: string): string => file.replace(/^.*[/\\]/, '').replace(/\.[^.]*$/, '');

/** Principles in an order that depends on the seed and on `what` alone: a round takes the next one, the first again after the last. */
export const drawPrinciples = (principles: readonly Principle[], seed: number, what: string): Principle[] =>
  Rng.seeded(seed).stream('principles', what).shuffled(principles);
