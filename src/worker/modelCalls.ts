/** A job's side of `protocol/callModel.ts`: asks through its folder, and gives up for now when nobody answers. */
import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { HumanError } from '../base/errors.ts';
import { parseJson } from '../base/jsonLines.ts';
import {
  AnswererGoneSeconds,
  type ModelAnswer,
  ModelAnswererSchema,
  ModelAnswerSchema,
  type ModelQuestion,
} from '../protocol/callModel.ts';
import type { JobFolder } from '../storage/jobFolder.ts';
import { appendLines, linesSince } from '../storage/lineFile.ts';
import { processFact } from '../storage/processIdentity.ts';
import { readTextFile } from '../storage/workspaceLayout.ts';
import type { RecipeHost } from '../training/recipe.ts';
import { ModelAway } from '../training/rollout.ts';

/** Milliseconds between two looks. */
const lookEvery = 50;

export class ModelCalls {
  readonly #folder: JobFolder;
  readonly #host: Pick<RecipeHost, 'breathe'>;
  readonly #goneSeconds: number;
  /** The first answer to each question stands. */
  readonly #known = new Map<string, string>();
  #offset = 0;

  constructor(folder: JobFolder, host: Pick<RecipeHost, 'breathe'>, goneSeconds = AnswererGoneSeconds) {
    this.#folder = folder;
    this.#host = host;
    this.#goneSeconds = goneSeconds;
  }

  /** Texts in the order of the questions. Rejects with `ModelAway` when nobody answers, or when the job is to stop. */
  async ask(questions: readonly Omit<ModelQuestion, 'id'>[]): Promise<string[]> {
    const asked = questions.map(question => ({ id: idOf(question), ...question }));
    await this.#read();
    const missing = new Map(asked.filter(({ id }) => !this.#known.has(id)).map(question => [question.id, question]));
    await appendLines(this.#folder.file('questions'), [...missing.values()]);
    let seen = Date.now();
    while (missing.size > 0) {
      for (const answer of await this.#read()) {
        if ('error' in answer && missing.has(answer.id)) throw new HumanError(answer.error);
      }
      for (const id of missing.keys()) if (this.#known.has(id)) missing.delete(id);
      if (missing.size === 0) break;
      if (await this.#isAnswered()) seen = Date.now();
      if (Date.now() - seen > this.#goneSeconds * 1000 || (await this.#host.breathe())) throw new ModelAway();
      await new Promise(resolve => setTimeout(resolve, lookEvery));
    }
    return asked.map(({ id }) => this.#known.get(id)!);
  }

  /** What was answered since the last look. */
  async #read(): Promise<ModelAnswer[]> {
    const { lines, offset } = await linesSince(this.#folder.file('answers'), this.#offset);
    this.#offset = offset;
    const answers = lines.flatMap(line => {
      const parsed = v.safeParse(ModelAnswerSchema, parseJson(line));
      return parsed.success ? [parsed.output] : [];
    });
    for (const answer of answers)
      if ('text' in answer && !this.#known.has(answer.id)) this.#known.set(answer.id, answer.text);
    return answers;
  }

  async #isAnswered(): Promise<boolean> {
    const text = await readTextFile(this.#folder.file('answerer')).catch(() => undefined);
    const parsed = v.safeParse(ModelAnswererSchema, parseJson(text ?? ''));
    if (!parsed.success) return false;
    const { pid, processStartedAt, at } = parsed.output;
    const isFresh = Math.abs(Date.now() - Date.parse(at)) < this.#goneSeconds * 1000;
    return isFresh && processFact(pid, processStartedAt) !== 'gone';
  }
}

const idOf = ({ model, prompt, options, repeat }: Omit<ModelQuestion, 'id'>): string =>
  createHash('sha256')
    .update(JSON.stringify([model, prompt, options, repeat]))
    .digest('hex');
