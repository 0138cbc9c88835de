/** A page's way to the editor: its start-up data, its saved state and its end of the channel. */
import { l10n } from '../../src/base/l10n.ts';
import { type Channel, type Contract, type Handlers, openChannel } from '../../src/protocol/rpc.ts';

interface VsCodeApi {
  postMessage(message: unknown): void;
  getState(): unknown;
  setState(state: unknown): void;
}
declare function acquireVsCodeApi(): VsCodeApi;

const api = acquireVsCodeApi();

interface PageData {
  readonly bundle: Readonly<Record<string, string>>;
  readonly initial: unknown;
  /** Address of the folder that this page was loaded from, without a slash at its end. */
  readonly root: string;
}

function readData(): PageData {
  const element = document.getElementById('tunesmith-data');
  if (!element?.textContent) throw new Error('the page has no start-up data');
  return JSON.parse(element.textContent) as PageData;
}

export const page = readData();
l10n.config(page.bundle);

/** Survives a reload of the window (the panel's serializer receives it too). */
export const savedState = {
  get: (): unknown => api.getState() ?? undefined,
  set: (state: unknown): void => api.setState(state),
};

export function connect<C extends Contract>(contract: C, handlers: Handlers<C['toWebview']>): Channel<C['toHost']> {
  return openChannel<C['toWebview'], C['toHost']>({
    port: {
      post: message => api.postMessage(message),
      listen: listener => {
        const receive = (event: MessageEvent): void => listener(event.data);
        window.addEventListener('message', receive);
        return { dispose: () => window.removeEventListener('message', receive) };
      },
    },
    mine: contract.toWebview,
    theirs: contract.toHost,
    handlers,
    onError: error => console.error(error),
  });
}
