/**
 * The child process that runs what users and model files can write: templates, regular expressions and, only when started
 * with `--allow-code`, reward functions. It has no environment, little memory, and is killed when it takes too long.
 */
import { pathToFileURL } from 'node:url';
import * as v from 'valibot';
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import { renderJinja } from '../core/prompts/jinja.ts';
import { renderMustache } from '../core/prompts/mustache.ts';
import type { Piece } from '../core/prompts/pieces.ts';
import { type EvaluatorReply, type EvaluatorRequest, EvaluatorRequestSchema } from '../protocol/evaluator.ts';
import { type PackedRender, Packer } from '../protocol/renderedPieces.ts';

const allowCode = process.argv.includes('--allow-code');
// What the parent had to set to start it is nothing that evaluated code needs to see.
for (const name of Object.keys(process.env)) delete process.env[name];

/** Bound now, so that reward code cannot take its place. */
const send = process.send?.bind(process);

/** Resolves when the message has left, also where this process is stopped a moment later. */
function reply(message: EvaluatorReply): Promise<void> {
  return new Promise(sent => {
    send?.(message, undefined, {}, error => {
      if (error) process.exit(0);
      sent();
    });
  });
}

async function answer(request: EvaluatorRequest): Promise<unknown> {
  switch (request.method) {
    case 'configure':
      l10n.config(request.bundle);
      return {};
    case 'render':
      return renderAll(request);
    case 'match':
      return { matches: request.texts.map(text => match(request.pattern, request.flags, text, request.last)) };
    case 'validate':
      return { valid: await (await import('./jsonSchema.ts')).matchSchema(request.schema, request.texts) };
    case 'reward':
      return { rewards: await rewards(request.file, request.rows) };
  }
}

type RenderAll = Extract<EvaluatorRequest, { method: 'render' }>;

function renderAll({ templates, items, maxOutput }: RenderAll): PackedRender {
  const packers = templates.map(() => new Packer());
  const results = items.map(({ template, variables }) => {
    const { format, template: source } = templates[template]!;
    const render = format === 'mustache' ? renderMustache : renderJinja;
    try {
      return packers[template]!.add(limited(render(source, variables), maxOutput));
    } catch (error) {
      // The sentence that a person is to read; the rest of the batch goes on.
      if (error instanceof HumanError) return { message: error.message, line: error.place.line };
      throw error;
    }
  });
  return { packs: packers.map(({ pack }) => pack), results };
}

function limited(pieces: readonly Piece[], maxOutput: number): readonly Piece[] {
  let length = 0;
  for (const piece of pieces) if (piece.kind !== 'role') length += piece.text.length;
  if (length <= maxOutput) return pieces;
  throw new HumanError(
    l10n.t('The rendered template has {0} characters; {1} are allowed. Shorten it or its inputs.', length, maxOutput),
  );
}

function match(pattern: string, flags: string, text: string, last: boolean): unknown {
  let expression: RegExp;
  try {
    expression = new RegExp(pattern, flags.includes('g') ? flags : `${flags}g`);
  } catch (error) {
    throw new HumanError(l10n.t('This regular expression is not valid: {0}.', (error as Error).message));
  }
  let found: RegExpExecArray | undefined;
  for (const candidate of text.matchAll(expression)) {
    found = candidate;
    if (!last) break;
  }
  if (!found) return null;
  return { index: found.index, text: found[0], groups: found.slice(1).map(group => group ?? null) };
}

const RewardModuleSchema = v.object({ reward: v.function() });

async function rewards(file: string, rows: readonly { prompt: string; answer: string }[]): Promise<number[]> {
  if (!allowCode) throw new HumanError(l10n.t('Reward functions are code; running code was not allowed here.'));
  const loaded: unknown = await import(pathToFileURL(file).href);
  const { reward } = v.parse(v.looseObject(RewardModuleSchema.entries), loaded, {
    message: l10n.t('The file must export a function named “reward”.'),
  });
  const values: number[] = [];
  for (const row of rows) {
    const value: unknown = await reward({ ...row });
    if (typeof value !== 'number' || !Number.isFinite(value))
      throw new HumanError(
        l10n.t('The reward function must return a finite number, not {0}.', String(value).slice(0, 80)),
      );
    values.push(value);
  }
  return values;
}

async function handle(message: unknown): Promise<void> {
  const request = v.safeParse(EvaluatorRequestSchema, message);
  if (!request.success) {
    const id = (message as { id?: unknown } | null)?.id;
    if (typeof id === 'number') await reply({ type: 'failure', id, message: v.summarize(request.issues) });
    return;
  }
  const { id } = request.output;
  try {
    await reply({ type: 'reply', id, result: await answer(request.output) });
  } catch (error) {
    const human = error instanceof HumanError;
    const text = error instanceof Error ? error.message : String(error);
    const denied = (error as NodeJS.ErrnoException | undefined)?.code === 'ERR_ACCESS_DENIED';
    await reply({
      type: 'failure',
      id,
      message: human
        ? text
        : denied
          ? l10n.t(
              'The reward function may not use files outside its folder, write files or start programs, so it was stopped.',
            )
          : l10n.t('It failed: {0}.', text.slice(0, 300).replace(/\.$/, '')),
      line: human ? error.place.line : undefined,
    });
  }
}

/** One at a time: a request that has to be stopped takes no reply with it that was ready before. */
let handled: Promise<void> = Promise.resolve();
process.on('message', message => {
  handled = handled.then(() => handle(message));
});
process.on('disconnect', () => process.exit(0));

void reply({ type: 'hello' });
