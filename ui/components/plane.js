// A plane that is zoomed and moved: wheel, buttons, dragging, two fingers, keys. What lies on it draws itself.

import { make, makeButton } from "./nodes.js";

const STEP = 60; // pixels that an arrow key moves
const IDLE_MS = 140; // after the last movement

export class Plane {
  // getScale: pixels of the unit square's sides at zoom 1, for a width and a height. onDraw: in each frame that changes
  // something. onIdle: when it has come to rest.
  constructor(label, { maxZoom, getScale, onDraw, onIdle }) {
    Object.assign(this, { maxZoom, getScale, onDraw, onIdle, zoom: 1, x: 0.5, y: 0.5 });
    this.node = make("div", "plane-holder");
    this.surface = make("div", "surface");
    Object.assign(this.surface, { tabIndex: 0, role: "group", ariaLabel: label });
    this.status = make("div", "count");
    this.status.setAttribute("role", "status");
    const bar = make("div", "tools");
    bar.append(
      this.status,
      makeButton("tool farther", "minus", "Zoom out", () => this.zoomBy(1 / 1.6)),
      makeButton("tool closer", "plus", "Zoom in", () => this.zoomBy(1.6)),
      makeButton("tool whole", "fit", "Show everything", () => this.reset()),
    );
    this.node.append(bar, this.surface); // the buttons are beside the surface, so that nothing lies under them
    this.fingers = new Map();
    this.listen();
    this.watcher = new ResizeObserver(() => this.measure());
    this.watcher.observe(this.surface);
    this.theme = matchMedia("(prefers-color-scheme: dark)");
    this.redraw = () => this.ask();
    this.theme.addEventListener("change", this.redraw);
  }

  close() {
    this.watcher.disconnect();
    this.theme.removeEventListener("change", this.redraw);
    cancelAnimationFrame(this.frame);
    clearTimeout(this.timer);
  }

  measure() {
    this.width = this.surface.clientWidth;
    this.height = this.surface.clientHeight;
    [this.scaleX, this.scaleY] = this.getScale(this.width, this.height);
    this.ask();
  }

  toScreen(x, y) {
    return [
      this.width / 2 + (x - this.x) * this.scaleX * this.zoom, this.height / 2 + (y - this.y) * this.scaleY * this.zoom,
    ];
  }

  toPlane(left, top) {
    return [
      this.x + (left - this.width / 2) / (this.scaleX * this.zoom), this.y + (top - this.height / 2) / (this.scaleY * this.zoom),
    ];
  }

  isInside(left, top, edge = 0) {
    return left >= -edge && top >= -edge && left <= this.width + edge && top <= this.height + edge;
  }

  // Draws in the next frame, and once more when nothing has moved for a moment.
  ask() {
    if (!this.width) return;
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.onDraw();
    });
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.onIdle(), IDLE_MS);
  }

  reset() { this.goTo(this.home ?? { zoom: 1, x: 0.5, y: 0.5 }); }

  goTo({ zoom, x, y }) {
    Object.assign(this, { zoom, x, y });
    this.ask();
  }

  // Shows a part: left, top, right, bottom.
  show([left, top, right, bottom], margin = 60) {
    const fit = (pixels, scale, side) => Math.max(1, pixels - 2 * margin) / (scale * Math.max(side, 1e-9));
    const zoom = Math.min(fit(this.width, this.scaleX, right - left), fit(this.height, this.scaleY, bottom - top));
    Object.assign(this, { zoom: this.limit(zoom), x: (left + right) / 2, y: (top + bottom) / 2 });
    this.ask();
  }

  limit(zoom) { return Math.min(this.maxZoom, Math.max(1, zoom)); }

  move(dx, dy) {
    this.x = Math.min(1, Math.max(0, this.x - dx / (this.scaleX * this.zoom)));
    this.y = Math.min(1, Math.max(0, this.y - dy / (this.scaleY * this.zoom)));
    this.ask();
  }

  // Keeps the point at this place of the window.
  zoomBy(factor, left = this.width / 2, top = this.height / 2) {
    const [x, y] = this.toPlane(left, top);
    this.zoom = this.limit(this.zoom * factor);
    const [nowX, nowY] = this.toPlane(left, top);
    this.x += x - nowX;
    this.y += y - nowY;
    this.move(0, 0);
  }

  listen() {
    const { surface } = this;
    const locate = ({ clientX, clientY }) => {
      const { left, top } = surface.getBoundingClientRect();
      return [clientX - left, clientY - top];
    };
    surface.addEventListener("wheel", (event) => {
      if (this.zoom === 1 && event.deltaY > 0) return; // the page is scrolled
      event.preventDefault();
      const lines = event.deltaMode === 1 ? 30 : 1;
      this.zoomBy(Math.exp(-event.deltaY * lines / 400), ...locate(event));
    }, { passive: false });
    surface.onpointerdown = (event) => {
      if (event.button) return;
      this.fingers.set(event.pointerId, locate(event));
      this.moved = 0;
    };
    surface.onpointermove = (event) => {
      const before = this.fingers.get(event.pointerId), now = locate(event);
      if (!before || !event.buttons) return this.onHover?.(...now);
      const other = [...this.fingers].find(([id]) => id !== event.pointerId)?.[1];
      if (other) {
        const distance = ([x, y]) => Math.max(10, Math.hypot(x - other[0], y - other[1]));
        this.zoomBy(distance(now) / distance(before), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
      }
      const share = other ? 0.5 : 1; // each of two fingers moves half of it
      this.moved += Math.abs(now[0] - before[0]) + Math.abs(now[1] - before[1]);
      this.move((now[0] - before[0]) * share, (now[1] - before[1]) * share);
      this.fingers.set(event.pointerId, now);
    };
    const release = (event) => this.fingers.delete(event.pointerId);
    surface.onpointerup = release;
    surface.onpointercancel = release;
    surface.onpointerleave = (event) => { release(event); this.onHover?.(null, null); };
    // A drag is not a click, also if it ends on a button.
    surface.addEventListener("click", (event) => {
      if (this.moved > 6) event.stopPropagation();
      else if (!event.target.closest("button")) this.onPick?.(...locate(event));
    }, { capture: true });
    surface.onkeydown = (event) => {
      const move = { ArrowLeft: [STEP, 0], ArrowRight: [-STEP, 0], ArrowUp: [0, STEP], ArrowDown: [0, -STEP] }[event.key];
      if (move) this.move(...move);
      else if (event.key === "+" || event.key === "-") this.zoomBy(event.key === "+" ? 1.6 : 1 / 1.6);
      else if (event.key === "0") this.reset();
      else return;
      event.preventDefault();
    };
  }
}
