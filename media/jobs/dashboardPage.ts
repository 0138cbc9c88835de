/** One job's page: its model, the channel to the host, and what buttons do. */
import { render } from 'lit';
import { errorMessage } from '../../src/base/errors.ts';
import { jobDashboardContract } from '../../src/protocol/jobDashboard.ts';
import { connect } from '../common/vscodeApi.ts';
import { Curves } from './curves.ts';
import { type Actions, jobView, type Model } from './view.ts';

export function startDashboard(root: HTMLElement): void {
  let model: Model = { job: null, error: null, allSamples: false, differences: false, busy: false };
  const curves = new Curves();

  const host = connect(jobDashboardContract, {
    show: job => set({ job }),
    picture: () => curves.picture(model.job?.name ?? ''),
  });

  const actions: Actions = {
    act: action => void act(action),
    openJob: job => host.remote.openJob({ job }),
    showAll: () => set({ allSamples: !model.allSamples }),
    showCurves: all => host.remote.showCurves({ all }),
    compareSamples: (before, now) => host.remote.compareSamples({ before, now }),
    markDifferences: () => set({ differences: !model.differences }),
    retry: () => void open(),
  };

  function set(change: Partial<Model>): void {
    model = { ...model, ...change };
    render(jobView(model, actions), root);
    curves.draw(root, model.job?.charts ?? []);
  }

  async function act(action: Parameters<Actions['act']>[0]): Promise<void> {
    if (model.busy) return;
    set({ busy: true, error: null });
    try {
      await host.remote.act({ action });
      set({ busy: false });
    } catch (error) {
      set({ busy: false, error: errorMessage(error) });
    }
  }

  async function open(): Promise<void> {
    try {
      set({ job: await host.remote.open({}), error: null });
    } catch (error) {
      set({ error: errorMessage(error) });
    }
  }

  set({});
  void open();
}
