/** What the chosen row would send, as the page shows it while the template is written. */
import type * as vscode from 'vscode';
import { errorMessage, isHumanError } from '../../base/errors.ts';
import { samplingOf } from '../../core/evaluation/runCells.ts';
import type { Setup } from '../../protocol/playground.ts';
import type { Preview } from '../../protocol/playgroundTemplate.ts';
import type { Services } from '../services.ts';
import type { LoadedTemplate } from './loadedTemplate.ts';
import { failedPreview, previewOf } from './playgroundPreview.ts';
import type { PlaygroundPrompts } from './playgroundPrompts.ts';

export class RowPreview {
  readonly #services: Services;
  readonly #uri: vscode.Uri;
  readonly #prompts: PlaygroundPrompts;
  readonly #show: (preview: Preview) => void;
  #turn = 0;
  #shown: Preview | null = null;

  constructor(services: Services, uri: vscode.Uri, prompts: PlaygroundPrompts, show: (preview: Preview) => void) {
    this.#services = services;
    this.#uri = uri;
    this.#prompts = prompts;
    this.#show = show;
  }

  get shown(): Preview | null {
    return this.#shown;
  }

  /** Renders the chosen row and counts its tokens; a later call overtakes an earlier one. */
  async render(loaded: LoadedTemplate, { row, models }: Setup): Promise<void> {
    const turn = ++this.#turn;
    try {
      const registry = await this.#services.models(this.#uri);
      const generator = await registry.get(models[0]!);
      // What does not fit even without examples is shown whole, with how much it is too long.
      const prompt = await this.#prompts
        .render(loaded, row, { generator })
        .catch(() => this.#prompts.render(loaded, row));
      const { maxOutputTokens } = samplingOf(loaded.template);
      const preview = await previewOf({ row, template: loaded.template, prompt, generator, maxOutputTokens });
      this.#take(turn, preview);
    } catch (error) {
      if (!isHumanError(error)) this.#services.logger.error('A preview failed.', error);
      this.#take(turn, failedPreview(row, models[0] ?? '', errorMessage(error)));
    }
  }

  #take(turn: number, preview: Preview): void {
    if (turn !== this.#turn) return;
    this.#shown = preview;
    this.#show(preview);
  }
}
