/** Names, scopes and blocks of a Jinja template, as the renderer scopes them: loops and macros have a scope of their own, `if` has none. */
import { l10n } from '../../base/l10n.ts';
import { type Segment, scanJinja } from '../prompts/jinjaScanner.ts';
import type { TextRange } from '../prompts/template.ts';
import type { Binding, Block, BodyModel, BodyProblem, NameUse, Tag } from './bodyModel.ts';
import { jinjaFilters, jinjaFunctions, jinjaTags, jinjaTests } from './jinjaWords.ts';
import { nearest } from './nearest.ts';

interface Word {
  readonly text: string;
  readonly start: number;
  readonly isName: boolean;
}

interface Open {
  readonly name: string;
  readonly tag: TextRange;
  readonly captures: boolean;
  readonly scope?: Map<string, Binding>;
  /** Bound when the block closes: the name of a `set` without `=`. */
  readonly binds?: Binding;
}

export function jinjaBody(source: string, offset: number): BodyModel {
  return new JinjaReader(source, offset).read();
}

const keywords = new Set('and or not in is if else recursive with without context'.split(' '));
const constants = new Set('true false none True False None'.split(' '));
const guards = new Set(['defined', 'undefined', 'none']);
const middle: Readonly<Record<string, readonly string[]>> = { elif: ['if'], else: ['if', 'for'] };

class JinjaReader {
  readonly #source: string;
  readonly #offset: number;
  readonly #names: NameUse[] = [];
  readonly #blocks: Block[] = [];
  readonly #problems: BodyProblem[] = [];
  readonly #open: Open[] = [];
  readonly #scopes: Map<string, Binding>[] = [new Map()];
  readonly #filters = new Set(jinjaFilters().map(({ name }) => name));
  readonly #tests = new Set(jinjaTests().map(({ name }) => name));
  readonly #functions = new Set(jinjaFunctions().map(({ name }) => name));
  readonly #tagNames = jinjaTags().flatMap(({ name, closes }) => (closes ? [name, closes] : [name]));

  constructor(source: string, offset: number) {
    this.#source = source;
    this.#offset = offset;
  }

