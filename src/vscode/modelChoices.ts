/** Models as rows of a quick pick. */
import type { ModelDescription } from '../core/textGenerator.ts';
import type { Choice } from './quickSteps.ts';

/** `usual`: an id or label that comes first. */
export const modelChoices = (models: readonly ModelDescription[], usual?: string): Choice<ModelDescription>[] =>
  [...models]
    .sort((a, b) => Number(isUsual(b, usual)) - Number(isUsual(a, usual)))
    .map(model => ({ label: model.label, description: model.detail, value: model }));

const isUsual = ({ id, label }: ModelDescription, usual: string | undefined): boolean =>
  id === usual || label === usual;
