/** What panels of jobs share: a job followed with its events and metrics, and a page that is drawn as often as the host can bear. */
import type { Disposable } from '../../base/disposable.ts';
import type { DashboardInput } from '../../core/jobs/dashboard.ts';
import type { JobEvent } from '../../core/jobs/job.ts';
import { MetricColumns } from '../../core/jobs/metricColumns.ts';
import type { JobBackend, JobSummary } from '../../jobs/backend.ts';

export class WatchedJob implements Disposable {
  readonly metrics = new MetricColumns();
  readonly #events: JobEvent[] = [];
  readonly #watch: Disposable;
  #summary: JobSummary;

  private constructor(backend: JobBackend, summary: JobSummary, changed: () => void) {
    this.#summary = summary;
    this.#watch = backend.watch(summary.id, {
      onEvents: (events, restarted) => {
        if (restarted) {
          this.#events.length = 0;
          this.metrics.clear();
        }
        this.metrics.add(events);
        for (const event of events) this.#events.push(event);
        changed();
      },
      onChange: job => {
        this.#summary = job;
        changed();
      },
    });
  }

  /** Rejects with a HumanError when there is no such job. */
  static async open(backend: JobBackend, id: string, changed: () => void): Promise<WatchedJob> {
    return new WatchedJob(backend, await backend.get(id), changed);
  }

  get summary(): JobSummary {
    return this.#summary;
  }

  get input(): DashboardInput {
    const { id, specification, status, state, result, refusals } = this.#summary;
    return {
      id,
      specification,
      status,
      ...(state ? { state } : {}),
      ...(result ? { result } : {}),
      ...(refusals ? { refusals } : {}),
      events: this.#events,
      metrics: this.metrics,
    };
  }

  dispose(): void {
    this.#watch.dispose();
  }
}

/** A page that is drawn four times a second is live; steps may come faster. A tenth of the host's time at most goes into it. */
export class LiveDrawing implements Disposable {
  readonly #draw: () => void;
  /** Milliseconds that the last drawing took. */
  #cost = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(draw: () => void) {
    this.#draw = draw;
  }

  now(): void {
    const begun = performance.now();
    this.#draw();
    this.#cost = performance.now() - begun;
  }

  soon(): void {
    this.#timer ??= setTimeout(
      () => {
        this.#timer = undefined;
        this.now();
      },
      Math.max(250, 9 * this.#cost),
    );
  }

  dispose(): void {
    clearTimeout(this.#timer);
  }
}
