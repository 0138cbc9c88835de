/** The evaluator process as a job's worker uses it: patterns and reward code that can be stopped, without the environment. */
import { type ChildProcess, fork } from 'node:child_process';
import { dirname, join, resolve } from 'node:path';
import * as v from 'valibot';
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import { EvaluatorReplySchema, type EvaluatorRequest, EvaluatorResultSchemas } from '../protocol/evaluator.ts';
import { siblingProgram } from './siblingProgram.ts';

/** Milliseconds that all answers of one step may take, and that the process may take to come up. */
const patternLimit = 2_000;
const schemaLimit = 3_000;
const codeLimit = 30_000;
const startLimit = 20_000;
const heapMegabytes = 128;

export interface EvaluatorChild {
  /** 1 for each text in which the pattern is found, else 0. */
  match(pattern: string, flags: string, texts: readonly string[]): Promise<number[]>;
  /** 1 for each text that is JSON which the schema allows, else 0. Rejects with a HumanError where it is no JSON Schema. */
  validate(schema: unknown, texts: readonly string[]): Promise<number[]>;
  /** The numbers that `reward({prompt, answer})` of the module gives. */
  reward(file: string, rows: readonly { readonly prompt: string; readonly answer: string }[]): Promise<number[]>;
  dispose(): void;
}

/** `codeFile`: a reward module that this process may run; it can read the module's folder and nothing else. */
export function createEvaluatorChild(codeFile?: string): EvaluatorChild {
  let child: Promise<ChildProcess> | undefined;
  let nextId = 1;
  const call = async (request: Call, limit: number, tooLong: string): Promise<unknown> => {
    child ??= start(codeFile);
    const process = await child;
    const id = nextId++;
    return new Promise((done, reject) => {
      const end = (settle: () => void) => {
        clearTimeout(timer);
        process.off('message', onMessage);
        process.off('exit', onExit);
        settle();
      };
      const onMessage = (message: unknown) => {
        const reply = v.safeParse(EvaluatorReplySchema, message);
        if (!reply.success || reply.output.type === 'hello' || reply.output.id !== id) return;
        const { output } = reply;
        end(() => (output.type === 'reply' ? done(output.result) : reject(new HumanError(output.message))));
      };
      const onExit = () => {
        child = undefined;
        end(() =>
          reject(
            new HumanError(
              l10n.t('The reward used more than {0} MB and was stopped. Make it use less.', heapMegabytes),
            ),
          ),
        );
      };
      const timer = setTimeout(() => {
        child = undefined;
        end(() => reject(new HumanError(tooLong)));
        process.kill('SIGKILL');
      }, limit);
      process.on('message', onMessage);
      process.once('exit', onExit);
      process.send({ ...request, id });
    });
  };
  return {
    async match(pattern, flags, texts) {
      const result = await call(
        { method: 'match', pattern, flags, texts: [...texts], last: false },
        patternLimit,
        l10n.t(
          'The regular expression “{0}” took longer than {1} s and was stopped. Simplify it: avoid repetitions inside repetitions.',
          pattern,
          patternLimit / 1000,
        ),
      );
      return v.parse(EvaluatorResultSchemas.match, result).matches.map(found => (found ? 1 : 0));
    },
    async validate(schema, texts) {
      const result = await call(
        { method: 'validate', schema, texts: [...texts] },
        schemaLimit,
        l10n.t('The JSON Schema took longer than {0} s and was stopped. Simplify its patterns.', schemaLimit / 1000),
      );
      return v.parse(EvaluatorResultSchemas.validate, result).valid.map(Number);
    },
    async reward(file, rows) {
      const result = await call(
        { method: 'reward', file, rows: rows.map(row => ({ ...row })) },
        codeLimit,
        l10n.t(
          'The reward function {0} took longer than {1} s and was stopped. Make it faster.',
          file,
          codeLimit / 1000,
        ),
      );
      return v.parse(EvaluatorResultSchemas.reward, result).rewards;
    },
    dispose() {
      void child?.then(process => process.kill('SIGKILL')).catch(() => {});
    },
  };
}

type Call = EvaluatorRequest extends infer R ? (R extends { id: number } ? Omit<R, 'id'> : never) : never;

/** Starts the process with the permission model where this Node has one: code without it does not run at all. */
async function start(codeFile: string | undefined): Promise<ChildProcess> {
  const file = siblingProgram('evaluator');
  for (const flag of ['--permission', '--experimental-permission', ...(codeFile === undefined ? [''] : [])]) {
    const started = await tryStart(file, flag, codeFile);
    if (started) return started;
  }
  throw new HumanError(
    l10n.t(
      'The process that evaluates rewards does not start. Set tunesmith.nodePath to a Node of version 22 or newer.',
    ),
  );
}

function tryStart(file: string, flag: string, codeFile: string | undefined): Promise<ChildProcess | undefined> {
  const child = fork(file, codeFile === undefined ? [] : ['--allow-code'], {
    execArgv: [...permissions(flag, file, codeFile), `--max-old-space-size=${heapMegabytes}`],
    env: {
      ELECTRON_RUN_AS_NODE: '1',
      ...(process.platform === 'win32' ? { SystemRoot: process.env.SystemRoot } : {}),
    },
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    serialization: 'json',
  });
  return new Promise(done => {
    const fail = () => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      done(undefined);
    };
    const timer = setTimeout(fail, startLimit);
    child.once('exit', fail);
    child.once('error', fail);
    child.once('message', () => {
      clearTimeout(timer);
      child.off('exit', fail);
      child.unref();
      child.channel?.unref();
      done(child);
    });
  });
}

function permissions(flag: string, file: string, codeFile: string | undefined): string[] {
  if (flag === '') return [];
  const root = resolve(dirname(file), file.endsWith('.ts') ? '../..' : '..');
  const readable = file.endsWith('.ts') ? [join(root, 'src', '*'), join(root, 'node_modules', '*')] : [file];
  readable.push(join(root, 'package.json'));
  if (codeFile !== undefined) readable.push(join(dirname(codeFile), '*'));
  return [flag, ...readable.map(path => `--allow-fs-read=${path}`)];
}
