/** A scripted host of the playground: a real template in memory, its real parser, and answers that are typed out. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { applyChange, changeOf } from '../../../src/base/textChange.ts';
import { parseTemplate } from '../../../src/core/prompts/promptyFile.ts';
import { setFrontMatter } from '../../../src/core/prompts/templateEdits.ts';
import { wilson } from '../../../src/core/statistics/intervals.ts';
import type {
  Board,
  Cell,
  Column,
  Detail,
  PlaygroundState,
  Preview,
  playgroundContract,
  Setup,
  TemplateState,
} from '../../../src/protocol/playground.ts';
import type { Handlers, Remote } from '../../../src/protocol/rpc.ts';

const root = path.resolve(import.meta.dirname, '../../..');

export class PlaygroundHost {
  text: string;
  version = 1;
  setup: Setup = {
    models: ['local:pebble'],
    variants: [{ kind: 'current' }],
    samples: 1,
    row: 1,
    probabilities: false,
  };
  page!: Remote<typeof playgroundContract.toWebview>;
  readonly calls: { method: string; params: unknown }[] = [];
  cells: Cell[] = [];
  details: Partial<Detail> = {};
  columns: Column[] = [];
  run = { running: false, done: 0, total: 0, failed: 0, secondsLeft: null as number | null };
  readonly #rows: Record<string, unknown>[];
  readonly #bank: Record<string, unknown>[];

  constructor(template: string) {
    const file = path.join(root, 'samples/templates', template);
    this.text = readFileSync(file, 'utf8');
    const { rows, examples } = parseTemplate(this.text, template).tunesmith;
    const lines = (name: string | undefined): Record<string, unknown>[] =>
      name === undefined
        ? []
        : readFileSync(path.resolve(path.dirname(file), name), 'utf8')
            .split('\n')
            .filter(Boolean)
            .map(line => JSON.parse(line) as Record<string, unknown>);
    this.#rows = lines(rows).slice(0, 24);
    this.#bank = lines(examples?.bank);
  }

  readonly handlers: Handlers<typeof playgroundContract.toHost> = {
    ready: () => this.state(),
    edit: ({ version, change }) => {
      this.calls.push({ method: 'edit', params: change });
      if (version !== this.version) return false;
      this.changeText(change, true);
      return true;
    },
    set: ({ path: keys, value }) => {
      this.calls.push({ method: 'set', params: { path: keys, value } });
      this.changeText([...changeOf(setFrontMatter(this.text, keys, value))], false);
      return null;
    },
    setup: setup => {
      this.setup = setup;
      this.page.preview(this.preview());
      return null;
    },
    run: rows => this.#log('run', rows),
    runFresh: rows => this.#log('runFresh', rows),
    retry: key => this.#log('retry', key),
    window: ({ rows }) => {
      this.#log('window', rows);
      const { values, expected } = this.template().rows;
      return {
        cells: this.cells.filter(cell => rows.includes(cell.row)),
        inputs: rows.map(row => ({
          row,
          values: values[row % values.length]!,
          expected: expected?.[row % values.length] ?? null,
        })),
      };
    },
    filter: params => this.#log('filter', params),
    mark: ({ cell, marks }) => {
      this.#log('mark', { cell, marks });
      this.cells = this.cells.map(other =>
        other.column === cell.column && other.row === cell.row && other.repeat === cell.repeat
          ? { ...other, marks }
          : other,
      );
      this.page.cells({ cells: this.cells.filter(other => other.row === cell.row), append: [], clear: false });
      return null;
    },
    diff: params => this.#log('diff', params),
    detail: () => ({
      prompt: [{ role: 'user', content: 'What is 3 + 4?' }],
      tokens: null,
      turns: [],
      problem: null,
      busy: false,
      ...this.details,
    }),
    say: params => this.#log('say', params),
    stop: () => this.#log('stop', {}),
    sendToRanking: rows => {
      this.#log('sendToRanking', rows);
      return 1;
    },
    openTemplate: params => this.#log('openTemplate', params),
    approve: params => this.#log('approve', params),
    act: params => this.#log('act', params),
    copy: params => this.#log('copy', params),
  };

  #log(method: string, params: unknown): null {
    this.calls.push({ method, params });
    return null;
  }

  changeText(change: (number | string)[], own: boolean): void {
    this.text = applyChange(this.text, change);
    this.version++;
    this.page.changed({ version: this.version, change, bodyStart: this.bodyStart, own });
    this.page.template(this.template());
    this.page.preview(this.preview());
  }

  get bodyStart(): number {
    return parseTemplate(this.text, '').bodyRange.start;
  }

  template(): TemplateState {
    const parsed = parseTemplate(this.text, 'template.prompty');
    const { reasoning, examples, rows, expected, grade } = parsed.tunesmith;
    const text = (value: unknown): string =>
      typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value);
    return {
      name: parsed.name,
      fileName: `${parsed.name}.prompty`,
      folder: 'templates',
      strategy: reasoning.strategy,
      sampling: {
        temperature: 0.7,
        topP: 1,
        topK: 0,
        maxOutputTokens: 128,
        seed: 0,
        ...parsed.model.options,
        stopSequences: [...(parsed.model.options.stopSequences ?? [])],
      },
      inputs: parsed.inputs.map(({ name, kind, description, required }) => ({
        name,
        kind,
        description: description ?? '',
        required,
      })),
      rows: {
        file: rows ? path.basename(rows) : null,
        values: this.#rows.map(row => parsed.inputs.map(input => text(row[input.name]))),
        expected: expected ? this.#rows.map(row => text(row[expected])) : null,
        total: this.#rows.length,
      },
      examples: examples
        ? {
            bank: path.basename(examples.bank),
            total: this.#bank.length,
            shots: examples.shots,
            selection: examples.selection,
            seed: examples.seed,
          }
        : null,
      answer: { rule: reasoning.answer.rule, detail: '', grade: grade.rule, threshold: grade.threshold },
      reasoning: {
        trigger: reasoning.trigger,
        triggers: [reasoning.trigger],
        samples: reasoning.samples,
        of: reasoning.of,
        critique: reasoning.critique,
        revise: reasoning.revise,
        decompose: reasoning.decompose,
      },
      roles: parsed.roles.map(({ role, range }) => ({ role, range: { ...range } })),
      variables: parsed.variables.map(({ name, range }) => ({ name, range: { ...range } })),
      diagnostics: parsed.diagnostics.map(({ severity, message, range }) => ({
        severity,
        message,
        range: { ...range },
        place: null,
      })),
      approvals: [],
    };
  }

  preview(): Preview {
    const template = this.template();
    const shots = this.#bank.slice(0, template.examples?.shots ?? 0).map(row => ({
      user: String(Object.entries(row).find(([name]) => name !== 'answer' && name !== 'reasoning')?.[1] ?? ''),
      assistant: String(row.reasoning ?? row.answer ?? ''),
    }));
    const tokens = { system: 24, shots: shots.length * 52, input: 36, reserved: template.sampling.maxOutputTokens };
    return {
      row: this.setup.row,
      model: 'pebble',
      contextLength: 256,
      tokens,
      sections: template.roles.map(({ role }) =>
        role === 'system' ? tokens.system : role === 'user' ? tokens.input : tokens.reserved,
      ),
      shots,
      error: null,
    };
  }

  board(): Board {
    const rows = [...new Set(this.cells.map(({ row }) => row))];
    return { filter: 'all', rows, cells: this.cells.length, rankable: 0 };
  }

  state(): PlaygroundState {
    return {
      uri: 'file:///templates/template.prompty',
      document: { version: this.version, text: this.text, bodyStart: this.bodyStart },
      template: this.template(),
      preview: null,
      setup: this.setup,
      columns: this.columns,
      board: this.board(),
      run: this.run,
      models: [
        { id: 'local:pebble', label: 'pebble', detail: 'bundled', depth: 0 },
        { id: 'local:polite-v1', label: 'polite-v1', detail: 'tuned from pebble', depth: 1 },
        { id: 'local:SmolLM2-135M-Instruct', label: 'SmolLM2-135M-Instruct', detail: 'imported', depth: 0 },
      ],
      templates: [],
      trusted: true,
    };
  }

  /** Answers of every kind that the matrix can show. */
  fill(
    columns: readonly { model: string; label: string; variant: number; detail: string }[],
    answers: (row: number, column: number) => string,
  ): void {
    const template = this.template();
    this.columns = columns.map(column => ({
      id: `${column.model}#${column.variant}`,
      modelLabel: column.model,
      score: null,
      failed: 0,
      paired: null,
      ...column,
    }));
    for (const row of template.rows.values.keys()) {
      if (row > 9) break;
      for (const [index, column] of this.columns.entries()) {
        const text = answers(row, index);
        const expected = template.rows.expected?.[row];
        const number = /(\d+)\D*$/.exec(text);
        const running = row === 5 && index === 1;
        const failed = row === 5 && index === 0;
        this.cells.push({
          column: column.id,
          row,
          repeat: 0,
          status: failed ? 'failed' : running ? 'running' : row > 5 ? 'waiting' : 'done',
          text: failed || row > 5 ? '' : running ? text.slice(0, 24) : text,
          cached: false,
          latencyMs: failed || row > 5 ? null : 210 + 40 * row,
          firstTokenMs: null,
          cost: null,
          seed: 0,
          marks: null,
          tokens: failed || row > 5 ? null : text.split(' ').length + 3,
          finishReason: running || failed || row > 5 ? null : 'stop',
          error: failed ? 'Ollama, 503: server busy, please try again. Maximum pending requests exceeded.' : null,
          answer:
            expected !== undefined && number && !running && !failed
              ? { text: number[1]!, start: number.index, end: number.index + number[1]!.length }
              : null,
          right: expected === undefined || running || failed || row > 5 ? null : number?.[1] === expected,
          votes:
            row === 1 && index === 0
              ? [
                  { answer: '7', count: 3 },
                  { answer: '11', count: 2 },
                ]
              : [],
          stages:
            row === 1 && index === 0
              ? [1, 2, 3, 4, 5].map(n => ({ name: 'sample', text: `Sample ${n}: 3 and 4 make 7.` }))
              : [],
        });
      }
    }
    this.columns = this.columns.map(column => {
      const graded = this.cells.filter(cell => cell.column === column.id && cell.right !== null);
      const right = graded.filter(cell => cell.right).length;
      return {
        ...column,
        score: graded.length > 0 ? { right, ...wilson(right, graded.length) } : null,
        failed: this.cells.filter(cell => cell.column === column.id && cell.status === 'failed').length,
      };
    });
    this.run = { running: true, done: 12, total: 20, failed: 1, secondsLeft: 4 };
  }
}
