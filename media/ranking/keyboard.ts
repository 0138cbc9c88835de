/** Keys of the Ranking page: letters act on the item, never while a field has the focus. */
import { choose, moveFocus, tie } from './draft.ts';
import type { Highlighting } from './highlighting.ts';
import { type Command, commandOf } from './keys.ts';
import { type Actions, keyContext } from './model.ts';
import { type Page, wide } from './page.ts';

export function listenToKeys(page: Page, actions: Actions, highlighting: Highlighting): void {
  const onKey = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const target = event.target as HTMLElement;
    const handled = (): void => event.preventDefault();
    const { model } = page;
    const { field } = target.dataset;
    if (field !== undefined) {
      if (event.key !== 'Enter' && event.key !== 'Escape') return;
      handled();
      if (field !== 'comment') page.focusAnswer();
      else if (event.key === 'Enter') actions.saveMark();
      else actions.back();
      return;
    }
    if (target.matches('select') || (target.matches('input') && event.key === ' ')) return;
    const { state } = model;
    if (event.key === 'u' || (event.key === 'm' && !state?.item)) {
      handled();
      if (event.key === 'u') actions.undo();
      else actions.reveal();
      return;
    }
    if (!state?.item || model.saving) return;
    if ((model.skipping && skipKey(event)) || (model.marking?.stage === 'words' && highlighting.key(event))) {
      handled();
      return;
    }
    const command = commandOf(event.key, keyContext(state, state.item, wide.matches));
    const onButton = target.matches('button:not([role="radio"]), pre, .table');
    if (!command || (onButton && event.key === 'Enter')) return;
    // What scrolls keeps its arrows.
    if (command.do === 'move' && target.matches('pre, .table, #prompt-body, #guidelines-body')) return;
    handled();
    run(command);
  };

  const skipKey = ({ key }: KeyboardEvent): boolean => {
    const reason = /^[1-9]$/.test(key) ? page.model.state?.skipReasons[Number(key) - 1] : undefined;
    if (reason) actions.skip(reason.id);
    else if (key === 's') actions.skip(null);
    else return false;
    return true;
  };

  const run = (command: Command): void => {
    const { draft, elsewhere } = page.model;
    switch (command.do) {
      case 'choose':
        page.change(choose(draft, command.value - 1));
        page.sayValue(command.value - 1);
        break;
      case 'rank':
      case 'rate':
      case 'accept':
      case 'extreme':
        actions.value(draft.focus, command.value);
        page.focusAnswer();
        break;
      case 'move':
        page.change(moveFocus(draft, command.by));
        page.focusAnswer();
        break;
      case 'tie':
        page.change(tie(draft));
        page.sayValue(draft.focus);
        page.focusAnswer();
        break;
      case 'back':
        if (elsewhere) actions.leave();
        else actions.back();
        break;
      default:
        simple[command.do]();
    }
  };

  const simple = {
    save: () => actions.save(),
    'all-bad': () => actions.allBad(),
    skip: () => actions.askSkip(),
    undo: () => actions.undo(),
    flag: () => actions.openExtra('flag'),
    note: () => actions.openExtra('note'),
    mark: () => actions.mark(),
    diff: () => actions.toggle('differences'),
    unfold: () => actions.toggle('unfolded'),
    scroll: () => actions.toggle('scrollTogether'),
    guidelines: () => actions.toggle('guidelinesOpen'),
    models: () => actions.reveal(),
    help: () => actions.toggle('helpOpen'),
  } as const;

  document.addEventListener('keydown', onKey);
}
