/** Bad input on the real command line: the exit code is not 0, and one clear sentence with its place says what to do. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ChatServer, startChatServer } from '../../fakes/chatServer.ts';
import { tunesmith } from '../../fakes/commandLine.ts';
import { buildGguf, floatBytes } from '../../fakes/ggufBuilder.ts';
import { writeTinyModel } from '../../fakes/tinyModelFolder.ts';

const main = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url));

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Case {
  readonly name: string;
  readonly argv: readonly string[];
  readonly says: RegExp;
  /** In a process of its own; the others run inside the test, which is quicker. */
  readonly real?: true;
  /** Around `"$@"`, the command line. */
  readonly shell?: string;
  /** Called when the process runs. */
  readonly meanwhile?: (pid: number, ended: Promise<unknown>) => Promise<void>;
}

const cases: readonly Case[] = [
  { name: 'broken YAML', argv: ['run', 'broken.prompty'], real: true, says: /broken\.prompty:\d+: / },
  {
    name: 'an undefined variable',
    argv: ['run', 'missing-variable.prompty', '--prompt'],
    says: /missing-variable\.prompty:\d+: .*“missing”.*(Add|correct)/,
  },
  {
    name: 'a missing bank',
    argv: ['run', 'no-bank.prompty', '--prompt'],
    says: /no-bank\.prompty:\d+: .*nowhere\.jsonl.*(Correct|set)/,
  },
  { name: 'a broken bank', argv: ['run', 'bad-bank.prompty', '--prompt'], says: /bad-bank\.jsonl:2: / },
  { name: 'an empty data set', argv: ['run', 'empty-rows.prompty', '--rows', '--prompt'], says: /no rows/ },
  {
    name: 'rows outside of the workspace',
    argv: ['run', 'outside.prompty', '--rows', '--prompt'],
    says: /outside\.prompty:\d+: /,
  },
  { name: 'no such template', argv: ['run', 'nowhere.prompty'], says: /nowhere\.prompty: There is no such file/ },
  { name: 'a template without end', argv: ['run', 'bomb.prompty', '--prompt'], says: /bomb\.prompty(:\d+)?: / },
  {
    name: 'a pattern that backtracks',
    argv: ['run', 'pattern.prompty', '-m', 'SERVER|letters'],
    says: /regular expression “\^\(a\+\)\+\$” took longer than \d+ s and was stopped\. Simplify it/,
  },
  { name: 'no preferences', argv: ['train', 'reward', '--data', 'empty.jsonl'], says: /empty\.jsonl/ },
  { name: 'truncated weights', argv: ['models', 'add', 'truncated'], says: /truncated\/model\.safetensors: / },
  {
    name: 'a header of 2^63 bytes',
    argv: ['models', 'add', 'long-header'],
    says: /long-header\/model\.safetensors: /,
  },
  {
    name: 'overlapping tensors',
    argv: ['models', 'add', 'overlapping'],
    says: /overlapping\/model\.safetensors: /,
  },
  {
    name: 'a family that is not supported',
    argv: ['models', 'add', 'family'],
    says: /family\/config\.json.*mamba/i,
  },
  { name: 'a configuration that is no JSON', argv: ['models', 'add', 'not-json'], says: /not-json\/config\.json/ },
  {
    name: 'a chat template without end',
    argv: ['run', 'fine.prompty', '-m', './endless'],
    says: /endless\/tokenizer_config\.json: .*chat template/,
  },
  { name: 'a GGUF file that ends early', argv: ['models', 'add', 'short.gguf'], says: /short\.gguf: / },
  { name: 'a GGUF file of 2^63 tensors', argv: ['models', 'add', 'counts.gguf'], says: /counts\.gguf: / },
  { name: 'a GGUF file of 2^63 keys', argv: ['models', 'add', 'keys.gguf'], says: /keys\.gguf: / },
  { name: 'a GGUF file of another family', argv: ['models', 'add', 'family.gguf'], says: /family\.gguf: .*mamba/ },
  { name: 'a file that is no model', argv: ['models', 'add', 'no.gguf'], says: /no\.gguf: / },
  {
    name: 'a Node that dies',
    argv: ['run', 'fine.prompty', '--prompt', '--node-path', 'dead-node'],
    says: /does not start\. Set .*Node/,
  },
];
/** Limits of files and /proc are Linux's. */
const linuxCases: readonly Case[] = [
  {
    name: 'a file that may not grow',
    argv: ['run', 'fine.prompty', '-m', 'SERVER|long', '-n', '2', '--temperature', '1', '--rank'],
    shell: 'ulimit -f 1; exec "$@"',
    says: /\.tunesmith.*: The file may not grow further/,
  },
  {
    name: 'a full disk behind the output',
    argv: ['models'],
    shell: 'exec "$@" > /dev/full',
    says: /disk is full|no space/i,
  },
  {
    name: 'a killed child',
    argv: ['run', 'fine.prompty', '-m', './tiny', '-n', '64', '--max-tokens', '100', '--temperature', '1'],
    says: /process.*ended|was stopped/i,
    meanwhile: killInference,
  },
];

