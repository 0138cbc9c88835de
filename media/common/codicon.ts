/** Icons by their codicon names, hidden from screen readers: the control around them has the name. */
import { html, type TemplateResult } from 'lit';

export const icon = (name: string, extra = ''): TemplateResult =>
  html`<i class="codicon codicon-${name} ${extra}" aria-hidden="true"></i>`;
