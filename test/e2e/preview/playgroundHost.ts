/** A scripted host of the playground: a real template in memory, its real parser, and answers that are typed out. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { applyChange, changeBetween, changeOf } from '../../../src/base/textChange.ts';
import { expandAxes } from '../../../src/core/evaluation/variants.ts';
import { complete } from '../../../src/core/language/completion.ts';
import type { LanguageHost } from '../../../src/core/language/host.ts';
import { hover } from '../../../src/core/language/hover.ts';
import { templateDocument } from '../../../src/core/language/templateDocument.ts';
import { setAxis } from '../../../src/core/prompts/axesEdits.ts';
import { listedAxes } from '../../../src/core/prompts/axesSettings.ts';
import { parseTemplate } from '../../../src/core/prompts/promptyFile.ts';
import { setFrontMatter } from '../../../src/core/prompts/templateEdits.ts';
import { wilson } from '../../../src/core/statistics/intervals.ts';
import {
  emptySetup,
  type PlaygroundState,
  type playgroundContract,
  type Setup,
} from '../../../src/protocol/playground.ts';
import type { Board, Cell, Column, Detail } from '../../../src/protocol/playgroundCells.ts';
import type { CompletionItem } from '../../../src/protocol/playgroundLanguage.ts';
import type { RunSummary } from '../../../src/protocol/playgroundRuns.ts';
import { noScores, type ScoreCell, type ScoreState, type ScoreTokens } from '../../../src/protocol/playgroundScores.ts';
import { noSweep, type SweepState } from '../../../src/protocol/playgroundSweep.ts';
import type { Preview, TemplateState } from '../../../src/protocol/playgroundTemplate.ts';
import type { Handlers, Remote } from '../../../src/protocol/rpc.ts';

const root = path.resolve(import.meta.dirname, '../../..');

export class PlaygroundHost {
  /** Milliseconds that completions take. */
  thinks = 0;
  text: string;
  version = 1;
  setup: Setup = { ...emptySetup, models: ['local:pebble'], row: 1 };
  page!: Remote<typeof playgroundContract.toWebview>;
  readonly calls: { method: string; params: unknown }[] = [];
  cells: Cell[] = [];
  details: Partial<Detail> = {};
  leaks: NonNullable<TemplateState['examples']>['leaks'] = { total: 0, first: [] };
  cut: string | null = null;
  runs: RunSummary[] = [];
  offer: PlaygroundState['offer'] = null;
  viewing: PlaygroundState['viewing'] = null;
  columns: Column[] = [];
  sweep: SweepState = noSweep;
  scores: ScoreState = noScores;
  scoreCells: ScoreCell[] = [];
  scoreTokens: ScoreTokens = [];
  /** What the host waits for before it takes a mark in. */
  beforeMark: () => Promise<void> | void = () => {};
  /** What the host tells the page before it answers that a past run or a difference is shown. */
  onView: (kind: 'run' | 'diff') => void = () => {};
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
    setAxis: ({ axis, values }) => {
      this.calls.push({ method: 'setAxis', params: { axis, values } });
      const named = values.map(({ label, text }) => ({ label: label || text, text }));
      this.changeText([...changeBetween(this.text, setAxis(this.text, axis, named))], false);
      return null;
    },
    setup: setup => {
      this.setup = setup;
      this.page.preview(this.preview());
      return null;
    },
    run: rows => this.#log('run', rows),
    runFresh: rows => this.#log('runFresh', rows),
    confirm: params => this.#log('confirm', params),
    retry: key => this.#log('retry', key),
    score: rows => this.#log('score', rows),
    complete: ({ text, offset }) => this.#complete(text, offset),
    hover: async ({ text, offset }) => {
      this.#log('hover', { offset });
      const found = await hover(templateDocument(text, 'template.prompty'), offset, this.#languageHost());
      return found ? { ...found.range, contents: [...found.contents] } : null;
    },
    sweepState: () => this.sweep,
    sweep: params => this.#log('sweep', params),
    scoreState: () => this.scores,
    scoreCells: ({ rows }) => this.scoreCells.filter(({ row }) => rows.includes(row)),
    scoreTokens: params => {
      this.#log('scoreTokens', params);
      return this.scoreTokens;
    },
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
    mark: async ({ cell, marks }) => {
      await this.beforeMark();
      this.#log('mark', { cell, marks });
      this.cells = this.cells.map(other =>
        other.column === cell.column && other.row === cell.row && other.repeat === cell.repeat
          ? { ...other, marks }
          : other,
      );
      this.page.cells({ cells: this.cells.filter(other => other.row === cell.row), append: [], clear: false });
      return null;
    },
    capture: params => this.#log('capture', params),
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
    resume: () => this.#log('resume', {}),
    runSome: params => {
      this.#log('runSome', params);
      return 1;
    },
    runs: () => this.runs,
    viewRun: params => {
      this.onView('run');
      return this.#log('viewRun', params);
    },
    viewDiff: params => {
      this.onView('diff');
      return this.#log('viewDiff', params);
    },
    viewCurrent: () => this.#log('viewCurrent', {}),
    diffRuns: params => this.#log('diffRuns', params),
    restoreRun: params => this.#log('restoreRun', params),
    markRun: params => {
      this.#log('markRun', params);
      this.runs = this.runs.map(run => (run.id === params.id ? { ...run, ...params } : run));
      return null;
    },
    deleteRun: params => this.#log('deleteRun', params),
    openTemplate: params => this.#log('openTemplate', params),
    approve: params => this.#log('approve', params),
    act: params => this.#log('act', params),
    copy: params => this.#log('copy', params),
  };

  async #complete(text: string, offset: number): Promise<CompletionItem[]> {
    this.#log('complete', { offset });
    await new Promise(resolve => setTimeout(resolve, this.thinks));
    const items = await complete(templateDocument(text, 'template.prompty'), offset, this.#languageHost());
    return items.map(({ range, isSnippet = false, detail = '', doc = '', again = false, ...item }) => ({
      ...item,
      ...range,
      snippet: isSnippet,
      detail,
      doc,
      again,
      filter: item.filter ?? item.label,
    }));
  }

  #languageHost(): LanguageHost {
    const rows = { count: this.#rows.length, fields: Object.keys(this.#rows[0] ?? {}), current: this.#rows[0] ?? {} };
    return {
      models: async () => [],
      dataFiles: async () => [],
      exists: async () => true,
      bank: async () => undefined,
      rows: async () => rows,
      countTokens: async text => ({ tokens: Math.ceil(text.length / 4), model: 'pebble' }),
    };
  }

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
    const { reasoning, examples, rows, expected, grade, score } = parsed.tunesmith;
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
        columns: Object.keys(this.#rows[0] ?? {}),
      },
      examples: examples
        ? {
            bank: path.basename(examples.bank),
            total: this.#bank.length,
            shots: examples.shots,
            selection: examples.selection,
            seed: examples.seed,
            similarity: examples.similarity,
            embeddingModel: examples.embeddingModel,
            lambda: examples.lambda,
            label: examples.label,
            order: examples.order,
            leakage: examples.leakage,
            overBudget: examples.overBudget,
            columns: Object.keys(this.#bank[0] ?? {}),
            leaks: this.leaks,
          }
        : null,
      answer: {
        rule: reasoning.answer.rule,
        detail: Object.values(reasoning.answer)[1] ?? '',
        flags: '',
        expected: expected ?? '',
        grade: grade.rule,
        threshold: grade.threshold,
      },
      reasoning: {
        trigger: reasoning.trigger,
        extract: reasoning.extract,
        triggers: [reasoning.trigger],
        samples: reasoning.samples,
        of: reasoning.of,
        critique: reasoning.critique,
        revise: reasoning.revise,
        decompose: reasoning.decompose,
      },
      axes: listedAxes(parsed.tunesmith.axes).map(({ axis, values }) => ({ axis, values: [...values] })),
      variants: { count: expandAxes(parsed).length, problem: null },
      score: score ? { task: score.task, by: score.by, method: score.method, inside: score.input !== undefined } : null,
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
      cut: this.cut,
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
      offer: this.offer,
      viewing: this.viewing,
      forecast: null,
      models: [
        { id: 'local:pebble', label: 'pebble', detail: 'bundled', depth: 0 },
        { id: 'local:polite-v1', label: 'polite-v1', detail: 'tuned from pebble', depth: 1 },
        { id: 'local:SmolLM2-135M-Instruct', label: 'SmolLM2-135M-Instruct', detail: 'imported', depth: 0 },
      ].map(model => ({ ...model, controlled: true, note: null })),
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
      controlled: true,
      score: null,
      failed: 0,
      paired: null,
      key: String(column.variant),
      orderOf: String(column.variant),
      baseline: column.variant === 0,
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
          warning: null,
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
