/** Runs in the page before VS Code does: answers for the operating system when it is asked for its colours. */
(() => {
  if (window !== window.top) return;
  const real = window.matchMedia.bind(window);
  let colors = { dark: true, contrast: false };
  const answers = [
    [/prefers-color-scheme:\s*dark/, () => colors.dark],
    [/prefers-color-scheme:\s*light/, () => !colors.dark],
    [/forced-colors:\s*active/, () => colors.contrast],
  ];
  const asked = new Set();
  window.matchMedia = query => {
    const list = real(query);
    const matches = answers.find(([pattern]) => pattern.test(query))?.[1];
    if (!matches) return list;
    Object.defineProperty(list, 'matches', { get: matches });
    asked.add(list);
    return list;
  };
  window.systemColors = (dark, contrast) => {
    colors = { dark, contrast };
    for (const list of asked) list.dispatchEvent(new Event('change'));
  };
})();
