/** The other side of `protocol/callModel.ts`: whoever watches a job answers what it asks of models, with keys that stay here. */
import * as v from 'valibot';
import type { Disposable } from '../base/disposable.ts';
import { errorMessage } from '../base/errors.ts';
import { parseJson } from '../base/jsonLines.ts';
import { type Logger, silentLogger } from '../base/logger.ts';
import type { Ask } from '../core/evaluation/ask.ts';
import {
  AnswererSeconds,
  type ModelAnswer,
  type ModelAnswerer,
  ModelAnswerSchema,
  type ModelQuestion,
  ModelQuestionSchema,
} from '../protocol/callModel.ts';
import { nodeDisk, replaceJsonFile } from '../storage/fileSystem.ts';
import type { JobFolder } from '../storage/jobFolder.ts';
import { appendLines, linesSince } from '../storage/lineFile.ts';
import { processStartedAt } from '../storage/processIdentity.ts';

/** Milliseconds between two looks for questions. */
const lookEvery = 100;

export interface AnswerOptions {
  /** The model that the job names: what it asks of any other is refused. */
  readonly model: string;
  /** How the model is asked; called once, at the first question. */
  readonly open: () => Promise<Ask>;
  readonly logger?: Logger;
}

/** Answers until it is disposed. What the model fails at ends the job with the model's words. */
export function answerQuestions(folder: JobFolder, { model, open, logger = silentLogger }: AnswerOptions): Disposable {
  const abort = new AbortController();
  const { signal } = abort;
  const answered = new Set<string>();
  let offset = 0;
  let asking: Promise<Ask> | undefined;
  /** One line at a time. */
  let writing = Promise.resolve();

  const write = (answer: ModelAnswer): Promise<void> => {
    writing = writing.then(() => appendLines(folder.file('answers'), [answer]));
    return writing;
  };
  const answer = async ({ id, model: wanted, ...request }: ModelQuestion): Promise<void> => {
    try {
      if (wanted !== model) throw new Error(`The job may not ask ${wanted}.`);
      asking ??= open();
      const { generation } = await (await asking)(request, { signal });
      if (signal.aborted || generation.finishReason === 'cancelled') return;
      await write({ id, text: generation.text });
    } catch (error) {
      if (signal.aborted) return;
      asking = undefined;
      answered.delete(id);
      await write({ id, error: errorMessage(error) });
    }
  };
  const presence = (): Promise<void> => {
    const own: ModelAnswerer = {
      format: 1,
      pid: process.pid,
      processStartedAt: processStartedAt(process.pid),
      at: new Date().toISOString(),
    };
    return replaceJsonFile(folder.file('answerer'), own);
  };
  const work = async (): Promise<void> => {
    // What was answered before is not asked again.
    for (const line of (await linesSince(folder.file('answers'), 0)).lines) {
      const parsed = v.safeParse(ModelAnswerSchema, parseJson(line));
      if (parsed.success && 'text' in parsed.output) answered.add(parsed.output.id);
    }
    for (let shown = 0; !signal.aborted; ) {
      if (Date.now() - shown > AnswererSeconds * 1000) {
        await presence();
        shown = Date.now();
      }
      const read = await linesSince(folder.file('questions'), offset);
      offset = read.offset;
      for (const line of read.lines) {
        const parsed = v.safeParse(ModelQuestionSchema, parseJson(line));
        if (!parsed.success || answered.has(parsed.output.id)) continue;
        answered.add(parsed.output.id);
        void answer(parsed.output).catch(error => logger.error('An answer to a job was not written', error));
      }
      await new Promise(resolve => setTimeout(resolve, lookEvery));
    }
    await nodeDisk.remove(folder.file('answerer'));
  };
  void work().catch(error => logger.error('Questions of a job are not answered', error));
  return { dispose: () => abort.abort() };
}
