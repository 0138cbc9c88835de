/** Variants of one template: each value of each axis against all values of the others, on one set of inputs. */
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import type { Axes, Template, TextChoice } from '../prompts/template.ts';

export interface TemplateVariant {
  /** Stays the same while labels and texts do; tells variants apart in a run. */
  readonly key: string;
  /** `header · 4 shots · T 0.7`; the template's name where nothing is varied. */
  readonly label: string;
  /** The value on each axis, in the axes' order. */
  readonly values: readonly { readonly axis: keyof Axes; readonly label: string }[];
  /** The template as this variant runs it: strategy, shots and temperature are its own settings. */
  readonly template: Template;
  /** Set where the model is an axis. */
  readonly model?: string;
}

/** More columns are refused: they multiply faster than one thinks. */
const mostVariants = 200;

interface Value {
  readonly axis: keyof Axes;
  readonly label: string;
  apply(template: Template): Template;
  readonly model?: string;
}

/** In the order of the axes, the last one varying fastest. Throws a HumanError for more than 200, and for shots without a bank. */
export function expandAxes(template: Template, axes: Axes = template.tunesmith.axes): TemplateVariant[] {
  const lists = listsOf(template, axes);
  const count = lists.reduce((product, list) => product * list.length, 1);
  if (count > mostVariants) {
    const message = l10n.t('These axes make {0} variants; {1} are the most. Shorten one.', count, mostVariants);
    throw new HumanError(message, { place: { file: template.file } });
  }
  let combined: readonly (readonly Value[])[] = [[]];
  for (const list of lists) combined = combined.flatMap(before => list.map(value => [...before, value]));
  return combined.map(values => ({
    key: JSON.stringify(values.map(({ axis, label }) => [axis, label])),
    label: values.length === 0 ? (template.displayName ?? template.name) : values.map(({ label }) => label).join(' · '),
    values: values.map(({ axis, label }) => ({ axis, label })),
    template: values.reduce((changed, value) => value.apply(changed), template),
    ...modelOf(values),
  }));
}

const modelOf = (values: readonly Value[]): { model?: string } => {
  const model = values.find(value => value.model !== undefined)?.model;
  return model === undefined ? {} : { model };
};

function listsOf(template: Template, axes: Axes): Value[][] {
  const lists: Value[][] = [];
  const add = <T>(
    axis: keyof Axes,
    values: readonly T[] | undefined,
    make: (value: T) => Omit<Value, 'axis'>,
  ): void => {
    if (values && values.length > 0) lists.push(values.map(value => ({ axis, ...make(value) })));
  };
  const wrap = (part: 'persona' | 'prefix' | 'suffix') =>
    add(part, axes[part], ({ label, text }: TextChoice) => ({
      label,
      apply: one => ({ ...one, wrap: { ...one.wrap, [part]: text } }),
    }));
  add('model', axes.model, model => ({ label: model, model, apply: one => one }));
  add('strategy', axes.strategy, strategy => ({ label: strategy, apply: one => withReasoning(one, { strategy }) }));
  add('trigger', axes.trigger, ({ label, text }) => ({ label, apply: one => withReasoning(one, { trigger: text }) }));
  wrap('persona');
  wrap('prefix');
  wrap('suffix');
  if (axes.shots?.some(shots => shots > 0) && !template.tunesmith.examples) {
    const message = l10n.t(
      'This template names no example bank. Add “examples” under metadata.tunesmith, or use no shots.',
    );
    throw new HumanError(message, { place: { file: template.file } });
  }
  add('shots', axes.shots, shots => ({
    label: shots === 1 ? l10n.t('1 shot') : l10n.t('{0} shots', shots),
    apply: one => withShots(one, shots),
  }));
  add('temperature', axes.temperature, temperature => ({
    label: `T ${temperature}`,
    apply: one => ({ ...one, model: { ...one.model, options: { ...one.model.options, temperature } } }),
  }));
  return lists;
}

function withReasoning(template: Template, change: Partial<Template['tunesmith']['reasoning']>): Template {
  const { tunesmith } = template;
  return { ...template, tunesmith: { ...tunesmith, reasoning: { ...tunesmith.reasoning, ...change } } };
}

/** The template with another number of examples. */
export function withShots(template: Template, shots: number): Template {
  const { tunesmith } = template;
  if (!tunesmith.examples) return template;
  return { ...template, tunesmith: { ...tunesmith, examples: { ...tunesmith.examples, shots } } };
}
