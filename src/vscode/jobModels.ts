/** Models that jobs ask for their rewards: while this window is open it answers, and jobs that waited for it go on. */
import * as vscode from 'vscode';
import type { Disposable } from '../base/disposable.ts';
import { modelAsked } from '../core/jobs/judgeReward.ts';
import { isOver } from '../core/jobs/status.ts';
import type { JobBackend, JobSummary } from '../jobs/backend.ts';
import type { Services } from './services.ts';

export class JobModels implements Disposable {
  readonly #services: Services;
  readonly #backend: JobBackend;
  readonly #answering = new Map<string, Disposable>();
  readonly #resumed = new Set<string>();
  #disposed = false;

  constructor(services: Services, backend: JobBackend) {
    this.#services = services;
    this.#backend = backend;
  }

  /** `known`: jobs that this window started or saw running. A job that came with a checkout is none of them, and asks nobody. */
  update(jobs: readonly JobSummary[], known: readonly string[]): void {
    for (const job of jobs) {
      const model = modelAsked(job.specification);
      if (model === undefined) continue;
      if (isOver(job.status)) this.#end(job.id);
      else if (vscode.workspace.isTrusted && known.includes(job.id)) void this.#serve(job, model);
    }
  }

  async #serve({ id, path, status }: JobSummary, model: string): Promise<void> {
    try {
      if (!this.#answering.has(id)) {
        // Others that come meanwhile find the place taken.
        this.#answering.set(id, { dispose: () => {} });
        const { answerQuestions } = await import('../jobs/modelAnswers.ts');
        const { JobFolder } = await import('../storage/jobFolder.ts');
        const answering = answerQuestions(await JobFolder.open(path), {
          model,
          open: async () => {
            const [registry, dispatcher] = await Promise.all([this.#services.models(), this.#services.dispatcher()]);
            return dispatcher.ask(await registry.get(model));
          },
          logger: this.#services.logger,
        });
        if (this.#disposed) answering.dispose();
        else this.#answering.set(id, answering);
      }
      if (status !== 'waiting' || this.#resumed.has(id)) return;
      this.#resumed.add(id);
      await this.#backend.start(id);
      this.#resumed.delete(id);
    } catch (error) {
      this.#services.logger.error(`The model of job ${id} cannot be asked.`, error);
    }
  }

  #end(id: string): void {
    this.#answering.get(id)?.dispose();
    this.#answering.delete(id);
  }

  dispose(): void {
    this.#disposed = true;
    for (const id of [...this.#answering.keys()]) this.#end(id);
  }
}
