/**
 * Typed, run-time-validated messages between the extension host and a webview: both sides check everything they send and
 * receive, and every request ends in a reply, an error or the end of the channel.
 */
import * as v from 'valibot';
import { type Disposable, DisposableStore } from '../base/disposable.ts';
import { errorMessage, HumanError, isHumanError } from '../base/errors.ts';

type Schema = v.GenericSchema<unknown, unknown>;

/** Something one side asks of the other: a request with a result, or a notice without one. */
export type MethodSchema = { readonly params: Schema; readonly result?: Schema };
export type Methods = Readonly<Record<string, MethodSchema>>;

/** What each side of a channel answers to. */
export interface Contract {
  readonly toHost: Methods;
  readonly toWebview: Methods;
}

export type Params<M extends MethodSchema> = v.InferOutput<M['params']>;
// biome-ignore lint/suspicious/noConfusingVoidType: the handler of a notice gives nothing back.
export type Result<M extends MethodSchema> = M['result'] extends Schema ? v.InferOutput<M['result']> : void;

export type Handlers<M extends Methods> = {
  readonly [K in keyof M]: (params: Params<M[K]>) => Result<M[K]> | Promise<Result<M[K]>>;
};
/** Requests give a promise; notices are sent and forgotten. */
export type Remote<M extends Methods> = {
  readonly [K in keyof M]: M[K]['result'] extends Schema
    ? (params: Params<M[K]>) => Promise<Result<M[K]>>
    : (params: Params<M[K]>) => void;
};

/** The wire: `postMessage` of a webview, or of the page inside it. */
export interface Port {
  post(message: unknown): void;
  listen(listener: (message: unknown) => void): Disposable;
}

export interface Channel<Theirs extends Methods> extends Disposable {
  readonly remote: Remote<Theirs>;
}

const EnvelopeSchema = v.variant('type', [
  v.object({ type: v.literal('request'), id: v.number(), method: v.string(), params: v.unknown() }),
  v.object({ type: v.literal('notice'), method: v.string(), params: v.unknown() }),
  v.object({ type: v.literal('reply'), id: v.number(), result: v.unknown() }),
  v.object({ type: v.literal('failure'), id: v.number(), human: v.boolean(), message: v.string() }),
  v.object({ type: v.literal('end') }),
]);
type Envelope = v.InferOutput<typeof EnvelopeSchema>;

export class ChannelClosed extends Error {
  constructor() {
    super('The other side of this channel is gone.');
    this.name = 'ChannelClosed';
  }
}

/** Checks a value against a schema; the error names where it differs, never the value (it may hold a prompt or a key). */
function checked(schema: Schema, value: unknown, what: string): unknown {
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return parsed.output;
  const issue = parsed.issues[0];
  throw new Error(`${what}: ${v.getDotPath(issue) ?? 'value'}: expected ${issue.expected ?? issue.type}`);
}

/**
 * Opens one side of a channel. `mine` are the methods that `handlers` answer; `theirs` are the other side's.
 * `onError` hears of bugs (bad messages, notices whose handler threw): never of what a request already replied.
 */
export function openChannel<Mine extends Methods, Theirs extends Methods>(options: {
  readonly port: Port;
  readonly mine: Mine;
  readonly theirs: Theirs;
  readonly handlers: Handlers<Mine>;
  readonly onError?: (error: unknown) => void;
}): Channel<Theirs> {
  const { port, mine, theirs, handlers } = options;
  const report = options.onError ?? (() => {});
  const store = new DisposableStore();
  const waiting = new Map<number, { method: string; resolve(value: unknown): void; reject(error: unknown): void }>();
  let nextId = 1;
  let open = true;

  const post = (message: Envelope): void => {
    if (open) port.post(message);
  };

  const end = (): void => {
    if (!open) return;
    open = false;
    for (const { reject } of waiting.values()) reject(new ChannelClosed());
    waiting.clear();
  };

  const run = async (method: string, params: unknown): Promise<unknown> => {
    const schema = Object.hasOwn(mine, method) ? mine[method] : undefined;
    if (!schema) throw new Error(`${method}: no such method`);
    const value = checked(schema.params, params, method) as Params<Mine[string]>;
    const result: unknown = await handlers[method as keyof Mine](value);
    return schema.result ? checked(schema.result, result, `result of ${method}`) : undefined;
  };

  const receive = async (message: unknown): Promise<void> => {
    const parsed = v.safeParse(EnvelopeSchema, message);
    // Pages receive messages that are none of ours (VS Code's own, a browser extension's).
    if (!parsed.success || !open) return;
    const envelope = parsed.output;
    switch (envelope.type) {
      case 'request':
        try {
          post({ type: 'reply', id: envelope.id, result: await run(envelope.method, envelope.params) });
        } catch (error) {
          const human = isHumanError(error);
          if (!human) report(error);
          post({ type: 'failure', id: envelope.id, human, message: errorMessage(error) });
        }
        return;
      case 'notice':
        try {
          await run(envelope.method, envelope.params);
        } catch (error) {
          report(error);
        }
        return;
      case 'reply':
      case 'failure': {
        const request = waiting.get(envelope.id);
        if (!request) return;
        waiting.delete(envelope.id);
        if (envelope.type === 'failure') {
          request.reject(envelope.human ? new HumanError(envelope.message) : new Error(envelope.message));
          return;
        }
        try {
          const schema = theirs[request.method]?.result;
          request.resolve(schema ? checked(schema, envelope.result, `result of ${request.method}`) : undefined);
        } catch (error) {
          report(error);
          request.reject(error);
        }
        return;
      }
      case 'end':
        end();
    }
  };

  const send = (method: string, params: unknown): Promise<unknown> | undefined => {
    const schema = theirs[method]!;
    if (!schema.result) {
      try {
        post({ type: 'notice', method, params: checked(schema.params, params, method) });
      } catch (error) {
        report(error);
      }
      return undefined;
    }
    return new Promise((resolve, reject) => {
      if (!open) return reject(new ChannelClosed());
      const id = nextId++;
      const value = checked(schema.params, params, method);
      waiting.set(id, { method, resolve, reject });
      post({ type: 'request', id, method, params: value });
    });
  };

  store.add(port.listen(message => void receive(message)));
  const remote = Object.fromEntries(
    Object.keys(theirs).map(method => [method, (params: unknown) => send(method, params)]),
  );
  return {
    remote: remote as Remote<Theirs>,
    dispose() {
      post({ type: 'end' });
      end();
      store.dispose();
    },
  };
}
