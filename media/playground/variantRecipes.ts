/** Texts to begin a variant with: a code header, a persona, demands for a format. They go into the person's template, who then edits them. */
import { l10n } from '../../src/base/l10n.ts';
import type { TemplateState } from '../../src/protocol/playgroundTemplate.ts';

export type Axis = TemplateState['axes'][number]['axis'];
export type AxisValue = TemplateState['axes'][number]['values'][number];

export interface Recipe {
  readonly axis: 'persona' | 'prefix' | 'suffix';
  readonly name: string;
  readonly value: AxisValue;
}

/** The texts themselves stay in English: they speak to the model. */
export const recipes = (): Recipe[] => [
  {
    axis: 'prefix',
    name: l10n.t('Code Header'),
    value: {
      label: 'code header',
      text: '# Copyright 2022 Google LLC\n# Licensed under the Apache License, Version 2.0 (the "License");\n# you may not use this file except in compliance with the License.',
    },
  },
  {
    axis: 'persona',
    name: l10n.t('Careful Expert'),
    value: { label: 'expert', text: 'You are an expert who checks every step before answering.' },
  },
  {
    axis: 'persona',
    name: l10n.t('Patient Teacher'),
    value: { label: 'teacher', text: 'You are a patient teacher who explains with simple words.' },
  },
  {
    axis: 'suffix',
    name: l10n.t('Answer as JSON'),
    value: { label: 'JSON', text: 'Answer with one JSON object and nothing else.' },
  },
  { axis: 'suffix', name: l10n.t('Short Answer'), value: { label: 'short', text: 'Answer in one short sentence.' } },
];

export function axisName(axis: Axis): string {
  switch (axis) {
    case 'persona':
      return l10n.t('Persona');
    case 'prefix':
      return l10n.t('Prefix');
    case 'suffix':
      return l10n.t('Suffix');
    case 'trigger':
      return l10n.t('Trigger');
    case 'strategy':
      return l10n.t('Reasoning');
    case 'shots':
      return l10n.t('Shots');
    case 'temperature':
      return l10n.t('Temperature');
    case 'model':
      return l10n.t('Model');
  }
}

export function axisHint(axis: Axis): string {
  switch (axis) {
    case 'persona':
      return l10n.t('opens the system message');
    case 'prefix':
      return l10n.t('before the question');
    case 'suffix':
      return l10n.t('after the question');
    case 'trigger':
      return l10n.t('starts the answer of zero-shot CoT');
    default:
      return '';
  }
}
