/** The charts of a page as one picture: canvases, and the captions that HTML draws around them. */

const margin = 16;
const titleHeight = 32;

/** `canvasOf`: of the chart with this id. The picture has the pixels of the screen. */
export function drawPicture(
  title: string,
  section: HTMLElement,
  canvasOf: (id: string) => HTMLCanvasElement | undefined,
): string | null {
  const frame = section.getBoundingClientRect();
  const style = getComputedStyle(document.body);
  const scale = window.devicePixelRatio;
  const canvas = document.createElement('canvas');
  canvas.width = Math.ceil((frame.width + 2 * margin) * scale);
  canvas.height = Math.ceil((frame.height + 2 * margin + titleHeight) * scale);
  const context = canvas.getContext('2d');
  if (!context) return null;
  context.scale(scale, scale);
  context.fillStyle = resolved('var(--vscode-editor-background)');
  context.fillRect(0, 0, canvas.width, canvas.height);
  const write = (text: string, x: number, y: number, color: string, font: string): number => {
    context.font = `${font} ${style.fontFamily}`;
    context.fillStyle = color;
    context.fillText(text, x, y);
    return context.measureText(text).width;
  };
  context.textBaseline = 'middle';
  const foreground = resolved('var(--vscode-foreground)');
  const dim = resolved('var(--vscode-descriptionForeground)');
  write(title, margin, margin + titleHeight / 2, foreground, '600 15px');
  const place = (element: Element): DOMRect => {
    const box = element.getBoundingClientRect();
    return new DOMRect(box.x - frame.x + margin, box.y - frame.y + margin + titleHeight, box.width, box.height);
  };
  for (const figure of section.querySelectorAll('figure')) {
    const plot = figure.querySelector<HTMLElement>('.plot');
    const drawn = plot && canvasOf(plot.dataset.chart ?? '');
    if (drawn) {
      const box = place(drawn);
      context.drawImage(drawn, box.x, box.y, box.width, box.height);
    }
    const caption = figure.querySelector('figcaption b');
    if (caption) {
      const box = place(caption);
      write(caption.textContent?.trim() ?? '', box.x, box.y + box.height / 2, foreground, '600 12px');
    }
    for (const legend of figure.querySelectorAll('figcaption .lg')) {
      const box = place(legend);
      if (box.width === 0) continue;
      context.fillStyle = getComputedStyle(legend, '::before').borderTopColor;
      context.fillRect(box.x, box.y + box.height / 2 - 1, 10, 2);
      const text = legend.textContent?.replace(/\s+/g, ' ').trim() ?? '';
      write(text, box.x + 15, box.y + box.height / 2, dim, '11px');
    }
    const below = figure.querySelector('.xl');
    if (below) {
      const box = place(below);
      const text = below.textContent?.trim() ?? '';
      context.font = `11px ${style.fontFamily}`;
      write(text, box.right - margin - context.measureText(text).width, box.y + box.height / 2, dim, '11px');
    }
  }
  return canvas.toDataURL('image/png');

  function resolved(css: string): string {
    const probe = section.appendChild(document.createElement('span'));
    probe.style.color = css;
    const { color } = getComputedStyle(probe);
    probe.remove();
    return color;
  }
}
