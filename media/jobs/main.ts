/** The page of a job's dashboard, of jobs compared, or of models' lineage: draws what the host sends and passes on what a person asks for. */
import 'uplot/dist/uPlot.min.css';
import '../common/theme.css';
import './jobs.css';
import { page, savedState } from '../common/vscodeApi.ts';
import { startComparison } from './comparisonPage.ts';
import { startDashboard } from './dashboardPage.ts';
import { startLineage } from './lineagePage.ts';

// The panel's serializer finds the jobs by this.
savedState.set(page.initial);

const root = document.createElement('div');
root.className = 'root';
document.body.append(root);
const shown = page.initial as { readonly ids?: unknown; readonly lineage?: unknown };
if (Array.isArray(shown.ids)) startComparison(root);
else if (shown.lineage !== undefined) startLineage(root);
else startDashboard(root);
