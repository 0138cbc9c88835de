/** How the rendered prompt and the answer's reserve fill the model's window, by part. */
import { html, nothing, type TemplateResult } from 'lit';
import { l10n } from '../../src/base/l10n.ts';
import { icon } from '../common/codicon.ts';
import type { Store } from './store.ts';

export function tokenMeter(store: Store): TemplateResult | typeof nothing {
  const { preview } = store;
  if (!preview?.tokens) return nothing;
  const { system, shots, input, reserved } = preview.tokens;
  const prompt = system + shots + input;
  const total = prompt + reserved;
  const window = preview.contextLength;
  const scale = Math.max(total, window ?? 0, 1);
  const over = window === null ? 0 : total - window;
  const parts = [
    { name: l10n.t('System'), tokens: system, kind: 'system' },
    { name: l10n.t('Shots'), tokens: shots, kind: 'shot' },
    { name: l10n.t('Input'), tokens: input, kind: 'user' },
    { name: l10n.t('Reserved for the answer'), tokens: reserved, kind: 'answer' },
  ].filter(part => part.tokens > 0);
  const percent = (n: number): string => `${((100 * n) / scale).toFixed(2)}%`;
  const figure =
    window === null
      ? l10n.t('{0} tokens', total)
      : html`<b>${total}</b> <span class="dim">${l10n.t('of {0} tokens', window)}</span>`;
  return html`<section class="meter-box" aria-label=${l10n.t('Tokens')}>
    <div class="line">
      <span class="clip">${l10n.t('Input {0} in', preview.row + 1)} <b>${preview.model}</b></span><span class="grow"></span>
      <span class="nowrap">${figure}</span>
    </div>
    <div class="token-bar" aria-hidden="true">
      ${parts.map(part => html`<i class="part-${part.kind}" style="width:${percent(part.tokens)}"></i>`)}
      ${window !== null && over > 0 ? html`<u style="left:${percent(window)}"></u>` : nothing}
    </div>
    <ul class="key xs">
      ${parts.map(part => html`<li><i class="part-${part.kind}" aria-hidden="true"></i>${part.name} <span class="dim">${part.tokens}</span></li>`)}
    </ul>
    ${over > 0 ? overNote(store, over, { window: window!, prompt, reserved, shots }) : nothing}
  </section>`;
}

/** What does not fit, with the ways out as links. */
function overNote(
  store: Store,
  over: number,
  { window, prompt, reserved, shots }: { window: number; prompt: number; reserved: number; shots: number },
): TemplateResult {
  const examples = store.state?.template?.examples;
  const perShot = examples && examples.shots > 0 ? shots / examples.shots : 0;
  const fewer = perShot > 0 ? Math.max(0, examples!.shots - Math.ceil(over / perShot)) : undefined;
  const room = window - prompt;
  const ways: TemplateResult[] = [];
  if (fewer !== undefined && fewer < (examples?.shots ?? 0)) {
    ways.push(
      html`<button class="link" @click=${() => store.set(['metadata', 'tunesmith', 'examples', 'shots'], fewer)}>${l10n.t('Use {0} shots', fewer)}</button>`,
    );
  }
  if (room >= 8 && room < reserved) {
    ways.push(
      html`<button class="link" @click=${() => store.set(['model', 'options', 'maxOutputTokens'], room)}>${l10n.t('Reserve {0}', room)}</button>`,
    );
  }
  return html`<p class="note">
    ${icon('warning', 'c-warn')}<span
      >${
        room > 0
          ? l10n.t('Over by {0} in {1}: its answer may be cut off.', over, store.preview!.model)
          : l10n.t('The prompt alone is longer than the window of {0}.', store.preview!.model)
      }
      ${ways.map((way, i) => html`${i > 0 ? html` · ` : nothing}${way}`)}</span
    >
  </p>`;
}
