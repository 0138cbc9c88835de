/** Frames and keystrokes as a page sees them: measured inside it, on its own clock. */
import type { Frame, Page } from 'playwright-core';

export const FrameMs = 1000 / 60;

/** The value below which this share of the values lies; nearest rank. */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new Error('the quantile of nothing');
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
}

/** Milliseconds between the frames of a page while `work` runs: by the times that `requestAnimationFrame` gives. */
export async function framesDuring(frame: Frame, work: () => Promise<void>): Promise<number[]> {
  await frame.evaluate(() => {
    const times: number[] = [];
    const page = window as unknown as { benchFrames: { times: number[]; stop: boolean } };
    page.benchFrames = { times, stop: false };
    const tick = (time: number): void => {
      times.push(time);
      if (!page.benchFrames.stop) requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  });
  await work();
  const times = await frame.evaluate(() => {
    const { benchFrames } = window as unknown as { benchFrames: { times: number[]; stop: boolean } };
    benchFrames.stop = true;
    return benchFrames.times;
  });
  return times.slice(1).map((time, i) => time - times[i]!);
}

/** Turns the wheel over a place for some seconds, down and up again, a notch about each frame. */
export async function wheel(page: Page, at: { x: number; y: number }, seconds: number): Promise<void> {
  await page.mouse.move(at.x, at.y);
  const began = Date.now();
  for (;;) {
    const done = (Date.now() - began) / 1000 / seconds;
    if (done >= 1) return;
    await page.mouse.wheel(0, done < 0.75 ? 120 : -120);
    await page.waitForTimeout(12);
  }
}

/**
 * Milliseconds from each keydown to the paint that follows it: from the event's own time stamp to the first task after the
 * frame that was asked for in it.
 */
export async function keystrokes(frame: Frame, page: Page, text: string): Promise<number[]> {
  await frame.evaluate(() => {
    const host = window as unknown as { benchKeys?: { samples: number[]; stop(): void } };
    host.benchKeys?.stop();
    const samples: number[] = [];
    const channel = new MessageChannel();
    const waiting: number[] = [];
    channel.port1.onmessage = () => {
      for (const at of waiting.splice(0)) samples.push(performance.now() - at);
    };
    const listen = (event: KeyboardEvent): void => {
      requestAnimationFrame(() => {
        waiting.push(event.timeStamp);
        channel.port2.postMessage(0);
      });
    };
    window.addEventListener('keydown', listen, true);
    host.benchKeys = { samples, stop: () => window.removeEventListener('keydown', listen, true) };
  });
  // A fast typist's pace; irregular, so that keys fall into frames anywhere.
  let state = 7;
  for (const key of text) {
    await page.keyboard.press(key === ' ' ? 'Space' : key);
    state = (state * 75 + 74) % 65_537;
    await page.waitForTimeout(50 + (state % 60));
  }
  await page.waitForTimeout(200);
  return frame.evaluate(() => (window as unknown as { benchKeys: { samples: number[] } }).benchKeys.samples);
}
