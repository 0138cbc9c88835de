/** The page of a job's dashboard, or of jobs compared: draws what the host sends and passes on what a person asks for. */
import 'uplot/dist/uPlot.min.css';
import '../common/theme.css';
import './jobs.css';
import { page, savedState } from '../common/vscodeApi.ts';
import { startComparison } from './comparisonPage.ts';
import { startDashboard } from './dashboardPage.ts';

// The panel's serializer finds the jobs by this.
savedState.set(page.initial);

const root = document.createElement('div');
root.className = 'root';
document.body.append(root);
if (Array.isArray((page.initial as { ids?: unknown } | null)?.ids)) startComparison(root);
else startDashboard(root);
