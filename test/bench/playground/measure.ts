/** One round: a fresh editor, its activation, a whole run with the table scrolled and the prompt typed in, and the run again. */
import type { Browser, Page } from 'playwright-core';
import { type AnswerServer, startAnswerServer } from './answerServer.ts';
import { framesDuring, keystrokes, wheel } from './frames.ts';
import { atRest, renderers, watchMemory } from './processes.ts';
import { Session } from './session.ts';

/** What one round saw; lists hold every sample. */
export interface Round {
  /** Milliseconds, one for each start of the window. */
  readonly activationMs: readonly number[];
  /** MiB at rest with the playground open, before anything ran: extension host, renderers. */
  readonly idleMiB: readonly number[];
  /** MiB above that: the highest sum, from the start of the run until it was scrolled to its end. */
  readonly peakMiB: number;
  /** What the extension host and the renderers had above rest at that moment. */
  readonly peakParts: readonly number[];
  readonly runSeconds: number;
  readonly firstRunCalls: number;
  readonly secondRunCalls: number;
  readonly secondRunSeconds: number;
  /** Milliseconds between frames. */
  readonly frames: {
    readonly empty: readonly number[];
    readonly scroll: readonly number[];
    readonly run: readonly number[];
  };
  /** Milliseconds from keydown to paint. */
  readonly keys: {
    readonly empty: readonly number[];
    readonly rest: readonly number[];
    readonly run: readonly number[];
  };
}

const Text = 'the quick brown fox jumps over the lazy dog and does it again';
const ScrollSeconds = 4;

export interface RoundOptions {
  /** How often the window is opened for its activation. */
  readonly starts: number;
  /** Of the run; each has a cell for each model and sample. */
  readonly rows: number;
  readonly log: (line: string) => void;
}

export async function measureRound(options: RoundOptions): Promise<Round> {
  const server = await startAnswerServer();
  const session = await Session.open(server, options.rows);
  try {
    return await withSession(session, server, options);
  } catch (error) {
    await session.workbench.screenshot('bench-failed').catch(() => {});
    throw error;
  } finally {
    await session.close();
    server.close();
  }
}

async function withSession(session: Session, server: AnswerServer, { starts, log }: RoundOptions): Promise<Round> {
  const { workbench } = session;
  const window = workbench.page;
  const activationMs: number[] = [];
  for (let i = 0; i < starts; i++) {
    if (i > 0) await session.reload();
    activationMs.push(await session.activationMs());
  }
  log(`activation: ${activationMs.join(', ')} ms`);
  const empty = await emptyPage(workbench.browser, window);
  const page = await session.openPlayground();
  const groups = [[session.extensionHost()], await renderers(workbench.browser)];
  const idleMiB = await atRest(groups);
  const memory = watchMemory(groups, idleMiB);
  const before = await server.asked();
  const began = Date.now();
  await session.start();
  // Some rows have their answers then, and others stream.
  await window.waitForTimeout(3000);
  const table = await session.middleOf('tunesmith-matrix');
  const runFrames = await framesDuring(page, () => wheel(window, table, ScrollSeconds));
  await session.focusPrompt();
  const runKeys = await keystrokes(page, window, Text);
  await session.erase(Text.length);
  log(`${await server.asked()} calls after ${((Date.now() - began) / 1000).toFixed(0)} s`);
  await session.finished();
  const runSeconds = (Date.now() - began) / 1000;
  const firstRunCalls = (await server.asked()) - before;
  log(`run: ${firstRunCalls} calls in ${runSeconds.toFixed(0)} s`);
  await wheel(window, table, 1);
  const scroll = await framesDuring(page, () => wheel(window, table, ScrollSeconds));
  const { peak, parts } = memory.stop();
  log(`peak: ${peak.toFixed(0)} MiB (${parts.map(part => part.toFixed(0)).join(' + ')})`);
  await session.focusPrompt();
  const restKeys = await keystrokes(page, window, Text);
  await session.erase(Text.length);
  const again = Date.now();
  await session.start();
  await session.finished();
  const secondRunSeconds = (Date.now() - again) / 1000;
  const secondRunCalls = (await server.asked()) - before - firstRunCalls;
  log(`second run: ${secondRunCalls} calls in ${secondRunSeconds.toFixed(0)} s`);
  return {
    activationMs,
    idleMiB,
    peakMiB: peak,
    peakParts: parts,
    runSeconds,
    firstRunCalls,
    secondRunCalls,
    secondRunSeconds,
    frames: { empty: empty.frames, scroll, run: runFrames },
    keys: { empty: empty.keys, rest: restKeys, run: runKeys },
  };
}

/** What this browser on this machine can reach at all: an empty page, and a plain text field. */
async function emptyPage(browser: Browser, window: Page): Promise<{ frames: number[]; keys: number[] }> {
  const context = await browser.newContext({ viewport: window.viewportSize() });
  try {
    const page = await context.newPage();
    await page.setContent('<textarea rows="10" cols="60"></textarea>');
    await page.focus('textarea');
    const frames = await framesDuring(page.mainFrame(), () => page.waitForTimeout(1000 * ScrollSeconds));
    return { frames, keys: await keystrokes(page.mainFrame(), page, Text) };
  } finally {
    await context.close();
    await window.bringToFront();
  }
}
