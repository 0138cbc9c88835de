/** Renders rows of the playground's templates: in the process that runs templates, with the vectors of examples kept between rows. */
import * as vscode from 'vscode';
import { HumanError } from '../../base/errors.ts';
import { type EmbedTexts, embedderOf } from '../../core/datasets/embeddings.ts';
import { budgetOf } from '../../core/evaluation/contextBudget.ts';
import type { RenderTemplate } from '../../core/prompts/pieces.ts';
import { renderPrompt } from '../../core/prompts/render.ts';
import type { RenderedPrompt, Strategy, Template } from '../../core/prompts/template.ts';
import type { TextGenerator } from '../../core/textGenerator.ts';
import type { Services } from '../services.ts';
import { firstProblem, type LoadedTemplate, rowValues } from './loadedTemplate.ts';

export interface PromptOptions {
  readonly strategy?: Strategy;
  /** Present: the examples in a random order of this seed. */
  readonly orderSeed?: number;
  /** Examples are cut to its context; without one the prompt is whole. */
  readonly generator?: TextGenerator;
}

export class PlaygroundPrompts {
  readonly #services: Services;
  readonly #uri: vscode.Uri;
  /** Vectors of examples stay for as long as the playground does. */
  readonly #embedders = new Map<string, EmbedTexts>();

  constructor(services: Services, uri: vscode.Uri) {
    this.#services = services;
    this.#uri = uri;
  }

  async renderer(): Promise<RenderTemplate> {
    return (await this.#services.evaluator()).render;
  }

  /** Vectors for a template that compares examples by them. */
  async embedder(template: Template): Promise<EmbedTexts | undefined> {
    const models = await this.#services.models(this.#uri);
    return embedderOf(template, id => models.get(id), this.#embedders);
  }

  /** Rejects with a HumanError that says what is wrong with the row. */
  async render(
    loaded: LoadedTemplate,
    row: number,
    { strategy, orderSeed, generator }: PromptOptions = {},
  ): Promise<RenderedPrompt> {
    const [render, embed] = await Promise.all([this.renderer(), this.embedder(loaded.template)]);
    const shots = loaded.template.tunesmith.examples?.shots ?? 0;
    const budget = generator && shots > 0 ? budgetOf(generator, loaded.template) : undefined;
    const { prompt, diagnostics } = await renderPrompt(
      loaded.template,
      { values: rowValues(loaded, row), bank: loaded.bank, strategy, embed, orderSeed, budget },
      render,
    );
    if (prompt) return prompt;
    throw new HumanError(
      firstProblem([...diagnostics, ...loaded.diagnostics]) ?? vscode.l10n.t('The prompt cannot be rendered.'),
    );
  }
}
