/** What of a template a search varies: its instruction, or the trigger of its chain of thought; how it is read and replaced. */
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import type { Replacement } from '../../base/textChange.ts';
import { parseTemplate } from '../prompts/promptyFile.ts';
import { shownAs } from '../prompts/render.ts';
import type { Template, TextRange } from '../prompts/template.ts';
import { setFrontMatter } from '../prompts/templateEdits.ts';

export const Targets = ['instruction', 'trigger'] as const;
export type TargetKind = (typeof Targets)[number];

export type Target =
  | { readonly kind: 'instruction'; readonly text: string; readonly place: InstructionPlace }
  | { readonly kind: 'trigger'; readonly text: string };

/** An input `instruction` with a default, or a stretch of the body; `after` parts a new text from what follows. */
type InstructionPlace = { readonly path: readonly string[] } | { readonly range: TextRange; readonly after: string };

/** The trigger where the template reasons by one, else the instruction, unless `kind` says which. */
export function targetOf(template: Template, kind?: TargetKind): Target {
  const { strategy, trigger } = template.tunesmith.reasoning;
  const triggered = shownAs(strategy, template) === 'zero-shot-cot';
  if (kind === 'trigger' && !triggered) {
    throw new HumanError(
      l10n.t(
        'This template uses no trigger. Set “strategy: zero-shot-cot” under reasoning, or search its instruction.',
      ),
      { place: { file: template.file } },
    );
  }
  if (kind === 'trigger' || (kind === undefined && triggered)) return { kind: 'trigger', text: trigger };
  return { kind: 'instruction', ...instructionOf(template) };
}

/**
 * In this order: the default of an input named `instruction`; the literal start of the system message; the literal start of the
 * last user message. The literal start ends at the last blank line before the first tag, or at the tag where there is none.
 */
function instructionOf(template: Template): { readonly text: string; readonly place: InstructionPlace } {
  const input = template.inputs.find(({ name }) => name === 'instruction');
  if (typeof input?.default === 'string' && !Array.isArray(template.frontMatter.inputs)) {
    const written = (template.frontMatter.inputs as Record<string, unknown>).instruction;
    const path = typeof written === 'string' ? ['inputs', 'instruction'] : ['inputs', 'instruction', 'default'];
    return { text: input.default.trim(), place: { path } };
  }
  const all = messages(template);
  const message = all.find(({ role }) => role === 'system') ?? all.findLast(({ role }) => role === 'user');
  if (!message) {
    throw new HumanError(l10n.t('This template has no system or user message whose instruction could be varied.'), {
      place: { file: template.file },
    });
  }
  return literalStart(template.text, message.range, template.format === 'mustache' ? /\{\{/ : /\{[{%#]/);
}

function messages(template: Template): { role: string; range: TextRange }[] {
  const { roles, bodyRange, text } = template;
  const parts = roles.map(({ role, range }, i) => ({
    role: role as string,
    range: { start: range.end, end: roles[i + 1]?.range.start ?? bodyRange.end },
  }));
  const head = { start: bodyRange.start, end: roles[0]?.range.start ?? bodyRange.end };
  // `{{ shots }}` on a line of its own is a place for examples and no text.
  const said = text.slice(head.start, head.end).replace(/^\s*\{\{-?\s*\w+\s*-?\}\}\s*$/gm, '');
  if (said.trim() !== '') parts.unshift({ role: roles.length === 0 ? 'user' : 'system', range: head });
  return parts;
}

function literalStart(file: string, { start, end }: TextRange, tag: RegExp): ReturnType<typeof instructionOf> {
  const body = file.slice(start, end);
  const literal = body.slice(0, tag.exec(body)?.index ?? body.length);
  const whole = literal.length === body.length;
  // Paragraphs before the one that the tag stands in.
  const paragraphs = whole ? literal : (/^[\s\S]*\S[^\S\n]*\r?\n[^\S\n]*\r?\n/.exec(literal)?.[0] ?? literal);
  const text = paragraphs.trim();
  const lead = paragraphs.length - paragraphs.trimStart().length;
  const eol = file.includes('\r\n') ? '\r\n' : '\n';
  if (text === '' || (!whole && label.test(text))) {
    // Nothing is said yet: a new instruction is a paragraph of its own before what is there.
    const at = start + (body.length - body.trimStart().length);
    return { text: '', place: { range: { start: at, end: at }, after: `${eol}${eol}` } };
  }
  const range = { start: start + lead, end: start + lead + text.length };
  return { text, place: { range, after: '' } };
}

/** `Problem:` before a value says what the value is and asks for nothing. */
const label = /^\S+( \S+)?:$/;

/** The changes of the template's file that put `text` in the target's place. */
export function targetEdits(template: Template, target: Target, text: string): Replacement[] {
  if (target.kind === 'trigger') {
    return setFrontMatter(template.text, ['metadata', 'tunesmith', 'reasoning', 'trigger'], text);
  }
  const { place } = target;
  if ('path' in place) return setFrontMatter(template.text, place.path, text);
  const { start, end } = place.range;
  return [{ offset: start, length: end - start, text: `${text}${place.after}` }];
}

/** The template with `text` in the target's place. */
export function withTarget(template: Template, target: Target, text: string): Template {
  if (text === target.text) return template;
  let file = template.text;
  // From the end, so that earlier offsets stay true.
  for (const { offset, length, text: replacement } of [...targetEdits(template, target, text)].sort(
    (a, b) => b.offset - a.offset,
  )) {
    file = file.slice(0, offset) + replacement + file.slice(offset + length);
  }
  return parseTemplate(file, template.file);
}

/** Whether the template's language would read something else than these words in `text`. */
export function isLiteral(text: string): boolean {
  return !/\{[{%#]|[%#}]\}/.test(text) && !/^\s*(system|user|assistant)\s*:\s*$/i.test(text);
}
