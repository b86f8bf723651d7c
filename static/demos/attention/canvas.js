// What the views of attention share: sharp canvases, the site's colours, one drawing per frame.

/** Sizes a canvas for the screen's pixels; returns its context, to be drawn on in CSS pixels. */
export function prepare(canvas, width, height) {
  const scale = Math.min(devicePixelRatio || 1, 2);
  const w = Math.round(width * scale);
  const h = Math.round(height * scale);
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

/** A colour of the site as [r, g, b], in the mode that is on. */
export function colour(element, name) {
  const probe = document.createElement("i");
  probe.style.color = `var(${name})`;
  probe.hidden = true;
  element.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  context.fillStyle = found;
  context.fillRect(0, 0, 1, 1);
  return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)];
}

export const rgba = ([r, g, b], alpha) => `rgb(${r} ${g} ${b} / ${alpha})`;

/** Calls `draw` once in the next frame, however often it is asked. */
export function oncePerFrame(draw) {
  let asked = 0;
  return () => {
    asked ||= requestAnimationFrame(() => {
      asked = 0;
      draw();
    });
  };
}

const isDark = matchMedia("(prefers-color-scheme: dark)");
/** Calls `draw` when the colours change. */
export const onColours = (draw) => isDark.addEventListener("change", draw);

/** Colours of heads: evenly around the wheel, as light as the page asks for. */
export function headColours(count) {
  const light = getComputedStyle(document.documentElement).colorScheme.includes("dark") && isDark.matches ? 68 : 42;
  return Array.from({ length: count }, (_, i) => `hsl(${Math.round((i * 360) / count + 200) % 360} 62% ${light}%)`);
}

/** A token as a label: blanks and line ends as signs. */
export const visible = (token) => token.replaceAll("\n", "↵").replaceAll("\t", "⇥").trim() || (token ? "␣" : "∅");

export const percent = (share) => (share < 0.0995 ? `${(share * 100).toFixed(1)} %` : `${Math.round(share * 100)} %`);
