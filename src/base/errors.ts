/** The two families of errors: those a person can act on, and bugs. */

export interface Place {
  readonly file?: string;
  /** 1-based. */
  readonly line?: number;
  readonly column?: number;
}

/** An error that is shown once, as it is: it says what is wrong, where, and what to do. Everything else is a bug. */
export class HumanError extends Error {
  readonly place: Place;
  constructor(message: string, options: { cause?: unknown; place?: Place } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'HumanError';
    this.place = options.place ?? {};
  }

  /** `file:line: message`, the form that terminals and editors turn into a link. */
  describe(): string {
    const { file, line, column } = this.place;
    if (!file) return this.message;
    const at = line === undefined ? '' : column === undefined ? `:${line}` : `:${line}:${column}`;
    return `${file}${at}: ${this.message}`;
  }
}

/** Whether `error` is one to show as it is, also when it crossed a bundle or a process. */
export function isHumanError(error: unknown): error is HumanError {
  return error instanceof Error && error.name === 'HumanError';
}

/** One line for a person: a HumanError's own words, or the message of a bug. */
export function errorMessage(error: unknown): string {
  if (isHumanError(error) && typeof error.describe === 'function') return error.describe();
  return error instanceof Error ? error.message : String(error);
}

/** Whether this error only says that its work was cancelled through an AbortSignal. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AbortError' || (error as { code?: string }).code === 'ABORT_ERR');
}
