// The map of the places where pictures were taken: coast lines, and clusters with the nearest town.

import { FreeSpace, putAt } from "./labels.js";
import { Thumbs } from "./map_thumbs.js";
import { make } from "./nodes.js";
import { Plane } from "./plane.js";
import { getJson } from "./requests.js";

const CELL = 76; // pixels; the places in a cell are one cluster
const COLUMN = 2 ** 26; // more than the cells of a column
const SIDE = 52; // of a cluster
const BADGE = 10; // how far its number stands out at the top right
const MAX_LATITUDE = 85;
const MAX_ZOOM = 200_000; // 200 m across the window
const SAME = 2e-6; // of the world's width, about 80 m: nearer places are listed together
const STEPS = [30, 10, 5, 1, 0.5, 0.1, 0.05, 0.01, 0.005, 0.001]; // degrees between lines

// Mercator: 0..1 from west to east and from north to south.
const toX = (longitude) => longitude / 360 + 0.5;
const toY = (latitude) => {
  const angle = (Math.min(MAX_LATITUDE, Math.max(-MAX_LATITUDE, latitude)) * Math.PI) / 180;
  return 0.5 - Math.log(Math.tan(Math.PI / 4 + angle / 2)) / (2 * Math.PI);
};
const toLongitude = (x) => (x - 0.5) * 360;
const toLatitude = (y) => (Math.atan(Math.sinh((0.5 - y) * 2 * Math.PI)) * 180) / Math.PI;

// Adds a ring to a path. steps: east and north, in hundredths of a degree. A ring that crosses the meridian of 180° is
// added on both sides of the map. Antarctica's has the map's lower edge, which is a step of 360°.
function addRing(path, steps) {
  let longitude = 0, latitude = 0;
  const points = [], shifts = new Set([0]);
  for (let i = 0; i < steps.length; i += 2) {
    const turn = i && latitude > -6000 ? -Math.round(steps[i] / 36000) : 0;
    longitude += steps[i] + 36000 * turn;
    latitude += steps[i + 1];
    if (turn) shifts.add(-turn);
    points.push([longitude / 100, latitude / 100]);
  }
  for (const shift of shifts) {
    points.forEach(([east, north], i) => path[i ? "lineTo" : "moveTo"](toX(east) + shift, toY(north)));
    path.closePath();
  }
}

export class WorldMap {
  constructor(send) {
    this.send = send;
    this.plane = new Plane("Map of the world", {
      maxZoom: MAX_ZOOM,
      getScale: (width) => [width, width],
      onDraw: () => this.draw(),
      onIdle: () => this.showClusters(),
    });
    this.thumbs = new Thumbs();
    this.nodes = new Map(); // buttons by the key of their cluster
    this.canvas = make("canvas", "land");
    this.canvas.setAttribute("aria-hidden", "true");
    this.node = this.plane.node;
  }

  close() {
    this.plane.close();
  }

  async load(version) {
    const [places, land] = await Promise.all([getJson("map/places", "", { v: version }), getJson("map/land", "")]);
    this.land = new Path2D();
    for (const steps of land) addRing(this.land, steps);
    this.ids = places.ids;
    this.towns = places.towns;
    this.townOf = places.town_of;
    this.xs = Float64Array.from(places.longitudes, toX);
    this.ys = Float64Array.from(places.latitudes, toY);
    this.plane.surface.replaceChildren(this.canvas);
    const n = this.ids.length;
    this.plane.status.textContent = n
      ? `${n.toLocaleString("en")} ${n === 1 ? "picture has a place" : "pictures have a place"}`
      : "No picture has a place in its metadata.";
    this.plane.measure();
    if (n) {
      const edges = this.findEdges(this.ids.keys());
      this.plane.show(edges, 80);
      this.plane.zoom = Math.min(this.plane.zoom, 60); // the coast lines are coarse
      const { zoom, x, y } = this.plane;
      this.plane.home = { zoom, x, y };
    }
  }

  findEdges(numbers) {
    const edges = [1, 1, 0, 0];
    for (const i of numbers) {
      edges[0] = Math.min(edges[0], this.xs[i]);
      edges[1] = Math.min(edges[1], this.ys[i]);
      edges[2] = Math.max(edges[2], this.xs[i]);
      edges[3] = Math.max(edges[3], this.ys[i]);
    }
    return edges;
  }

