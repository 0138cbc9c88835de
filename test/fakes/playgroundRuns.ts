/** A playground's runs without an editor: a template in memory, a model that repeats what it is asked, runs in a folder of their own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Logger } from '../../src/base/logger.ts';
import { readRows } from '../../src/core/datasets/rows.ts';
import { Dispatcher } from '../../src/core/evaluation/dispatch.ts';
import type { Generation } from '../../src/core/generation.ts';
import { parseTemplate } from '../../src/core/prompts/promptyFile.ts';
import { renderPrompt } from '../../src/core/prompts/render.ts';
import type { RunSpecification } from '../../src/core/runs/runRecord.ts';
import type { TextGenerator } from '../../src/core/textGenerator.ts';
import { emptySetup, type Setup } from '../../src/protocol/playground.ts';
import type { Cell } from '../../src/protocol/playgroundCells.ts';
import type { Offer, RunForecast, RunState } from '../../src/protocol/playgroundRuns.ts';
import { hashOf } from '../../src/storage/runInputs.ts';
import { type WorkspaceLayout, workspaceLayout } from '../../src/storage/workspaceLayout.ts';
import { CellBoard } from '../../src/vscode/panels/cellBoard.ts';
import { CellDetails } from '../../src/vscode/panels/cellDetails.ts';
import { type LoadedTemplate, rowValues } from '../../src/vscode/panels/loadedTemplate.ts';
import { columnsOf, type PlaygroundColumn } from '../../src/vscode/panels/playgroundColumns.ts';
import { RunControl, type RunHost } from '../../src/vscode/panels/runControl.ts';
import { renderInProcess } from './renderInProcess.ts';

export const text = (prompt: string, more = ''): string =>
  `---\nname: t\ninputs: {q: {}}\nmodel: {options: {temperature: 0}}\nmetadata:\n  tunesmith: {rows: ./rows.jsonl, expected: a${more}}\n---\nuser:\n${prompt} {{ q }}\n`;

export function load(source: string, rows: readonly object[]): LoadedTemplate {
  const template = parseTemplate(source, 't.prompty');
  const lines = rows.map(row => JSON.stringify(row)).join('\n');
  const loaded = { template, diagnostics: [], waiting: [], rows: readRows(lines, 'rows.jsonl') };
  return loaded as unknown as LoadedTemplate;
}

/** Says again what it was asked last. `block`: nothing is answered until it resolves; what contains “fail” fails. */
export class Parrot {
  readonly asked: string[] = [];
  readonly id: string;
  block: Promise<void> = Promise.resolve();
  constructor(id = 'm') {
    this.id = id;
  }
  readonly generator = (): TextGenerator => ({
    model: {
      id: this.id,
      label: this.id,
      detail: '',
      kind: 'endpoint',
      chat: true,
      logProbs: false,
      controlledSampling: true,
    },
    generate: async ({ prompt, options, repeat }, { signal } = {}) => {
      const said = prompt.kind === 'text' ? prompt.text : prompt.messages.at(-1)!.content;
      this.asked.push(said);
      await Promise.race([
        this.block,
        new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason), { once: true })),
      ]);
      if (said.includes('fail')) throw new Error('The model fell over.');
      return { text: said, finishReason: 'stop', latencyMs: 1, model: this.id, options, repeat };
    },
  });
}

export class FakePlayground {
  readonly folder = mkdtempSync(join(tmpdir(), 'tunesmith-playground-'));
  readonly layout: WorkspaceLayout = workspaceLayout(this.folder);
  readonly errors: unknown[] = [];
  readonly states: RunState[] = [];
  readonly forecasts: (RunForecast | null)[] = [];
  readonly offers: (Offer | null)[] = [];
  readonly board = new CellBoard({ cells() {}, board() {} }, () => {}, { frame: 1e6, summary: 1e6 });
  readonly logger: Logger = { debug() {}, info() {}, warn() {}, error: (_, error) => this.errors.push(error) };
  parrots: readonly Parrot[];
  loaded: LoadedTemplate;
  setup: Setup;
  limits = { calls: 50, cost: 1 };
  /** Called where a run is taken up whose texts are others now. */
  past: RunHost['past'] = () => Promise.reject(new Error('nothing was kept'));
  readonly control: RunControl;

