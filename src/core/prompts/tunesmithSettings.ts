/** `metadata.tunesmith` of a template: examples, reasoning, input rows, how answers are graded, and what is varied. */
import { l10n } from '../../base/l10n.ts';
import { parseJsonPath } from '../evaluation/jsonAnswer.ts';
import { triggerText } from '../evaluation/triggers.ts';
import { readAxes } from './axesSettings.ts';
import type { Report, Section } from './frontMatter.ts';
import { readScoreSettings } from './scoreSettings.ts';
import {
  type AnswerRule,
  BudgetPolicies,
  ExampleOrders,
  type ExampleSettings,
  Grades,
  type Grading,
  type ReasoningSettings,
  SampledStrategies,
  Selections,
  Similarities,
  Strategies,
  type TunesmithSettings,
} from './template.ts';

/** Kojima et al. 2022, the phrases of their table of templates. */
const defaultReasoning: ReasoningSettings = {
  strategy: 'direct',
  trigger: "Let's think step by step.",
  extract: 'Therefore, the answer is',
  samples: 5,
  of: 'zero-shot-cot',
  critique: 'Check your answer. Name each mistake in it and say why it is one, or say that there is none.',
  revise: 'Write your answer again, with these mistakes mended. Give only the answer.',
  decompose:
    'Do not answer yet. Which simpler questions have to be answered first? List them in order, one question a line.',
  answer: { rule: 'whole' },
};

/** Lin 2004 names no threshold; half of both texts in common is a usual one. */
const defaultGrading: Grading = { rule: 'equal', threshold: 0.5 };

export const defaultAnswer = '{{ answer }}';
export const defaultReasonedAnswer = '{{ reasoning }} The answer is {{ answer }}.';

export function readTunesmithSettings(section: Section | undefined, report: Report): TunesmithSettings {
  if (!section) return { reasoning: defaultReasoning, grade: defaultGrading, axes: {} };
  const rows = section.field('rows') && readPath(section, 'rows', report);
  return {
    examples: readExamples(section, report),
    reasoning: readReasoning(section.section('reasoning'), section.field('examples') !== undefined, report),
    rows,
    expected: section.string('expected'),
    grade: readGrading(section),
    axes: readAxes(section.section('axes'), report),
    ...(section.field('score') ? { score: readScoreSettings(section, report) } : {}),
  };
}

function readExamples(parent: Section, report: Report): ExampleSettings | undefined {
  const field = parent.field('examples');
  const section = parent.section('examples');
  if (!field || !section) return undefined;
  const bank = readPath(section, 'bank', report);
  if (bank === undefined) {
    if (!section.field('bank')) {
      const message = l10n.t('“examples” names no bank. Add “bank: ./examples.jsonl”.');
      report('error', 'missing-bank', message, field.range);
    }
    return undefined;
  }
  return {
    bank,
    shots: section.number({ min: 0, max: 1000, whole: true }, 'shots') ?? 4,
    selection: section.oneOf(Selections, 'selection') ?? 'fixed',
    seed: section.number({ whole: true }, 'seed') ?? 0,
    similarity: section.oneOf(Similarities, 'similarity') ?? 'bm25',
    embeddingModel: section.string('embeddingModel') ?? 'pebble',
    lambda: section.number({ min: 0, max: 1 }, 'lambda') ?? 0.5,
    label: section.string('label') ?? 'answer',
    order: section.oneOf(ExampleOrders, 'order') ?? 'selected',
    leakage: section.number({ min: 0, max: 1 }, 'leakage') ?? 0.8,
    overBudget: section.oneOf(BudgetPolicies, 'overBudget') ?? 'drop-last',
    answer: section.string('answer') ?? defaultAnswer,
    reasonedAnswer: section.string('reasonedAnswer') ?? defaultReasonedAnswer,
    range: field.range,
  };
}

/** `grade: equal`, or `grade: {rule: rouge-l, threshold: 0.4}`. */
function readGrading(parent: Section): Grading {
  const field = parent.field('grade');
  if (!field || typeof field.value === 'string') {
    return { ...defaultGrading, rule: parent.oneOf(Grades, 'grade') ?? defaultGrading.rule };
  }
  const section = parent.section('grade');
  return {
    rule: section?.oneOf(Grades, 'rule') ?? defaultGrading.rule,
    threshold: section?.number({ min: 0, max: 1 }, 'threshold') ?? defaultGrading.threshold,
  };
}

function readReasoning(section: Section | undefined, hasExamples: boolean, report: Report): ReasoningSettings {
  const own: ReasoningSettings = { ...defaultReasoning, of: hasExamples ? 'few-shot-cot' : 'zero-shot-cot' };
  if (!section) return own;
  return {
    strategy: section.oneOf(Strategies, 'strategy') ?? own.strategy,
    trigger: triggerText(section.string('trigger') ?? own.trigger),
    extract: section.string('extract') ?? own.extract,
    samples: section.number({ min: 1, max: 100, whole: true }, 'samples') ?? own.samples,
    of: section.oneOf(SampledStrategies, 'of') ?? own.of,
    critique: section.string('critique') ?? own.critique,
    revise: section.string('revise') ?? own.revise,
    decompose: section.string('decompose') ?? own.decompose,
    answer: readAnswerRule(section, report) ?? own.answer,
    ...(section.field('answer') ? { answerRange: section.field('answer')!.range } : {}),
  };
}

const ruleNames = ['whole', 'last-number', 'choice', 'regex', 'after-marker', 'json-path'] as const;

function readAnswerRule(parent: Section, report: Report): AnswerRule | undefined {
  const field = parent.field('answer');
  if (!field) return undefined;
  if (typeof field.value === 'string') {
    const rule = parent.oneOf(['whole', 'last-number', 'choice'], 'answer');
    return rule === 'choice' ? { rule, choices: 'ABCDE' } : rule && { rule };
  }
  const section = parent.section('answer');
  const rule = section?.oneOf(ruleNames, 'rule');
  const missing = (key: string): undefined => {
    report('error', 'wrong-type', l10n.t('The rule “{0}” needs “{1}”.', rule!, key), field.range);
    return undefined;
  };
  switch (rule) {
    case 'choice':
      return { rule, choices: section?.string('choices') ?? 'ABCDE' };
    case 'regex': {
      const pattern = section?.string('pattern');
      return pattern === undefined ? missing('pattern') : { rule, pattern, flags: section?.string('flags') ?? '' };
    }
    case 'after-marker': {
      const marker = section?.string('marker');
      return marker ? { rule, marker } : missing('marker');
    }
    case 'json-path': {
      const path = section?.string('path');
      if (path === undefined) return missing('path');
      if (parseJsonPath(path)) return { rule, path };
      const message = l10n.t('“{0}” is no path such as $.items[0].name.', path);
      report('error', 'wrong-type', message, section?.field('path')?.valueRange ?? field.range);
      return undefined;
    }
    case undefined:
      return undefined;
    default:
      return { rule };
  }
}

/** A path beside the template: relative, and no address. */
function readPath(section: Section, name: string, report: Report): string | undefined {
  const field = section.field(name);
  const path = section.string(name);
  if (field === undefined || path === undefined) return undefined;
  if (path !== '' && !path.includes('\0') && !/^([/\\]|[A-Za-z][A-Za-z\d+.-]*:)/.test(path)) return path;
  report('error', 'wrong-type', l10n.t('“{0}” must be a path relative to the template.', name), field.valueRange);
  return undefined;
}
