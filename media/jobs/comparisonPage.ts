/** The page of jobs compared: its model, the channel to the host, and what buttons do. */
import { render } from 'lit';
import { jobComparisonContract } from '../../src/protocol/jobDashboard.ts';
import { connect } from '../common/vscodeApi.ts';
import { type ComparisonActions, type ComparisonModel, comparisonView } from './comparisonView.ts';
import { Curves } from './curves.ts';
import { LivePage } from './livePage.ts';

export function startComparison(root: HTMLElement): void {
  const curves = new Curves();
  const host = connect(jobComparisonContract, {
    show: comparison => page.set({ comparison }),
    picture: () => curves.picture((page.model.comparison?.jobs ?? []).map(({ name }) => name).join(', ')),
  });
  const actions: ComparisonActions = {
    act: action => void page.act(() => host.remote.act({ action })),
    openJob: job => host.remote.openJob({ job }),
    retry: () => void open(),
  };
  const page: LivePage<ComparisonModel> = new LivePage<ComparisonModel>(
    { comparison: null, error: null, busy: false },
    model => {
      render(comparisonView(model, actions), root);
      curves.draw(root, model.comparison?.charts ?? []);
    },
  );
  const open = () => page.open(async () => ({ comparison: await host.remote.open({}) }));
  void open();
}
