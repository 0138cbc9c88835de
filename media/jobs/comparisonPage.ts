/** The page of jobs compared: its model, the channel to the host, and what buttons do. */
import { render } from 'lit';
import { errorMessage } from '../../src/base/errors.ts';
import { jobComparisonContract } from '../../src/protocol/jobDashboard.ts';
import { connect } from '../common/vscodeApi.ts';
import { type ComparisonActions, type ComparisonModel, comparisonView } from './comparisonView.ts';
import { Curves } from './curves.ts';

export function startComparison(root: HTMLElement): void {
  let model: ComparisonModel = { comparison: null, error: null, busy: false };
  const curves = new Curves();

  const host = connect(jobComparisonContract, {
    show: comparison => set({ comparison }),
    picture: () => curves.picture((model.comparison?.jobs ?? []).map(({ name }) => name).join(', ')),
  });

  const actions: ComparisonActions = {
    act: action => void act(action),
    openJob: job => host.remote.openJob({ job }),
    retry: () => void open(),
  };

  function set(change: Partial<ComparisonModel>): void {
    model = { ...model, ...change };
    render(comparisonView(model, actions), root);
    curves.draw(root, model.comparison?.charts ?? []);
  }

  async function act(action: 'export' | 'choose'): Promise<void> {
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
      set({ comparison: await host.remote.open({}), error: null });
    } catch (error) {
      set({ error: errorMessage(error) });
    }
  }

  set({});
  void open();
}
