/** A template as another format: what the command line and the editor offer. */
import { applyChange, changeOf } from '../../../base/textChange.ts';
import { migrateToV2 } from '../migrate.ts';
import type { RenderedPrompt, Template } from '../template.ts';
import type { Conversion } from './conversion.ts';
import { CodeTargets, exportPrompt } from './exportPrompt.ts';
import { toPromptYml } from './promptYml.ts';

export const Targets = ['prompty', ...CodeTargets, 'prompt.yml'] as const;
export type Target = (typeof Targets)[number];

/** `prompt` is the template rendered; only `prompty` does without it. */
export function convertTemplate(
  template: Template,
  prompt: RenderedPrompt,
  target: Exclude<Target, 'prompty'>,
): Conversion {
  return target === 'prompt.yml' ? toPromptYml(template, prompt) : exportPrompt(template, prompt, target);
}

/** The template's own text, as version 2. */
export const asVersion2 = (text: string): string => applyChange(text, changeOf(migrateToV2(text)));