  constructor(loaded: LoadedTemplate, parrots: readonly Parrot[] = [new Parrot()], folder?: string) {
    if (folder !== undefined) {
      rmSync(this.folder, { recursive: true });
      this.folder = folder;
      this.layout = workspaceLayout(folder);
    }
    this.loaded = loaded;
    this.parrots = parrots;
    this.setup = { ...emptySetup, models: parrots.map(({ id }) => id) };
    this.control = new RunControl(this.#host());
  }

  columns(own = this.loaded, others: ReadonlyMap<string, LoadedTemplate> = new Map()): PlaygroundColumn[] {
    return columnsOf({
      own,
      others,
      setup: this.setup,
      choices: this.parrots.map(({ id }) => ({ id, label: id, detail: '', depth: 0, controlled: true, note: null })),
      prices: {},
      generator: async id => this.parrots.find(parrot => parrot.id === id)!.generator(),
      render: async (loaded, row, { strategy, orderSeed }) => {
        const options = { values: rowValues(loaded, row), bank: loaded.bank, strategy, orderSeed };
        return (await renderPrompt(loaded.template, options, renderInProcess)).prompt!;
      },
    });
  }

  specify(columns: readonly PlaygroundColumn[], loaded = this.loaded): RunSpecification {
    const rows = JSON.stringify(loaded.rows);
    return {
      by: 'playground',
      tool: '0',
      template: { file: 't.prompty', hash: hashOf(loaded.template.text), text: loaded.template.text },
      others: [],
      data: { file: 'rows.jsonl', hash: hashOf(rows), rows: loaded.rows!.length, kept: true },
      bank: null,
      models: this.parrots.map(({ id }) => ({ id, label: id })),
      columns: columns.map(({ id, model, modelLabel, variant, label, detail, controlled, strategy }) => {
        return { id, model, modelLabel, variant, label, detail, controlled, strategy, sampling: {} };
      }),
      samples: this.setup.samples,
      setup: this.setup,
    };
  }

  /** Resolves when nothing runs any more. */
  async ended(): Promise<void> {
    do await new Promise(resolve => setTimeout(resolve, 5));
    while (this.control.state.running);
    await this.control.history.end();
  }

  cells(): (Pick<Cell, 'status' | 'text'> & { readonly key: string; readonly earlier: boolean })[] {
    return [...this.board.all()]
      .map(({ column, row, repeat, status, text: said, earlier }) => {
        return { key: `${column}|${row}|${repeat}`, status, text: said, earlier: earlier ?? false };
      })
      .sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** `keep`: the folder stays, for another playground. */
  async close({ keep = false } = {}): Promise<void> {
    this.control.dispose();
    await this.control.history.close();
    this.board.dispose();
    if (!keep) rmSync(this.folder, { recursive: true, force: true });
  }

  #host(): RunHost {
    const own = this;
    const answers = new Map<string, Generation>();
    const dispatcher = new Dispatcher({
      cache: {
        get: async key => answers.get(key),
        put: async (key, generation) => void answers.set(key, generation),
      },
    });
    return {
      logger: this.logger,
      showError: error => this.errors.push(error),
      dispatcher: async () => dispatcher,
      match: async () => async () => [],
      limits: () => this.limits,
      layout: () => this.layout,
      path: 't.prompty',
      specify: async columns => this.specify(columns),
      past: (then, now) => this.past(then, now),
      page: {
        run: (state: RunState) => this.states.push(state),
        offer: (offer: Offer | null) => this.offers.push(offer),
        forecast: (forecast: RunForecast | null) => this.forecasts.push(forecast),
        runsChanged() {},
      } as unknown as RunHost['page'],
      board: this.board,
      details: new CellDetails({
        cell: async () => undefined,
        kept: async () => ({ prompt: [], tokens: null, turns: [] }),
        said: async () => {},
        model: () => Promise.reject(new Error('nobody talks')),
        show() {},
      }),
      get setup() {
        return own.setup;
      },
      get loaded() {
        return own.loaded;
      },
      columns: (loaded, others) => this.columns(loaded, others),
      choose: async setup => {
        this.setup = setup;
      },
      refresh: async () => {},
      closeView() {},
    };
  }
}
