/** The page of a job's dashboard: draws what the host sends and passes on what a person asks for. */
import 'uplot/dist/uPlot.min.css';
import '../common/theme.css';
import './jobs.css';
import { render } from 'lit';
import { errorMessage } from '../../src/base/errors.ts';
import { jobDashboardContract } from '../../src/protocol/jobDashboard.ts';
import { connect, page, savedState } from '../common/vscodeApi.ts';
import { Curves } from './curves.ts';
import { type Actions, jobView, type Model } from './view.ts';

// The panel's serializer finds the job by this.
savedState.set(page.initial);

let model: Model = { job: null, error: null, allSamples: false, busy: false };
const root = document.createElement('div');
root.className = 'root';
document.body.append(root);
const curves = new Curves();

const host = connect(jobDashboardContract, {
  show: job => set({ job }),
});

function set(change: Partial<Model>): void {
  model = { ...model, ...change };
  render(jobView(model, actions), root);
  curves.draw(root, model.job?.charts ?? []);
}

const actions: Actions = {
  act: action => void act(action),
  openJob: job => host.remote.openJob({ job }),
  showAll: () => set({ allSamples: !model.allSamples }),
  retry: () => void open(),
};

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
