/** Renders without the evaluator process, for tests of templates that are known to end. */
import { renderJinja } from '../../src/core/prompts/jinja.ts';
import { renderMustache } from '../../src/core/prompts/mustache.ts';
import type { RenderTemplate } from '../../src/core/prompts/pieces.ts';

export const renderInProcess: RenderTemplate = async ({ format, template, variables }) =>
  (format === 'mustache' ? renderMustache : renderJinja)(template, variables);