const template = (front: string, body = 'user:\n{{ question }}\n'): string =>
  `---\nname: t\ninputs: {question: {kind: string, default: Anything?}}\n${front}---\n${body}`;

const all = process.platform === 'linux' ? [...cases, ...linuxCases] : cases;

describe('the command line on bad input', function () {
  this.timeout(120_000);
  let folder: string;
  let server: ChatServer;
  const outcomes = new Map<string, Promise<Outcome>>();
  const write = (name: string, content: string | Uint8Array): void => writeFileSync(join(folder, name), content);

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tunesmith-bad-'));
    let salt = 0;
    server = await startChatServer(({ model }) =>
      model === 'letters' ? `${'a'.repeat(60)}!` : String(++salt).repeat(2000),
    );
    mkdirSync(join(folder, '.git'));
    await writeFiles();
    // A few at a time: each is a process.
    const waiting = [...all];
    const lane = async (): Promise<void> => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        const outcome = run(next);
        outcomes.set(next.name, outcome);
        await outcome;
      }
    };
    await Promise.all([lane(), lane(), lane()]);
  });
  after(async () => {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function writeFiles(): Promise<void> {
    write('fine.prompty', template(''));
    write('broken.prompty', template('model: {id: pebble\n  options: [\n'));
    write('missing-variable.prompty', template('', 'user:\n{{ question }}\n{{ missing }}\n'));
    const settings = (text: string) =>
      template(`metadata:\n  tunesmith:\n    ${text}\n`, 'user:\n{{ shots }}{{ question }}\n');
    write('no-bank.prompty', settings('examples: {bank: ./nowhere.jsonl, shots: 2}'));
    write('bad-bank.prompty', settings('examples: {bank: ./bad-bank.jsonl, shots: 2}'));
    write('bad-bank.jsonl', '\n{"question":\n');
    write('empty-rows.prompty', settings('rows: ./empty.jsonl'));
    write('empty.jsonl', '\n');
    write('pattern.prompty', settings('reasoning: {strategy: direct, answer: {rule: regex, pattern: "^(a+)+$"}}'));
    write(
      'bomb.prompty',
      template(
        '',
        'user:\n{% for a in range(1000000000) %}{% for b in range(1000000000) %}x{% endfor %}{% endfor %}\n',
      ),
    );
    write('outside.prompty', template('metadata: {tunesmith: {rows: ../../etc/passwd}}\n'));

    const model = async (name: string): Promise<string> => {
      await writeTinyModel(join(folder, name));
      return join(name, 'model.safetensors');
    };
    await model('tiny');
    const whole = readFileSync(join(folder, await model('truncated')));
    write('truncated/model.safetensors', whole.subarray(0, whole.length - 1000));
    await model('long-header');
    const long = Buffer.from(whole);
    long.writeBigUInt64LE(2n ** 63n, 0);
    write('long-header/model.safetensors', long);
    await model('overlapping');
    const length = Number(whole.readBigUInt64LE(0));
    const header = JSON.parse(whole.toString('utf8', 8, 8 + length)) as Record<
      string,
      { data_offsets?: [number, number] }
    >;
    const names = Object.keys(header).filter(name => header[name]!.data_offsets);
    const [first, second] = names as [string, string];
    const [start, end] = header[first]!.data_offsets!;
    header[second]!.data_offsets = [
      start,
      start + (header[second]!.data_offsets![1] - header[second]!.data_offsets![0]),
    ];
    assert.ok(end > start);
    const text = Buffer.from(JSON.stringify(header));
    const size = Buffer.alloc(8);
    size.writeBigUInt64LE(BigInt(text.length));
    write('overlapping/model.safetensors', Buffer.concat([size, text, whole.subarray(8 + length)]));
    await model('family');
    write(
      'family/config.json',
      JSON.stringify({
        ...JSON.parse(readFileSync(join(folder, 'tiny/config.json'), 'utf8')),
        model_type: 'mamba',
        architectures: ['MambaForCausalLM'],
      }),
    );
    await model('not-json');
    write('not-json/config.json', '{"model_type": "llama",');
    await model('endless');
    const tokenizer = JSON.parse(readFileSync(join(folder, 'tiny/tokenizer_config.json'), 'utf8'));
    const chat = '{% for a in range(9999) %}{% for b in range(9999) %}{{ messages }}{% endfor %}{% endfor %}';
    write('endless/tokenizer_config.json', JSON.stringify({ ...tokenizer, chat_template: chat }));

    const tensors = [{ name: 'a', shape: [4], type: 0, bytes: floatBytes([1, 2, 3, 4]) }];
    const metadata = { 'general.architecture': { type: 'string', value: 'llama' } } as const;
    write('short.gguf', buildGguf({ metadata, tensors }).subarray(0, 60));
    write('counts.gguf', buildGguf({ metadata, tensors, tensorCount: 2n ** 63n }));
    write('keys.gguf', buildGguf({ metadata, tensors, keyCount: 2n ** 63n }));
    write(
      'family.gguf',
      buildGguf({ metadata: { 'general.architecture': { type: 'string', value: 'mamba' } }, tensors }),
    );
    write('no.gguf', 'GGML, an older format');
    write('dead-node', '#!/bin/sh\nkill -9 $$\n');
    chmodSync(join(folder, 'dead-node'), 0o755);
  }

  async function run({ argv: given, real, shell, meanwhile }: Case): Promise<Outcome> {
    const argv = [
      ...given.map(word => (existsSync(join(folder, word)) ? join(folder, word) : word.replace('SERVER', server.url))),
      '--quiet',
    ];
    if (!real && !shell && !meanwhile) return tunesmith(argv, { cwd: folder });
    const line = [process.execPath, '--no-warnings', main, ...argv];
    const [command, args] = shell ? ['sh', ['-c', shell, 'sh', ...line]] : [line[0]!, line.slice(1)];
    const child = spawn(command, args, {
      cwd: folder,
      env: { PATH: process.env.PATH, TUNESMITH_HOME: join(folder, 'home'), LANG: 'C', USER: 'tester' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const written = { stdout: '', stderr: '' };
    child.stdout.on('data', data => (written.stdout += data));
    child.stderr.on('data', data => (written.stderr += data));
    const closed = new Promise<number | null>(resolve => child.once('close', resolve));
    await meanwhile?.(child.pid!, closed);
    return { code: await closed, ...written };
  }

  for (const { name, says } of all) {
    it(name, async () => {
      const { code, stderr } = (await outcomes.get(name))!;
      assert.match(stderr, says);
      assert.ok(code !== 0 && code !== null, `exit code ${code}`);
      assert.equal(stderr.trim().split('\n').length, 1, `one sentence, not:\n${stderr}`);
      assert.doesNotMatch(stderr, /^\s+at |Error:|undefined|\[object|fault of Tunesmith/m);
      assert.match(stderr.trim(), /[.)]$/);
    });
  }
});

/** Kills the process that runs the model soon after it is there, and each that takes its place: the first may only have counted tokens. */
async function killInference(parent: number, ended: Promise<unknown>): Promise<void> {
  let over = false;
  void ended.then(() => (over = true));
  while (!over) {
    for (const name of readdirSync('/proc').filter(entry => /^\d+$/.test(entry))) {
      try {
        const fields = readFileSync(`/proc/${name}/stat`, 'latin1')
          .replace(/^.*\) /s, '')
          .split(' ');
        if (Number(fields[1]) !== parent || !readFileSync(`/proc/${name}/cmdline`, 'latin1').includes('inferenceMain'))
          continue;
        await new Promise(resolve => setTimeout(resolve, 100));
        process.kill(Number(name), 'SIGKILL');
      } catch {
        // It ended while we looked.
      }
    }
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}
