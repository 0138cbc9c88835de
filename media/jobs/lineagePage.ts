/** The page of models' lineage: its model, the channel to the host, and what keys and clicks do. */
import { render } from 'lit';
import { lineageContract } from '../../src/protocol/lineage.ts';
import { connect } from '../common/vscodeApi.ts';
import { type LineageActions, type LineageModel, lineageView } from './lineageView.ts';
import { LivePage } from './livePage.ts';

export function startLineage(root: HTMLElement): void {
  const host = connect(lineageContract, {
    show: lineage => page.set({ lineage }),
    focus: ({ model }) => go(model),
  });
  const actions: LineageActions = {
    open: ({ job, usable, id }) => {
      if (job !== null) host.remote.openJob({ job });
      else if (usable) host.remote.useModel({ model: id });
    },
    use: ({ id }) => host.remote.useModel({ model: id }),
    go: id => go(id),
    start: what => host.remote.start({ what }),
    retry: () => void open(),
  };
  const page: LivePage<LineageModel> = new LivePage<LineageModel>(
    { lineage: null, current: null, error: null, busy: false },
    model => render(lineageView(model, actions), root),
  );

  /** Makes a row the one that has the focus. */
  function go(id: string): void {
    page.set({ current: id });
    root.querySelector<HTMLElement>('[role="treeitem"][tabindex="0"]')?.focus();
  }

  const open = async (): Promise<void> => {
    await page.open(async () => {
      const { lineage, model } = await host.remote.open({});
      return { lineage, current: model };
    });
    if (page.model.lineage) go(page.model.current ?? '');
  };
  void open();
}
