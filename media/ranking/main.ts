/** The Ranking view's page: keys and clicks become decisions; it moves on only after the host says that one is on disk. */
import '../common/theme.css';
import '../common/answerText.css';
import './ranking.css';
import { rankingContract } from '../../src/protocol/ranking.ts';
import { connect, page as data } from '../common/vscodeApi.ts';
import { createActions } from './actions.ts';
import { Conversation } from './conversation.ts';
import { listenToDrags } from './drags.ts';
import { Highlighting } from './highlighting.ts';
import { listenToKeys } from './keyboard.ts';
import type { Actions } from './model.ts';
import { Page, wide } from './page.ts';
import { scrollTogether } from './scrolling.ts';
import { type Saved, UnsavedWork } from './unsavedWork.ts';
import { rankingView } from './view.ts';

const initial = (data.initial ?? {}) as { surface?: string; saved?: unknown };
const page = new Page(model => rankingView(model, actions));
if (initial.surface === 'sidebar') document.body.dataset.surface = 'sidebar';

const host = connect(rankingContract, {
  state: state => conversation.pushed(state),
  undo: () => actions.undo(),
  review: () => actions.review(true),
  visible: ({ visible }) => inSight(visible),
});
const work = new UnsavedWork((initial.saved ?? undefined) as Saved | undefined, saved => host.remote.keep({ saved }));
const conversation = new Conversation(page, work);
const highlighting = new Highlighting(page);
const actions: Actions = createActions(page, conversation, highlighting, host.remote);
page.onWork = () => work.keep(page);

function inSight(visible: boolean): void {
  if (visible) page.watch.resume();
  else {
    page.watch.pause();
    work.keep(page);
  }
}

function onFocus(): void {
  document.body.classList.toggle('focused', document.hasFocus());
}

listenToKeys(page, actions, highlighting);
listenToDrags(page.root, (position, group, how) => actions.drop(position, group, how));
scrollTogether(page.root, () => page.model.scrollTogether && wide.matches);
window.addEventListener('focus', () => {
  onFocus();
  if (document.activeElement === document.body) page.focusAnswer();
});
window.addEventListener('blur', onFocus);
document.addEventListener('visibilitychange', () => inSight(document.visibilityState === 'visible'));

onFocus();
page.draw();
const { left } = work;
void conversation.ask(
  () => host.remote.open({ set: left?.set ?? null, item: left?.item ?? null, review: left?.review ?? false }),
  () => '',
);
