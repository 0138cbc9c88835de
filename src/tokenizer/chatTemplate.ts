/** A model's chat template: messages → the text the model was trained on. Rendered with limits, for model files are not trusted. */
import { Environment, Interpreter, parse, tokenize } from '@huggingface/jinja';
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';

export interface ChatMessage {
  readonly role: string;
  readonly content: string;
}

export interface RenderChatOptions {
  /** End with the start of an answer. Default true. */
  readonly addGenerationPrompt?: boolean;
  /** The last message is the start of the answer: end right after its last character. */
  readonly continueLast?: boolean;
}

export interface ChatTemplate {
  readonly source: string;
  /** Throws a HumanError when the template refuses the messages or passes a limit. */
  render(messages: readonly ChatMessage[], options?: RenderChatOptions): string;
}

const MAX_STEPS = 300_000;
const MAX_LIST = 10_000;

type Statement = Parameters<Interpreter['evaluate']>[0];

class LimitError extends Error {}

/**
 * Counts what a template does, so that it can neither hang nor fill the memory: each expression is a step, and so is each
 * element of a list and each 1024 characters of a text that one gives. Counted, not timed, so that the same template with the
 * same messages always has the same outcome.
 */
class LimitedInterpreter extends Interpreter {
  #steps = 0;

  override evaluate(statement: Statement, environment: Environment): ReturnType<Interpreter['evaluate']> {
    const result = super.evaluate(statement, environment);
    const { value } = result;
    const size = typeof value === 'string' ? value.length / 1024 : Array.isArray(value) ? value.length : 0;
    this.#steps += 1 + size;
    if (this.#steps > MAX_STEPS) throw new LimitError(l10n.t('it takes too many steps'));
    return result;
  }
}

/** `path` is for error messages. */
export function compileChatTemplate(
  source: string,
  path: string,
  variables: Readonly<Record<string, string>> = {},
): ChatTemplate {
  const refuse = (what: string, cause: unknown) =>
    new HumanError(
      l10n.t(
        'The model’s chat template cannot be used: {0}. Use the model with plain text prompts, or another model.',
        what,
      ),
      {
        cause,
        place: { file: path },
      },
    );
  let program: ReturnType<typeof parse>;
  try {
    program = parse(tokenize(source, { lstrip_blocks: true, trim_blocks: true }));
  } catch (cause) {
    throw refuse(cause instanceof Error ? cause.message : String(cause), cause);
  }

  const run = (messages: readonly ChatMessage[], addGenerationPrompt: boolean): string => {
    const environment = new Environment();
    for (const [name, value] of Object.entries(globals)) environment.set(name, value);
    for (const [name, value] of Object.entries(variables)) environment.set(name, value);
    environment.set(
      'messages',
      messages.map(({ role, content }) => ({ role, content })),
    );
    environment.set('add_generation_prompt', addGenerationPrompt);
    try {
      return String(new LimitedInterpreter(environment).run(program).value);
    } catch (cause) {
      throw refuse(cause instanceof Error ? cause.message : String(cause), cause);
    }
  };

  return {
    source,
    render(messages, { addGenerationPrompt = true, continueLast = false } = {}) {
      const last = messages.at(-1);
      if (!continueLast || !last) return run(messages, addGenerationPrompt);
      // A mark after the last character finds the place, whatever the template writes or trims around it.
      const marked = [...messages.slice(0, -1), { ...last, content: last.content + MARK }];
      const text = run(marked, false);
      const end = text.lastIndexOf(MARK);
      if (end < 0) throw refuse(l10n.t('it leaves out the last message, which is to be continued'), undefined);
      return text.slice(0, end);
    },
  };
}

/** Of the private use area: no text has it. */
const MARK = '\ue0f1\ue0f2\ue0f1';

/** What Hugging Face gives every chat template. */
const globals: Readonly<Record<string, unknown>> = {
  true: true,
  false: false,
  none: null,
  True: true,
  False: false,
  None: null,
  range: (start: number, stop?: number, step = 1): number[] => {
    const [from, to] = stop === undefined || stop === null ? [0, start] : [start, stop];
    if (step === 0) throw new Error('range() arg 3 must not be zero');
    if (!(Math.abs((to - from) / step) <= MAX_LIST)) throw new LimitError(l10n.t('its output is too large'));
    const values: number[] = [];
    for (let i = from; step > 0 ? i < to : i > to; i += step) values.push(i);
    return values;
  },
  raise_exception: (message: string): never => {
    throw new Error(message);
  },
  strftime_now: (format: string): string => formatDate(new Date(), format),
};

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

function formatDate(date: Date, format: string): string {
  const two = (n: number) => String(n).padStart(2, '0');
  const month = MONTHS[date.getMonth()]!;
  const fields: Readonly<Record<string, string>> = {
    '%Y': String(date.getFullYear()),
    '%m': two(date.getMonth() + 1),
    '%d': two(date.getDate()),
    '%b': month.slice(0, 3),
    '%B': month,
    '%H': two(date.getHours()),
    '%M': two(date.getMinutes()),
    '%S': two(date.getSeconds()),
  };
  return format.replace(/%./g, field => fields[field] ?? field);
}
