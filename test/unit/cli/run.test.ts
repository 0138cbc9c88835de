import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ChatServer, startChatServer } from '../../fakes/chatServer.ts';
import { type CommandLineOptions, tunesmith } from '../../fakes/commandLine.ts';
import { HttpServers } from '../../fakes/httpServer.ts';

const front = (tunesmithSettings: string, rest = ''): string =>
  `---\nname: sums\ninputs: {problem: {kind: string, required: true, example: 1 + 1}}\n${rest}metadata:\n  tunesmith:\n${tunesmithSettings}---\nuser:\nProblem: {{ problem }}\n`;

describe('tunesmith run', function () {
  this.slow(3000);
  let folder: string;
  let server: ChatServer;
  let model: string;
  const write = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  const run = (argv: readonly string[], options: Partial<CommandLineOptions> = {}) =>
    tunesmith(['run', ...argv], { cwd: folder, ...options });

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tunesmith-cli-'));
    mkdirSync(join(folder, '.git'));
    // It can add, but only when asked for steps.
    server = await startChatServer(({ messages }) => {
      const sum = /(\d) \+ (\d)/.exec(messages.findLast(({ role }) => role === 'user')!.content)!;
      const right = String(Number(sum[1]) + Number(sum[2]));
      const last = messages.at(-1)!;
      if (last.role !== 'assistant') return messages.length > 1 ? `Steps. The answer is ${right}.` : 'The answer is 2.';
      return last.content.endsWith('answer is') ? ` ${right}.` : ` ${sum[0]} makes ${right}.`;
    });
    model = `${server.url}|adder`;
    write(
      'rows.jsonl',
      '{"problem":"1 + 1","answer":2}\n{"problem":"2 + 3","answer":5}\n{"problem":"4 + 4","answer":8}\n',
    );
    write(
      'bank.jsonl',
      '{"problem":"9 + 0","reasoning":"Nine.","answer":9}\n{"problem":"2 + 3","reasoning":"Five.","answer":5}\n',
    );
    write(
      'sums.prompty',
      front(
        '    examples: {bank: ./bank.jsonl, shots: 2}\n    reasoning: {strategy: direct, answer: {rule: last-number}}\n    rows: ./rows.jsonl\n    expected: answer\n    grade: numbers-equal\n',
        'model: {options: {temperature: 0, maxOutputTokens: 9}}\n',
      ),
    );
  });
  after(async () => {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(() => {
    server.requests.length = 0;
    rmSync(join(folder, 'home'), { recursive: true, force: true });
  });

  it('streams one answer to stdout and the rest to stderr', async () => {
    const { code, stdout, stderr } = await run([
      join(folder, 'sums.prompty'),
      '-m',
      model,
      '--shots',
      '0',
      '-i',
      'problem=2 + 2',
    ]);
    assert.equal(code, 0);
    assert.equal(stdout, 'The answer is 2.\n= 2\n');
    assert.match(stderr, /sums\.prompty on adder/);
    assert.deepEqual(server.requests[0]!.body.messages, [{ role: 'user', content: 'Problem: 2 + 2' }]);
    assert.equal(server.requests[0]!.body.temperature, 0);
  });

  it('goes on with an interrupted run, asking for what is missing only', async () => {
    const servers = new HttpServers();
    let asked = 0;
    let most = 7;
    const origin = await servers.serve((_, response) => {
      if (asked >= most) response.writeHead(401).end('{"error":"out of credit"}');
      else
        response.end(
          JSON.stringify({ choices: [{ message: { content: `It is ${++asked}.` }, finish_reason: 'stop' }] }),
        );
    });
    try {
      const rows = ['--rows', '--samples', '4', '--shots', '0', '--json', '--concurrency', '1'];
      const argv = [join(folder, 'sums.prompty'), '-m', `${origin}/v1|adder`, ...rows];
      const first = await run(argv);
      assert.match(first.stderr, /out of credit/);
      const id = /--resume (\S+)/.exec(first.stderr)?.[1];
      assert.ok(id, first.stderr);
      await tunesmith(['cache', 'clear'], { cwd: folder });
      most = 1000;
      const other = await run([...argv, '--seed', '5', '--resume', id]);
      assert.match(other.stderr, /made with another template, model, rows or options/);
      const second = await run([...argv, '--resume', id]);
      assert.deepEqual([second.code, asked], [0, 12], second.stderr);
      assert.equal(second.stdout.trim().split('\n').length, 4, 'three rows and the summary');
      const third = await run([...argv, '--resume', id]);
      assert.deepEqual([third.stdout, asked], [second.stdout, 12]);
      assert.match((await run([...argv, '--resume', '../x'])).stderr, /is no name of a run/);
    } finally {
      servers.close();
    }
  });

  it('asks nothing twice: a second run makes no call, --fresh and an empty cache make them all', async () => {
    const argv = [join(folder, 'sums.prompty'), '-m', model, '--rows', '--shots', '0', '--json', '--samples', '2'];
    const first = await run(argv);
    assert.equal(server.requests.length, 6);
    const second = await run(argv);
    assert.equal(server.requests.length, 6, 'a second identical run makes no call');
    const uncached = second.stdout.replaceAll('"cached":true', '"cached":false');
    assert.equal(uncached, first.stdout, 'and says the same');
    assert.notEqual(second.stdout, first.stdout);
    await run([...argv, '--fresh']);
    assert.equal(server.requests.length, 12);
    const cache = (...words: string[]) => tunesmith(['cache', ...words], { cwd: folder });
    assert.deepEqual(JSON.parse((await cache('show', '--json')).stdout), {
      folder: join(folder, 'home', 'cache', 'responses'),
      answers: 6,
      bytes: 6 * 4096,
    });
    assert.match((await cache('clear')).stdout, /^6 answers forgotten/);
    assert.match((await cache()).stdout, /^0 answers/);
    await run([...argv, '--concurrency', '1', '--retries', '0']);
    assert.equal(server.requests.length, 18);
  });

  it('grades all rows and gives the interval, as JSON Lines', async () => {
    const argv = [join(folder, 'sums.prompty'), '-m', model, '--rows', '--shots', '0', '--json', '--samples', '2'];
    const { code, stdout } = await run(argv);
    assert.equal(code, 0);
    const lines = stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line));
    assert.deepEqual(
      lines.map(line => line.row),
      [1, 2, 3, undefined],
    );
    assert.deepEqual(
      lines[1].samples.map((one: { answer: string; correct: boolean }) => [one.answer, one.correct]),
      [
        ['2', false],
        ['2', false],
      ],
    );
    const { correct, n, low, high } = lines[3].summary.accuracy;
    assert.deepEqual([correct, n], [2, 6]);
    assert.ok(Math.abs(low - 0.0968) < 1e-3 && Math.abs(high - 0.7) < 1e-3, `${low} ${high}`);
    assert.equal(new Set(server.requests.map(({ body }) => body.seed)).size, 2, 'repeats have seeds of their own');
  });

  it('shows examples, and never the question itself among them', async () => {
    const { stdout } = await run([
      join(folder, 'sums.prompty'),
      '-m',
      model,
      '--row',
      '2',
      '--strategy',
      'few-shot-cot',
    ]);
    assert.equal(stdout, 'Steps. The answer is 5.\n✓ 5\n');
    assert.deepEqual(
      server.requests[0]!.body.messages.map(({ content }) => content),
      ['Problem: 9 + 0', 'Nine. The answer is 9.', 'Problem: 2 + 3'],
    );
  });

  it('asks twice for zero-shot chain of thought', async () => {
    const { stdout } = await run([
      join(folder, 'sums.prompty'),
      '-m',
      model,
      '--row',
      '3',
      '--strategy',
      'zero-shot-cot',
    ]);
    assert.equal(stdout, "Let's think step by step. 4 + 4 makes 8.\nTherefore, the answer is 8.\n✓ 8\n");
    assert.deepEqual(
      server.requests.map(({ body }) => body.messages.at(-1)),
      [
        { role: 'assistant', content: "Let's think step by step." },
        { role: 'assistant', content: "Let's think step by step. 4 + 4 makes 8.\nTherefore, the answer is" },
      ],
    );
  });

  it('prints the prompt without asking anyone', async () => {
    const { stdout, code } = await run([join(folder, 'sums.prompty'), '--prompt', '--shots', '1']);
    assert.equal(code, 0);
    assert.equal(stdout, 'user:\nProblem: 9 + 0\n\nassistant:\n9\n\nuser:\nProblem: 1 + 1\n\n');
    assert.equal(server.requests.length, 0);
  });

  it('puts answers up, and rank judges them blind', async () => {
    const argv = ['--rows', '--limit', '2', '-n', '2', '--rank', '-m', model];
    const varied = await startChatServer(({ seed, messages }) => `${messages[0]!.content} ${seed}`);
    try {
      const { stderr, code } = await run([
        join(folder, 'sums.prompty'),
        ...argv,
        '-m',
        `${varied.url}|any`,
        '--shots',
        '0',
      ]);
      assert.equal(code, 0);
      assert.match(stderr, /2 to rank in “sums”/);
    } finally {
      await varied.close();
    }
    const ranked = await tunesmith(['rank', '--author', 'ann', '--json'], { cwd: folder, keys: '1\nnbetter\n2\n' });
    assert.equal(ranked.code, 0);
    const judgements = ranked.stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line));
    assert.deepEqual(
      judgements[0].ranking,
      judgements[0].shown.map((id: string) => [id]),
    );
    assert.deepEqual(judgements[1].ranking, judgements[1].shown.map((id: string) => [id]).reverse());
    assert.equal(judgements[1].note, 'better');
    assert.ok(!ranked.stderr.includes('|any'), 'the model is not shown');
    assert.match(ranked.stderr, /2 of 2 judged/);
    const again = await tunesmith(['rank', '--author', 'ann', '--json'], { cwd: folder, keys: '' });
    assert.equal(again.stdout, '');
  });

  const wrong: readonly [name: string, file: string, text: string, argv: readonly string[], message: RegExp][] = [
    ['broken YAML', 'a.prompty', '---\nname: [x\n---\nuser:\nhi', [], /^.*a\.prompty:3: This YAML is broken/],
    [
      'an undefined variable',
      'b.prompty',
      'user:\n\n{{ nobody }}',
      [],
      /^.*b\.prompty:3: The variable “nobody” has no value/m,
    ],
    [
      'a missing bank',
      'c.prompty',
      front('    examples: {bank: ./none.jsonl}\n'),
      [],
      /^.*c\.prompty:6: The example bank “\.\/none\.jsonl” is not there/,
    ],
    [
      'a broken bank',
      'd.prompty',
      front('    examples: {bank: ./d.prompty}\n'),
      [],
      /^.*d\.prompty:1: This line is not valid JSON/,
    ],
    [
      'rows outside the workspace',
      'e.prompty',
      front('    rows: ../../../../../../etc/hosts\n'),
      ['--rows'],
      /^.*e\.prompty:6: .*lies outside/,
    ],
    ['no rows', 'f.prompty', 'user:\nhi', ['--rows'], /names no rows/],
    [
      'an extraction rule that does not end',
      'g.prompty',
      front("    reasoning: {answer: {rule: regex, pattern: '(a+)+$'}}\n"),
      ['-m', 'LOOP'],
      /^.*g\.prompty:6: The regular expression “\(a\+\)\+\$” took longer than 2 s and was stopped\. Simplify it\.$/,
    ],
    [
      'an endpoint that a template names',
      'i.prompty',
      'ENDPOINT',
      [],
      /wants to send prompts to http:\/\/127\.0\.0\.1:\d+\. Pass --allow-endpoint http/,
    ],
    [
      'an environment variable',
      'j.prompty',
      '---\ninputs: {x: "${' + 'env:SECRET}"}\n---\nuser:\n{{ x }}',
      [],
      /j\.prompty:1: .*SECRET.*--allow-env SECRET/,
    ],
    [
      'a file to be sent',
      'k.prompty',
      '---\ninputs: {x: "${' + 'file:rows.jsonl}"}\n---\nuser:\n{{ x }}',
      ['-m', 'MODEL'],
      /--allow-file rows\.jsonl/,
    ],
    [
      'a file behind a link',
      'l.prompty',
      '---\ninputs: {x: "${' + 'file:link}"}\n---\nuser:\n{{ x }}',
      ['--prompt'],
      /“link” lies outside/,
    ],
    ['a model that is not there', 'm.prompty', 'user:\nhi', ['-m', 'nobody'], /There is no model “nobody”/],
    ['an empty data set', 'n.prompty', front('    rows: ./empty.jsonl\n'), ['--rows'], /has no rows/],
  ];
  for (const [name, file, text, argv, message] of wrong) {
    it(`refuses ${name} with one sentence and code 1`, async () => {
      write('empty.jsonl', '');
      try {
        symlinkSync('/etc/hosts', join(folder, 'link'));
      } catch {
        // It is there from the case before.
      }
      const endless = await startChatServer(() => `${'a'.repeat(40)}!`);
      try {
        const source =
          text === 'ENDPOINT'
            ? `---\nmodel: {id: adder, connection: {kind: anonymous, endpoint: "${server.url}"}}\n---\nuser:\n1 + 1`
            : text;
        const names = argv.map(word => (word === 'LOOP' ? `${endless.url}|x` : word === 'MODEL' ? model : word));
        const { code, stderr, stdout } = await run([write(file, source), ...names], { env: { SECRET: 'hidden' } });
        assert.equal(code, 1, stderr);
        const said = stderr
          .trim()
          .split('\n')
          .filter(line => !/ on /.test(line) && !/is not among the template’s inputs/.test(line));
        assert.equal(said.length, 1, stderr);
        assert.match(said[0]!, message);
        assert.ok(!`${stderr}${stdout}`.includes('hidden'));
        if (argv.includes('LOOP')) assert.match(stdout, /a{40}!/, 'the answer stays');
        assert.equal(server.requests.length, 0, 'nothing was sent');
      } finally {
        await endless.close();
      }
    });
  }

  it('reads what was approved, and sends where it was allowed', async () => {
    const env = write('env.prompty', '---\ninputs: {x: "${' + 'env:SECRET}"}\n---\nuser:\n1 + 1 {{ x }}');
    await run([env, '-m', model, '--allow-env', 'SECRET'], {
      env: { SECRET: 'told', TUNESMITH_KEYS: `${server.url}=k1 https://other.example=k2` },
    });
    assert.equal(server.requests[0]!.body.messages[0]!.content, '1 + 1 told');
    assert.equal(server.requests[0]!.authorization, 'Bearer k1');
    const endpoint = write(
      'endpoint.prompty',
      `---\nmodel: {id: adder, connection: {kind: anonymous, endpoint: "${server.url}"}}\n---\nuser:\n1 + 1`,
    );
    const { code } = await run([endpoint, '--allow-endpoint', server.url]);
    assert.equal(code, 0);
    assert.equal(server.requests[1]!.authorization, undefined, 'without a key of its own none is sent');
    const file = write('file.prompty', '---\ninputs: {x: "${' + 'file:rows.jsonl}"}\n---\nuser:\n{{ x }}');
    assert.match((await run([file, '--prompt'])).stdout, /"problem":"4 \+ 4"/, 'what stays here needs no question');
  });

  it('says what is wrong with options, and helps', async () => {
    assert.match(
      (await run([join(folder, 'sums.prompty'), '--samples', '0'])).stderr,
      /--samples must be a whole number from 1/,
    );
    assert.match((await run([join(folder, 'sums.prompty'), '-i', 'x=1'])).stderr, /no input “x”\. It has: problem/);
    assert.match((await run([join(folder, 'sums.prompty'), '--row', '9'])).stderr, /no row 9; there are 3/);
    const unknown = await tunesmith(['bogus'], { cwd: folder });
    assert.equal(unknown.code, 1);
    assert.match(unknown.stderr, /unknown command/);
    const help = await tunesmith(['--help'], { cwd: folder });
    assert.equal(help.code, 0);
    for (const command of ['run', 'rank', 'train', 'loop', 'models'])
      assert.match(help.stdout, new RegExp(`^ {2}${command}\\b`, 'm'));
  });
});
