// The map of similar pictures: a dot for each, thumbnails of some, the names of the clusters.

import { Dots } from "./dots.js";
import { FreeSpace, putAt } from "./labels.js";
import { Thumbs } from "./map_thumbs.js";
import { make } from "./nodes.js";
import { Plane } from "./plane.js";
import { getJson } from "./requests.js";

const MARGIN = 56; // pixels, at the edges
const FEW = 100; // pictures, which get larger thumbnails
const MAX_THUMBS = 48;
const MANY = 4000; // dots, which are smaller then
const FAR = 96; // of a name from its cluster
const NEAR = 9; // pixels within which a dot is hit

export class SimilarMap {
  constructor(send) {
    this.send = send;
    this.plane = new Plane("Map of similar pictures", {
      maxZoom: 60,
      getScale: (width, height) => [Math.max(1, width - 2 * MARGIN), Math.max(1, height - 2 * MARGIN)],
      onDraw: () => this.draw(),
      onIdle: () => this.chooseThumbs(),
    });
    this.plane.onPick = (left, top) => this.pick(left, top);
    this.plane.onHover = (left, top) => this.peek(left, top);
    this.thumbs = new Thumbs();
    this.shown = new Map(); // buttons by number of the dot
    this.peeked = make("div", "peek");
    this.node = this.plane.node;
  }

  close() {
    this.plane.close();
  }

  async load(version) {
    const { ids, xs, ys, clusters, labels, n_pictures: n } = await getJson("map", "", { v: version });
    this.ids = ids;
    this.side = ids.length <= FEW ? 92 : 60; // of a thumbnail
    this.plane.surface.style.setProperty("--side", `${this.side}px`);
    this.labels = labels;
    this.dots = new Dots(xs, ys, clusters, labels.map((label) => label.colour));
    this.names = labels.map((label, i) => {
      const node = make("button", "place", label.name);
      node.append(make("span", "n", label.n.toLocaleString("en")));
      Object.assign(node, { type: "button", onclick: () => this.send("cluster", i) });
      node.style.borderColor = label.colour;
      return node;
    });
    this.plane.surface.replaceChildren(this.dots.node, ...this.names, this.peeked);
    this.sizes = this.names.map((node) => [node.offsetWidth, node.offsetHeight]);
    const part = ids.length < n ? `${ids.length.toLocaleString("en")} of ` : "";
    this.plane.status.textContent = `${part}${n.toLocaleString("en")} pictures in ${labels.length} groups`;
    this.plane.measure();
  }

  // Names first, below the middle of their clusters, so that the thumbnails there have room.
  draw() {
    if (!this.dots) return;
    const { plane } = this;
    this.dots.draw(plane, Math.min(6, (this.ids.length > MANY ? 1.2 : 2) + Math.log2(plane.zoom) / 1.5));
    this.space = new FreeSpace(plane.width, plane.height);
    this.labels.forEach((label, i) => {
      const [x, y] = plane.toScreen(label.x, label.y), below = y + (this.side + this.sizes[i][1]) / 2 + 5;
      const place = plane.isInside(x, y, 20) ? this.space.takeNear(x, below, ...this.sizes[i], FAR) : null;
      this.names[i].classList.toggle("hidden", !place);
      if (place) putAt(this.names[i], place);
    });
    for (const [number, node] of this.shown) {
      const at = plane.toScreen(this.dots.xs[number], this.dots.ys[number]);
      const isFree = this.space.take(...at, this.side, this.side);
      node.classList.toggle("hidden", !isFree);
      if (isFree) putAt(node, at);
    }
  }

  // Dots are in the order in which they get thumbnails: in turn from each cluster, its middle first.
  async chooseThumbs() {
    if (!this.dots) return;
    const { plane, dots, side } = this, space = new FreeSpace(plane.width, plane.height), chosen = [];
    space.taken = this.space.taken.slice(0, this.names.filter((node) => !node.classList.contains("hidden")).length);
    const most = Math.min(MAX_THUMBS, (plane.width * plane.height) / (3 * side * side));
    for (let i = 0; i < dots.length && chosen.length < most; i++) {
      const at = plane.toScreen(dots.xs[i], dots.ys[i]);
      if (plane.isInside(...at) && space.take(...at, side, side)) chosen.push(i);
    }
    await this.thumbs.load(chosen.map((i) => this.ids[i]));
    const shown = new Map();
    for (const i of chosen) {
      const node = this.shown.get(i) ?? this.thumbs.makeButton(this.ids[i], (id) => this.send("open", id));
      if (node) shown.set(i, node);
    }
    for (const [i, node] of this.shown) if (!shown.has(i)) node.remove();
    this.shown = shown;
    for (const node of shown.values()) if (!node.isConnected) this.dots.node.after(node);
    this.draw();
  }

  pick(left, top) {
    const number = this.dots ? this.dots.find(this.plane, left, top, NEAR) : -1;
    if (number >= 0) this.send("open", this.ids[number]);
  }

  // Shows the picture under the mouse.
  async peek(left, top) {
    const number = left === null || !this.dots ? -1 : this.dots.find(this.plane, left, top, NEAR);
    if (number === this.under) return;
    this.under = number;
    this.plane.surface.classList.toggle("on-dot", number >= 0);
    this.peeked.replaceChildren();
    if (number < 0) return;
    await this.thumbs.load([this.ids[number]]);
    const image = this.thumbs.makeImage(this.ids[number]);
    if (number !== this.under || !image) return;
    this.peeked.replaceChildren(image);
    const { width, height } = this.plane, far = 90;
    putAt(this.peeked, [left + (left > width / 2 ? -far : far), Math.min(height - far, Math.max(far, top))]);
  }
}
