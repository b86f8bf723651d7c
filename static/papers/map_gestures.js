// Mouse, touch and keys on the map, told to `on` as what was meant: pan, zoom, point, choose, box, tap.

const CLICK_DISTANCE = 5; // pixels a press may wander and still be a click
const KEY_PAN = 60;
const WHEEL = 0.0018;

/**
 * `on`: pan(dx, dy), zoomAt(x, y, factor), glide(factor), fit(), hover(x, y), leave(), tap(x, y, event),
 * box(rectangle, done), escape(); `selecting()` says whether a plain drag draws a box.
 */
export function listen(canvas, on, selecting) {
  const pointers = new Map();
  let box = null; // where it began
  let start = null; // of a press that may become a click
  let pinch = null;

  const place = (event) => {
    const frame = canvas.getBoundingClientRect();
    return [event.clientX - frame.left, event.clientY - frame.top];
  };
  const rectangle = ([x, y], [u, v]) => [Math.min(x, u), Math.min(y, v), Math.max(x, u), Math.max(y, v)];
  const twoFingers = () => {
    const [[x, y], [u, v]] = [...pointers.values()];
    return { x: (x + u) / 2, y: (y + v) / 2, apart: Math.max(1, Math.hypot(x - u, y - v)) };
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "mouse" && event.button > 1) return;
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, place(event));
    if (pointers.size === 1) {
      start = place(event);
      if (event.button === 0 && (event.shiftKey || selecting())) box = start;
    } else {
      if (box) on.box(null, true);
      box = start = null;
      pinch = pointers.size === 2 ? twoFingers() : null;
    }
  });

  canvas.addEventListener("pointermove", (event) => {
    const now = place(event);
    const before = pointers.get(event.pointerId);
    if (!before) {
      if (event.pointerType === "mouse") on.hover(...now);
      return;
    }
    pointers.set(event.pointerId, now);
    if (pinch && pointers.size === 2) {
      const next = twoFingers();
      on.pan(next.x - pinch.x, next.y - pinch.y);
      on.zoomAt(next.x, next.y, next.apart / pinch.apart);
      pinch = next;
      return;
    }
    if (pointers.size !== 1) return;
    if (start && Math.hypot(now[0] - start[0], now[1] - start[1]) > CLICK_DISTANCE) {
      start = null;
      canvas.classList.add("is-dragged");
      on.leave();
    }
    if (start) return;
    if (box) on.box(rectangle(box, now), false);
    else on.pan(now[0] - before[0], now[1] - before[1]);
  });

  const end = (event) => {
    const last = pointers.get(event.pointerId);
    if (!last) return;
    pointers.delete(event.pointerId);
    canvas.classList.remove("is-dragged");
    if (pointers.size > 0) {
      pinch = null;
      return;
    }
    const cancelled = event.type === "pointercancel";
    if (box) on.box(cancelled || start ? null : rectangle(box, last), true);
    if (start && !cancelled) on.tap(...last, event);
    box = start = pinch = null;
  };
  canvas.addEventListener("pointerup", end);
  canvas.addEventListener("pointercancel", end);
  canvas.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && !pointers.size && on.leave());
  // The wheel's click pans, it does not scroll on.
  canvas.addEventListener("mousedown", (event) => event.button === 1 && event.preventDefault());

  canvas.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const lines = event.deltaMode === 1 ? 20 : 1;
      const speed = event.ctrlKey ? 5 : 1; // two fingers on a touchpad
      on.zoomAt(...place(event), Math.exp(-event.deltaY * lines * speed * WHEEL));
    },
    { passive: false },
  );

  const keys = {
    ArrowLeft: () => on.pan(KEY_PAN, 0),
    ArrowRight: () => on.pan(-KEY_PAN, 0),
    ArrowUp: () => on.pan(0, KEY_PAN),
    ArrowDown: () => on.pan(0, -KEY_PAN),
    "+": () => on.glide(1.6),
    "=": () => on.glide(1.6),
    "-": () => on.glide(1 / 1.6),
    0: () => on.fit(),
    Home: () => on.fit(),
    Escape: () => on.escape(),
  };
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in keys)) return;
    event.preventDefault();
    keys[event.key]();
  });
}
