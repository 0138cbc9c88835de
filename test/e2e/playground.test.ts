/** The playground in a real VS Code, driven with keys: a matrix of answers with its scores, in each theme and width. */
import assert from 'node:assert/strict';
import {
  type ChatAnswer,
  type ChatRequest,
  type ChatServer,
  type ChatToken,
  startChatServer,
} from '../fakes/chatServer.ts';
import { PlaygroundDriver } from './playgroundDriver.ts';
import { accessibilityProblems } from './preview/accessibility.ts';
import { Workbench } from './workbench.ts';

const template = 'word-problem-few-shot-cot';
/** Rows of “Run First 12 Rows”. */
const some = 12;

/** Steps that are right where examples were given, a guess where not; doubt at each number. */
function solve({ messages }: ChatRequest): ChatAnswer {
  const numbers = messages.at(-1)!.content.match(/\d+/g)?.map(Number) ?? [];
  const [a = 0, b = 0, c = 0] = numbers;
  const asked = messages.at(-1)!.content;
  const first = /each/.test(asked) ? a * b : a + b;
  const last = /more\.|finds|gets \d+ more\?/.test(asked) ? first + c : first - c;
  return messages.some(({ role, content }) => role === 'assistant' && /Then/.test(content))
    ? tokensOf(`First there are ${first}. Then ${first} and ${c} make ${last}. The answer is ${last}.`)
    : tokensOf(`The answer is ${first}.`);
}

function tokensOf(text: string): { tokens: ChatToken[] } {
  const tokens = (text.match(/\s*[\w]+|\s*[^\s\w]/g) ?? []).map((part): ChatToken => {
    const number = Number(part);
    if (Number.isNaN(number)) return { text: part, logProb: Math.log(0.97), alternatives: [] };
    const alternatives = [1, 2].map(step => ({ text: ` ${number + step}`, logProb: Math.log(0.2 / step) }));
    return { text: part, logProb: Math.log(0.55), alternatives };
  });
  return { tokens };
}

describe('the playground in the editor', function () {
  this.timeout(240_000);
  let server: ChatServer;
  let workbench: Workbench;
  let playground: PlaygroundDriver;

  before(async () => {
    server = await startChatServer(solve);
    const models = ['solver'];
    workbench = await Workbench.open({
      machineSettings: { 'tunesmith.endpoints': [{ baseUrl: server.url, models }] },
      settings: { 'tunesmith.forecastCalls': 2 * some },
    });
    await workbench.command('View: Close Primary Side Bar');
    await workbench.command('Tunesmith: Open Playground');
    await workbench.frameWith('.picks');
    await workbench.screenshotsInThemes('playground-welcome', [1440, 468]);
    playground = new PlaygroundDriver(workbench);
    await playground.pick(template);
  });
  after(async () => {
    await workbench?.close();
    await server?.close();
  });
  afterEach(async function () {
    if (this.currentTest?.state !== 'failed') return;
    await workbench.screenshot(`failed-playground-${this.currentTest.title.slice(0, 40).replace(/\W+/g, '-')}`);
  });

  it('runs a matrix of two variants on twelve rows, each column scored and held against the first', async () => {
    await playground.choose('Choose Models', /^\s*solver/);
    await playground.choose('Remove pebble');
    await playground.choose('Compare', 'Direct');
    await playground.choose('Run Options', 'Token Probabilities', `Run First ${some} Rows`);
    await playground.status(`${2 * some} answers`);
    assert.equal(server.requests.length, 2 * some);
    assert.ok(server.requests.every(({ body }) => body.logprobs === true));
    const heads = playground.page.getByRole('grid', { name: 'Answers' }).getByRole('columnheader');
    assert.match(await heads.nth(1).innerText(), /\d+ %\s+\d+\/12/);
    assert.match(await heads.nth(2).innerText(), /−\d+\s+−\d+ to −\d+, 12 paired, p/);
    await workbench.screenshotsInThemes('playground-matrix', [1440, 468, 368]);
  });

  it('says before a bigger run what it will ask for, and lets it be', async () => {
    const before = server.requests.length;
    await playground.choose('Run Options', /Run All \d+ Rows/);
    const dialog = playground.page.getByRole('dialog', { name: /^Run \d+ cells\?/ });
    await dialog.getByText('Calls').waitFor();
    await workbench.screenshotsInThemes('playground-forecast', [1440, 390], async () =>
      assert.deepEqual(await accessibilityProblems(playground.page, ['.monaco-editor']), []),
    );
    await playground.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    assert.equal(server.requests.length, before);
  });

  it('scores candidates with the bundled model, and shows how likely each token is', async () => {
    await workbench.openFile('winograd.prompty');
    await workbench.command('View: Close Other Editors in Group');
    await workbench.command('Tunesmith: Score Candidates of Template');
    const page = await playground.find();
    await page.locator('.run-bar [role=status]', { hasText: `${some} scored` }).waitFor();
    await page.locator('.scores tr[data-row="0"] button.score-fold').focus();
    await playground.press('Enter');
    await page.locator('tunesmith-token-map').first().waitFor();
    await workbench.screenshotsInThemes('playground-scores', [1440, 700], async () =>
      assert.deepEqual(await accessibilityProblems(page, ['.monaco-editor']), []),
    );
  });

  it('fetched nothing from elsewhere', () => {
    assert.deepEqual(workbench.remoteRequests(), []);
  });
});
