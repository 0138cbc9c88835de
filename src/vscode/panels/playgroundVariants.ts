/** What the columns of the playground run: the template in each variant of its axes, and a second strategy or template. */
import { isHumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import { expandAxes } from '../../core/evaluation/variants.ts';
import { shownAs } from '../../core/prompts/render.ts';
import type { Strategy } from '../../core/prompts/template.ts';
import type { ModelChoice, Setup } from '../../protocol/playground.ts';
import type { LoadedTemplate } from './loadedTemplate.ts';
import { strategyLabel, variantKey } from './playgroundChoices.ts';

export interface PlaygroundVariant {
  /** Part of a column's id: the same for the same labels. */
  readonly key: string;
  readonly label: string;
  readonly detail: string;
  /** With the variant's own template. */
  readonly loaded: LoadedTemplate;
  readonly strategy: Strategy;
  /** Id of the model, where that is an axis. */
  readonly model?: string;
  /** The key without the order. */
  readonly orderOf: string;
  /** Present: the same examples in a random order of this seed. */
  readonly orderSeed?: number;
}

type Single = Omit<PlaygroundVariant, 'orderOf' | 'orderSeed'>;

/**
 * In the order of the columns. Axes that cannot be run give the template as it is. A model that is an axis must be one of those that
 * can be chosen: a template names no server by itself.
 */
export function variantsOf(
  loaded: LoadedTemplate,
  setup: Pick<Setup, 'variants' | 'axes' | 'orders'>,
  others: ReadonlyMap<string, LoadedTemplate>,
  choices: readonly ModelChoice[],
): PlaygroundVariant[] {
  return singles(loaded, setup, others, choices).flatMap(variant => inOrders(variant, setup.orders));
}

/** Each with its examples in other orders too, numbered as `tunesmith sweep` seeds them. One example has one order. */
function inOrders(variant: Single, orders: number): PlaygroundVariant[] {
  const { template } = variant.loaded;
  const { examples } = template.tunesmith;
  const several = examples && examples.shots > 1 && shownAs(variant.strategy, template) !== 'zero-shot-cot';
  return Array.from({ length: several ? orders : 1 }, (_, order) =>
    order === 0
      ? { ...variant, orderOf: variant.key }
      : {
          ...variant,
          key: `${variant.key}&order=${order + 1}`,
          orderOf: variant.key,
          label: l10n.t('{0}, order {1}', variant.label, order + 1),
          orderSeed: (examples?.seed ?? 0) + order,
        },
  );
}

function singles(
  loaded: LoadedTemplate,
  setup: Pick<Setup, 'variants' | 'axes'>,
  others: ReadonlyMap<string, LoadedTemplate>,
  choices: readonly ModelChoice[],
): Single[] {
  return setup.variants.flatMap(variant => {
    if (variant.kind === 'template') {
      const other = others.get(variant.file);
      const { strategy } = other?.template.tunesmith.reasoning ?? {};
      return other && strategy
        ? [
            {
              key: variantKey(variant),
              label: other.template.name,
              detail: shotWords(other, strategy),
              loaded: other,
              strategy,
            },
          ]
        : [];
    }
    if (variant.kind === 'current' && setup.axes) {
      const expanded = expandedOf(loaded, choices);
      if (expanded.length > 0) return expanded;
    }
    const strategy = variant.kind === 'strategy' ? variant.strategy : loaded.template.tunesmith.reasoning.strategy;
    return [
      {
        key: variantKey(variant),
        label: strategyLabel(strategy),
        detail: shotWords(loaded, strategy),
        loaded,
        strategy,
      },
    ];
  });
}

const known = new WeakMap<LoadedTemplate, ReturnType<typeof expandAxes>>();

/** None where the template has no axes. */
function expandedOf(loaded: LoadedTemplate, choices: readonly ModelChoice[]): Single[] {
  if (Object.keys(loaded.template.tunesmith.axes).length === 0) return [];
  const variants = known.get(loaded) ?? expanded(loaded);
  known.set(loaded, variants);
  return variants.flatMap(({ label, values, template, model: named }) => {
    const own = { ...loaded, template };
    const { strategy } = template.tunesmith.reasoning;
    const model = choices.find(({ id, label: name }) => id === named || name === named)?.id;
    if (named !== undefined && model === undefined) return [];
    const detail = values.some(({ axis }) => axis === 'shots') ? '' : shotWords(own, strategy);
    const variant = { key: keyOf(values), label, detail, loaded: own, strategy };
    return [model === undefined ? variant : { ...variant, model }];
  });
}

function expanded({ template }: LoadedTemplate): ReturnType<typeof expandAxes> {
  try {
    return expandAxes(template);
  } catch (error) {
    // Why is said where the axes are shown.
    if (isHumanError(error)) return [];
    throw error;
  }
}

/** Without the signs that part a column's id and a cell's key. */
const keyOf = (values: readonly { readonly axis: string; readonly label: string }[]): string =>
  values.map(({ axis, label }) => `${axis}=${encodeURIComponent(label.toWellFormed())}`).join('&');

function shotWords({ template }: LoadedTemplate, strategy: Strategy): string {
  const shots = shownAs(strategy, template) === 'zero-shot-cot' ? 0 : (template.tunesmith.examples?.shots ?? 0);
  return shots > 0 ? l10n.t('{0} shots', shots) : '';
}