  draw() {
    if (!this.land) return;
    this.drawLand();
    if (this.plane.zoom !== this.clustered || !this.isCovered()) this.makeClusters();
    this.placeClusters();
  }

  drawLand() {
    const { plane, canvas } = this, ratio = window.devicePixelRatio || 1;
    Object.assign(canvas, { width: plane.width * ratio, height: plane.height * ratio });
    const style = getComputedStyle(canvas), pen = canvas.getContext("2d");
    const scale = plane.scaleX * plane.zoom;
    const [left, top] = plane.toScreen(0, 0);
    pen.setTransform(scale * ratio, 0, 0, scale * ratio, left * ratio, top * ratio);
    pen.fillStyle = style.color;
    pen.strokeStyle = style.borderTopColor;
    pen.lineWidth = 1 / scale;
    pen.save();
    pen.beginPath();
    pen.rect(0, 0, 1, 1);
    pen.clip();
    pen.fill(this.land);
    pen.stroke(this.land);
    pen.restore();
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.drawLines(pen, style.borderTopColor, style.outlineColor);
  }

  // Meridians and parallels, with their degrees at the edges.
  drawLines(pen, line, text) {
    const { plane } = this;
    const [west, north] = plane.toPlane(0, 0), [east, south] = plane.toPlane(plane.width, plane.height);
    const degrees = (toLongitude(east) - toLongitude(west)) / Math.max(2, plane.width / 220);
    const step = STEPS.find((one) => one <= degrees) ?? STEPS.at(-1), digits = Math.max(0, -Math.floor(Math.log10(step)));
    const name = (value, letters) => `${Math.abs(value).toFixed(step < 1 ? digits : 0)}°${value ? letters[Number(value < 0)] : ""}`;
    pen.font = `11px ${getComputedStyle(this.canvas).fontFamily}`;
    Object.assign(pen, { strokeStyle: line, fillStyle: text, lineWidth: 0.5 });
    pen.beginPath();
    const range = (from, to, most) => {
      const first = Math.ceil(Math.max(-most, from) / step), last = Math.floor(Math.min(most, to) / step);
      return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => (first + i) * step);
    };
    for (const longitude of range(toLongitude(west), toLongitude(east), 180)) {
      const [x] = plane.toScreen(toX(longitude), 0);
      pen.moveTo(x, 0);
      pen.lineTo(x, plane.height);
      pen.fillText(name(longitude, "EW"), x + 3, plane.height - 5);
    }
    for (const latitude of range(toLatitude(south), toLatitude(north), MAX_LATITUDE)) {
      const [, y] = plane.toScreen(0, toY(latitude));
      pen.moveTo(0, y);
      pen.lineTo(plane.width, y);
      pen.fillText(name(latitude, "NS"), 4, y - 3);
    }
    pen.stroke();
  }

  // True if the clusters are those of all that is visible.
  isCovered() {
    const [west, north] = this.plane.toPlane(0, 0), [east, south] = this.plane.toPlane(this.plane.width, this.plane.height);
    const [left, top, right, bottom] = this.area;
    return west >= left && north >= top && east <= right && south <= bottom;
  }

  // Of what is visible and half a window around it. The cells are fixed at a zoom, so that clusters stay the same while
  // the map is moved; then those that would overlap a larger one are merged with it.
  makeClusters() {
    const { plane, xs, ys } = this, scale = plane.scaleX * plane.zoom, cells = new Map();
    this.area = [...plane.toPlane(-plane.width / 2, -plane.height / 2), ...plane.toPlane(1.5 * plane.width, 1.5 * plane.height)];
    const [left, top, right, bottom] = this.area.map((edge) => Math.round((edge * scale) / CELL) * (CELL / scale));
    for (let i = 0; i < this.ids.length; i++) {
      if (xs[i] < left || xs[i] >= right || ys[i] < top || ys[i] >= bottom) continue;
      const key = Math.floor((xs[i] * scale) / CELL) * COLUMN + Math.floor((ys[i] * scale) / CELL);
      const cell = cells.get(key) ?? { x: 0, y: 0, members: [] };
      cells.set(key, cell);
      cell.x += this.xs[i];
      cell.y += this.ys[i];
      cell.members.push(i);
    }
    const sorted = [...cells.values()].sort((a, b) => b.members.length - a.members.length);
    this.clusters = [];
    for (const { x, y, members } of sorted) {
      const cluster = { x: x / members.length, y: y / members.length, members };
      const larger = this.clusters.find((other) => (
        Math.max(Math.abs(other.x - cluster.x), Math.abs(other.y - cluster.y)) * scale < SIDE + 6
      ));
      if (larger) larger.members = larger.members.concat(members);
      else this.clusters.push(cluster);
    }
    for (const cluster of this.clusters) cluster.key = `${cluster.members[0]} ${cluster.members.length}`;
    this.clustered = plane.zoom;
  }

  // The town of most of the pictures; empty without a gazetteer.
  findTown(members) {
    const counts = new Map();
    for (const i of members) counts.set(this.townOf[i], (counts.get(this.townOf[i]) ?? 0) + 1);
    const [town] = [...counts].reduce((best, one) => (one[1] > best[1] ? one : best), [-1, 0]);
    return this.towns[town] ?? "";
  }

  // Moves the buttons of clusters; those without one get it when the map has come to rest.
  placeClusters() {
    const { plane } = this, current = new Set(this.clusters.map((cluster) => cluster.key));
    for (const [key, nodes] of this.nodes) {
      if (!current.has(key)) {
        nodes.forEach((node) => node.remove());
        this.nodes.delete(key);
      }
    }
    const space = new FreeSpace(plane.width, plane.height), labelled = [];
    for (const cluster of this.clusters) {
      const at = plane.toScreen(cluster.x, cluster.y), nodes = this.nodes.get(cluster.key);
      const isInside = plane.isInside(...at, -SIDE / 2);
      nodes?.forEach((node) => node.classList.toggle("hidden", !isInside));
      if (!isInside || !nodes) continue;
      putAt(nodes[0], at);
      space.taken.push([at[0] - SIDE / 2, at[1] - SIDE / 2 - BADGE, at[0] + SIDE / 2 + BADGE, at[1] + SIDE / 2]);
      labelled.push([nodes[1], at]);
    }
    for (const [node, [x, y]] of labelled) {
      if (!node) continue;
      const [width, height] = [node.offsetWidth || 80, node.offsetHeight || 20], far = (SIDE + height) / 2 + 4;
      const places = [[x, y + far], [x, y - far - BADGE], [x + (SIDE + width) / 2 + BADGE + 4, y], [x - (SIDE + width) / 2 - 4, y]];
      const place = places.find((one) => space.take(...one, width, height));
      node.classList.toggle("hidden", !place);
      if (place) putAt(node, place);
    }
  }

  async showClusters() {
    if (!this.clusters) return;
    const { plane } = this, zoom = this.clustered;
    const missing = this.clusters.filter((cluster) => (
      !this.nodes.has(cluster.key) && plane.isInside(...plane.toScreen(cluster.x, cluster.y), 20)
    ));
    if (!missing.length) return;
    await this.thumbs.load(missing.map((cluster) => this.ids[cluster.members[0]]));
    if (zoom !== this.clustered) return;
    for (const cluster of missing) {
      const nodes = this.makeNodes(cluster);
      this.nodes.set(cluster.key, nodes);
      plane.surface.append(...nodes);
    }
    this.draw();
  }

  makeNodes(cluster) {
    const n = cluster.members.length, button = make("button", "cluster"), name = this.findTown(cluster.members);
    const image = this.thumbs.makeImage(this.ids[cluster.members[0]]);
    const label = `${n === 1 ? image?.alt ?? "1 picture" : `${n.toLocaleString("en")} pictures`}${name && `, ${name}`}`;
    Object.assign(button, { type: "button", title: label, ariaLabel: label, onclick: () => this.enter(cluster) });
    if (image) {
      image.alt = "";
      button.append(image);
    }
    if (n > 1) button.append(make("span", "n", n.toLocaleString("en")));
    const town = name ? [make("span", "town", name)] : [];
    return [button, ...town];
  }

  // One picture is opened, several at one place are listed, others are zoomed to.
  enter({ members, x, y }) {
    if (members.length === 1) return this.send("open", this.ids[members[0]]);
    const [left, top, right, bottom] = this.findEdges(members);
    if (Math.max(right - left, bottom - top) < SAME) {
      const [latitude, longitude] = [toLatitude(y).toFixed(5), toLongitude(x).toFixed(5)];
      this.send("near", `${latitude},${longitude},0.2km`);
    } else this.plane.show([left, top, right, bottom], 90);
  }
}