  read(): BodyModel {
    const { segments, problem } = scanJinja(this.#source);
    const tags: Tag[] = [];
    for (const segment of segments) {
      if (segment.kind === 'text') continue;
      const { kind, start, end, innerStart, innerEnd } = segment;
      tags.push({ kind, range: this.#range(start, end), inner: this.#range(innerStart, innerEnd) });
      if (kind === 'expression') this.#expression(this.#words(segment));
      else if (kind === 'statement') this.#statement(segment);
    }
    const end = this.#range(this.#source.length, this.#source.length);
    for (const { name, tag, captures } of this.#open.reverse()) {
      this.#blocks.push({ name, open: tag, close: end, captures });
      // A tag that is not closed swallows what would close the block.
      if (problem) continue;
      const missing = `{% end${name} %}`;
      this.#report(l10n.t('The block “{0}” is not closed. Add “{1}”.', name, missing), tag, { missing });
    }
    return { tags, names: this.#names, blocks: this.#blocks, problems: this.#problems };
  }

  #range(start: number, end: number): TextRange {
    return { start: start + this.#offset, end: end + this.#offset };
  }

  #at(word: Word): TextRange {
    return this.#range(word.start, word.start + word.text.length);
  }

  #report(message: string, range: TextRange, more: Pick<BodyProblem, 'meant' | 'missing'> = {}): void {
    this.#problems.push({ severity: 'error', code: 'template-syntax', message, range, ...more });
  }

  #words({ innerStart, innerEnd }: Segment): Word[] {
    const pattern = /[A-Za-z_]\w*|\d[\w.]*|==|!=|<=|>=|"(?:[^"\\]|\\[\s\S])*"?|'(?:[^'\\]|\\[\s\S])*'?|\S/g;
    return Array.from(this.#source.slice(innerStart, innerEnd).matchAll(pattern), match => ({
      text: match[0],
      start: innerStart + match.index,
      isName: /^[A-Za-z_]/.test(match[0]),
    }));
  }

  #statement(segment: Segment): void {
    const [tag, ...words] = this.#words(segment);
    if (!tag) return;
    const range = this.#range(segment.start, segment.end);
    this.#names.push({ kind: 'tag', name: tag.text, range: this.#at(tag) });
    if (tag.text.startsWith('end') && this.#tagNames.includes(tag.text)) {
      this.#close(tag, range);
      return;
    }
    const open = (more: Partial<Open> = {}): void => {
      this.#open.push({ name: tag.text, tag: range, captures: false, ...more });
      if (more.scope) this.#scopes.push(more.scope);
    };
    switch (tag.text) {
      case 'for':
        open({ scope: this.#for(words) });
        break;
      case 'set': {
        const binds = this.#set(words);
        if (binds) open({ binds, captures: true });
        break;
      }
      case 'macro':
        open({ scope: this.#macro(words), captures: true });
        break;
      case 'call':
        open({ scope: this.#call(words), captures: true });
        break;
      case 'filter':
        this.#filter(words[0]);
        this.#expression(words.slice(1));
        open({ captures: true });
        break;
      case 'if':
        this.#expression(words);
        open();
        break;
      case 'elif':
      case 'else':
        this.#expression(words);
        this.#middle(tag);
        break;
      case 'break':
      case 'continue':
        break;
      default: {
        const meant = nearest(tag.text, this.#tagNames);
        this.#report(l10n.t('There is no tag “{0}”.', tag.text), this.#at(tag), { meant });
      }
    }
  }

  #middle(tag: Word): void {
    const around = this.#open.at(-1)?.name;
    if (around !== undefined && middle[tag.text]!.includes(around)) return;
    this.#report(l10n.t('“{0}” belongs inside “if”. Remove this tag.', tag.text), this.#at(tag));
  }

  #close(tag: Word, range: TextRange): void {
    const name = tag.text.slice(3);
    const found = this.#open.findLastIndex(block => block.name === name);
    if (found === -1) {
      const open = this.#open.at(-1)?.name;
      const message = l10n.t('No block “{0}” is open here. Remove this tag or correct its name.', name);
      this.#report(message, this.#at(tag), { meant: open === undefined ? [] : [`end${open}`] });
      return;
    }
    // Blocks inside that were left open.
    for (const block of this.#open.splice(found).reverse()) {
      if (block.scope) this.#scopes.pop();
      this.#blocks.push({ name: block.name, open: block.tag, close: range, captures: block.captures });
      if (block.binds) this.#scopes.at(-1)!.set(block.binds.name, block.binds);
      if (block.name === name) break;
      const missing = `{% end${block.name} %}`;
      this.#report(l10n.t('The block “{0}” is not closed. Add “{1}”.', block.name, missing), block.tag);
    }
  }

  #for(words: readonly Word[]): Map<string, Binding> {
    const scope = new Map<string, Binding>();
    const at = words.findIndex(({ text }) => text === 'in');
    const condition = words.findIndex(({ text }, index) => index > at && text === 'if');
    const items = words.slice(at + 1, condition === -1 ? undefined : condition);
    this.#expression(items);
    const over = items.length === 1 && items[0]!.isName ? items[0]!.text : undefined;
    for (const word of words.slice(0, Math.max(0, at))) {
      if (!word.isName) continue;
      const binding: Binding = { kind: 'loop', name: word.text, range: this.#at(word), over };
      scope.set(word.text, binding);
      this.#bind(binding);
    }
    if (condition !== -1) {
      this.#scopes.push(scope);
      this.#expression(words.slice(condition));
      this.#scopes.pop();
    }
    return scope;
  }

  /** The binding of a block whose text is the value; one with `=` is bound at once. */
  #set(words: readonly Word[]): Binding | undefined {
    const at = words.findIndex(({ text }) => text === '=');
    if (at !== -1) this.#expression(words.slice(at + 1));
    const left = at === -1 ? words : words.slice(0, at);
    // `namespace.field`: the namespace is used, not bound.
    if (left[1]?.text === '.') {
      this.#expression(left);
      return undefined;
    }
    const bindings = left
      .filter(({ isName }) => isName)
      .map((word): Binding => ({ kind: 'set', name: word.text, range: this.#at(word) }));
    for (const binding of bindings) {
      this.#bind(binding);
      if (at !== -1) this.#scopes.at(-1)!.set(binding.name, binding);
    }
    return at === -1 ? bindings[0] : undefined;
  }

  #macro(words: readonly Word[]): Map<string, Binding> {
    const [name] = words;
    if (name?.isName) {
      const binding: Binding = { kind: 'macro', name: name.text, range: this.#at(name) };
      this.#scopes.at(-1)!.set(name.text, binding);
      this.#bind(binding);
    }
    const scope = this.#parameters(words.slice(1));
    for (const given of ['caller', 'varargs', 'kwargs']) scope.set(given, built(given));
    return scope;
  }

  #call(words: readonly Word[]): Map<string, Binding> {
    const at = words[0]?.text === '(' ? words.findIndex(({ text }) => text === ')') : -1;
    const scope = this.#parameters(words.slice(0, at + 1));
    this.#expression(words.slice(at + 1));
    return scope;
  }

  /** Names after `(` or `,`; what follows `=` is their default. */
  #parameters(words: readonly Word[]): Map<string, Binding> {
    const scope = new Map<string, Binding>();
    const defaults: Word[] = [];
    words.forEach((word, i) => {
      const before = words[i - 1]?.text;
      if (word.isName && (before === '(' || before === ',')) {
        const binding: Binding = { kind: 'parameter', name: word.text, range: this.#at(word) };
        scope.set(word.text, binding);
        this.#bind(binding);
      } else if (before === '=') defaults.push(word);
    });
    for (const word of defaults) this.#expression([word]);
    return scope;
  }

  #bind(binding: Binding): void {
    this.#names.push({ kind: 'variable', name: binding.name, range: binding.range, binding });
  }

  #filter(word: Word | undefined): void {
    if (!word?.isName) return;
    this.#names.push({ kind: 'filter', name: word.text, range: this.#at(word) });
    if (this.#filters.has(word.text)) return;
    const meant = nearest(word.text, [...this.#filters]);
    this.#report(l10n.t('There is no filter “{0}”.', word.text), this.#at(word), { meant });
  }

  #test(word: Word): void {
    this.#names.push({ kind: 'test', name: word.text, range: this.#at(word) });
    if (this.#tests.has(word.text)) return;
    this.#report(l10n.t('There is no test “{0}”.', word.text), this.#at(word), {
      meant: nearest(word.text, [...this.#tests]),
    });
  }

  #expression(words: readonly Word[]): void {
    /** The last variable, for the properties that follow it. */
    let variable: number | undefined;
    for (let i = 0; i < words.length; i++) {
      const word = words[i]!;
      const before = words[i - 1]?.text;
      const isTest = before === 'is' || (before === 'not' && words[i - 2]?.text === 'is');
      if (!word.isName) continue;
      if (before === '|') {
        this.#filter(word);
        if (word.text === 'default') this.#guard(variable);
      } else if (isTest && word.text !== 'not') {
        this.#test(word);
        if (guards.has(word.text)) this.#guard(variable);
      } else if (before === '.') {
        const of = variable === undefined ? undefined : this.#names[variable];
        this.#names.push({ kind: 'property', name: word.text, range: this.#at(word), ...(of ? { of } : {}) });
      } else if (keywords.has(word.text) || constants.has(word.text)) continue;
      else if (words[i + 1]?.text === '=' && (before === '(' || before === ',')) continue;
      else {
        const binding = this.#lookUp(word.text);
        const kind = !binding && this.#functions.has(word.text) ? 'function' : 'variable';
        variable = this.#names.length;
        this.#names.push({ kind, name: word.text, range: this.#at(word), ...(binding ? { binding } : {}) });
      }
    }
  }

  #guard(index: number | undefined): void {
    if (index !== undefined) this.#names[index] = { ...this.#names[index]!, guarded: true };
  }

  #lookUp(name: string): Binding | undefined {
    const inner = this.#scopes.findLast(scope => scope.has(name))?.get(name);
    return inner ?? (name === 'loop' && this.#open.some(block => block.name === 'for') ? built('loop') : undefined);
  }
}

/** What Jinja itself binds; it stands nowhere. */
const built = (name: string): Binding => ({ kind: 'parameter', name, range: { start: -1, end: -1 } });
