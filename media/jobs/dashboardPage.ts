/** One job's page: its model, the channel to the host, and what buttons do. */
import { render } from 'lit';
import { jobDashboardContract } from '../../src/protocol/jobDashboard.ts';
import { connect } from '../common/vscodeApi.ts';
import { Curves } from './curves.ts';
import { LivePage } from './livePage.ts';
import { type Actions, jobView, type Model } from './view.ts';

export function startDashboard(root: HTMLElement): void {
  const curves = new Curves();
  const host = connect(jobDashboardContract, {
    show: job => page.set({ job }),
    picture: () => curves.picture(page.model.job?.name ?? ''),
  });
  const actions: Actions = {
    act: action => void page.act(() => host.remote.act({ action })),
    openJob: job => host.remote.openJob({ job }),
    showAll: () => page.set({ allSamples: !page.model.allSamples }),
    showRefusals: () => page.set({ allRefusals: !page.model.allRefusals }),
    showCurves: all => host.remote.showCurves({ all }),
    compareSamples: (before, now) => host.remote.compareSamples({ before, now }),
    markDifferences: () => page.set({ differences: !page.model.differences }),
    retry: () => void open(),
  };
  const page: LivePage<Model> = new LivePage<Model>(
    { job: null, error: null, allSamples: false, allRefusals: false, differences: false, busy: false },
    model => {
      render(jobView(model, actions), root);
      curves.draw(root, model.job?.charts ?? []);
    },
  );
  const open = () => page.open(async () => ({ job: await host.remote.open({}) }));
  void open();
}
