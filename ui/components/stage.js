// One picture that can be zoomed to its pixels and moved: wheel, drag, double click, pinch; a swipe changes the picture.

import { make } from "./nodes.js";

const MAX_SCALE = 8; // screen pixels for each pixel of the picture
const SWIPE = 60; // pixels

export class Stage {
  // onSwipe: gets -1 or 1. onZoom: called when the scale changes. onNeedPixels: called when the preview is too small.
  constructor({ onSwipe, onDismiss, onZoom, onNeedPixels }) {
    Object.assign(this, { onSwipe, onDismiss, onZoom, onNeedPixels });
    this.node = make("div", "stage");
    this.plane = make("div", "plane");
    this.node.append(this.plane);
    this.pointers = new Map();
    this.size = [1, 1];
    this.reset();
    this.node.onpointerdown = (event) => this.onDown(event);
    this.node.onpointermove = (event) => this.onMove(event);
    this.node.onpointerup = this.node.onpointercancel = (event) => this.onUp(event);
    this.node.ondblclick = (event) => this.toggle(event.clientX, event.clientY);
    this.node.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoomBy(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.002)), event.clientX, event.clientY);
    }, { passive: false });
    new ResizeObserver(() => this.place()).observe(this.node);
  }

  reset() {
    this.zoom = 1; // 1: the picture fits the window
    this.x = this.y = 0; // of the picture's centre from the middle of the window
    this.place();
  }

  // The scale at which the picture fits; small pictures are at most doubled.
  get fit() {
    return Math.min(this.node.clientWidth / this.size[0], this.node.clientHeight / this.size[1], 2) || 1;
  }

  get scale() { return this.fit * this.zoom; }

  setSize(width, height) {
    this.size = [width, height];
    this.reset();
  }

  place(dx = 0, dy = 0) {
    const [width, height] = this.size.map((side) => side * this.scale);
    const room = (length, view) => Math.max(0, (length - view) / 2);
    const within = (value, limit) => Math.min(limit, Math.max(-limit, value));
    this.x = within(this.x, room(width, this.node.clientWidth));
    this.y = within(this.y, room(height, this.node.clientHeight));
    const left = (this.node.clientWidth - width) / 2 + this.x + dx, top = (this.node.clientHeight - height) / 2 + this.y + dy;
    Object.assign(this.plane.style, { width: `${width}px`, height: `${height}px`, transform: `translate(${left}px, ${top}px)` });
    this.node.classList.toggle("zoomed", this.zoom > 1.01);
    if (this.zoom > 1.01) this.onNeedPixels?.();
    this.onZoom?.(this.scale);
  }

  zoomBy(factor, clientX, clientY) {
    const { left, top, width, height } = this.node.getBoundingClientRect();
    const x = (clientX ?? left + width / 2) - left - width / 2, y = (clientY ?? top + height / 2) - top - height / 2;
    const before = this.zoom;
    this.zoom = Math.min(Math.max(2, MAX_SCALE / this.fit), Math.max(1, this.zoom * factor));
    const gain = this.zoom / before;
    this.x = x - (x - this.x) * gain; // the point under the pointer stays
    this.y = y - (y - this.y) * gain;
    this.place();
  }

  // Between the whole picture and its pixels, or twice the size of a small one.
  toggle(clientX, clientY) {
    if (this.isBusy) return;
    this.zoomBy(this.zoom > 1.01 ? 0 : Math.max(2, 1 / this.fit), clientX, clientY);
  }

  onDown(event) {
    if (this.isBusy || event.button) return; // a part is drawn
    this.pointers.set(event.pointerId, event);
    this.node.setPointerCapture(event.pointerId);
    if (this.pointers.size === 1) this.start = event;
    this.pinch = this.measurePinch();
  }

  onMove(event) {
    const last = this.pointers.get(event.pointerId);
    if (!last) return;
    this.pointers.set(event.pointerId, event);
    if (this.pointers.size === 2) {
      const pinch = this.measurePinch();
      this.x += pinch.x - this.pinch.x;
      this.y += pinch.y - this.pinch.y;
      this.zoomBy(pinch.length / this.pinch.length, pinch.x, pinch.y);
      this.pinch = pinch;
      this.start = null; // no swipe afterwards
    } else if (this.zoom > 1.01) {
      this.x += event.clientX - last.clientX;
      this.y += event.clientY - last.clientY;
      this.place();
    } else if (this.start && event.pointerType === "touch") {
      this.place(event.clientX - this.start.clientX, Math.max(0, event.clientY - this.start.clientY) / 2);
    }
  }

  onUp(event) {
    if (!this.pointers.delete(event.pointerId)) return;
    const { start } = this;
    this.pinch = null;
    if (!start || this.pointers.size || this.zoom > 1.01 || event.pointerType !== "touch") return;
    this.start = null;
    const dx = event.clientX - start.clientX, dy = event.clientY - start.clientY;
    this.place();
    if (event.type === "pointercancel") return;
    if (Math.abs(dx) > SWIPE && Math.abs(dx) > Math.abs(dy)) this.onSwipe(dx < 0 ? 1 : -1);
    else if (dy > 2 * SWIPE) this.onDismiss();
  }

  measurePinch() {
    if (this.pointers.size !== 2) return null;
    const [a, b] = this.pointers.values();
    const length = Math.max(1, Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY));
    return { x: (a.clientX + b.clientX) / 2, y: (a.clientY + b.clientY) / 2, length };
  }
}
