// A map of pictures: a dot for each, thumbnails where they do not overlap, cluster labels. Wheel zooms, dragging pans.

import { make, replaceCleanup } from "./nodes.js";

const NAME = 26; // height of a label, pixels

// Zoom and centre of each mounted map, kept between renderings.
const views = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  const map = parentElement.querySelector(".map");
  const view = views.get(map) ?? { zoom: 1, x: 0.5, y: 0.5 };
  views.set(map, view);
  const side = data.thumbnails.length < 60 ? 92 : 64; // pixels of a thumbnail
  const margin = side / 2 + 10; // at the edges
  map.style.setProperty("--side", `${side}px`);

  const dots = make("canvas", "dots");
  const thumbs = data.thumbnails.map((thumbnail) => {
    const node = make("button", "thumb");
    node.type = "button";
    node.title = thumbnail.alt;
    const image = make("img", "");
    Object.assign(image, { src: thumbnail.thumbnail, alt: thumbnail.alt, draggable: false });
    node.append(image);
    node.onclick = () => setTriggerValue("open", thumbnail.id);
    return node;
  });
  const names = data.labels.map((label, i) => {
    const text = label.name ? `${label.name} ${label.n}` : `${label.n} ${label.n === 1 ? "picture" : "pictures"}`;
    const node = make("button", "place", text);
    node.type = "button";
    node.style.borderColor = label.colour;
    node.onclick = () => setTriggerValue("cluster", i);
    return node;
  });
  const closer = make("button", "zoom closer", "+");
  const farther = make("button", "zoom farther", "−");
  Object.assign(closer, { type: "button", ariaLabel: "Zoom in" });
  Object.assign(farther, { type: "button", ariaLabel: "Zoom out" });
  map.replaceChildren(dots, ...thumbs, ...names, closer, farther);

  const at = ({ x, y }) => {
    const width = map.clientWidth - 2 * margin, height = map.clientHeight - 2 * margin;
    return [
      margin + width * (0.5 + (x - view.x) * view.zoom),
      margin + height * (0.5 + (y - view.y) * view.zoom),
    ];
  };
  const isInside = ([x, y], edge) => x > -edge && y > -edge && x < map.clientWidth + edge && y < map.clientHeight + edge;
  const put = (node, [x, y]) => { node.style.transform = `translate(${x}px, ${y}px) translate(-50%, -50%)`; };

  const paintDots = () => {
    const scale = window.devicePixelRatio || 1;
    Object.assign(dots, { width: map.clientWidth * scale, height: map.clientHeight * scale });
    const pen = dots.getContext("2d");
    pen.scale(scale, scale);
    for (const point of data.points) {
      const [x, y] = at(point);
      pen.fillStyle = data.labels[point.cluster]?.colour ?? "#888";
      pen.beginPath();
      pen.arc(x, y, 3, 0, 7);
      pen.fill();
    }
  };
  // Placed in the given order, so that the first thumbnail of a cluster stays visible while zooming in.
  const placeThumbs = () => {
    const taken = [];
    data.thumbnails.forEach((thumbnail, i) => {
      const [x, y] = at(thumbnail);
      const isFree = isInside([x, y], 0)
        && taken.every(([tx, ty]) => Math.abs(x - tx) >= side + 4 || Math.abs(y - ty) >= side + 4);
      thumbs[i].hidden = !isFree;
      if (!isFree) return;
      taken.push([x, y]);
      put(thumbs[i], [x, y]);
    });
    return taken;
  };
  // Below the thumbnail at the same point if it is visible, and never cut off at the edge.
  const placeNames = (shown) => {
    const taken = [];
    data.labels.forEach((label, i) => {
      const width = names[i].offsetWidth;
      const [left, top] = at(label);
      const x = Math.min(map.clientWidth - width / 2 - 4, Math.max(width / 2 + 4, left));
      const isBelow = shown.some(([sx, sy]) => sx === left && sy === top);
      const y = Math.min(map.clientHeight - NAME, top + (isBelow ? side / 2 : 0));
      const isFree = isInside([left, top], 0)
        && taken.every(([tx, ty, tw]) => Math.abs(x - tx) >= (tw + width) / 2 || Math.abs(y - ty) >= NAME);
      names[i].style.visibility = isFree ? "visible" : "hidden";
      if (!isFree) return;
      put(names[i], [x, y]);
      taken.push([x, y, width]);
    });
  };
  const draw = () => {
    paintDots();
    placeNames(placeThumbs());
  };

  const move = (dx, dy) => {
    view.x = Math.min(1, Math.max(0, view.x - dx / (view.zoom * (map.clientWidth - 2 * margin))));
    view.y = Math.min(1, Math.max(0, view.y - dy / (view.zoom * (map.clientHeight - 2 * margin))));
    draw();
  };
  const zoomBy = (factor, x, y) => {
    const before = view.zoom;
    view.zoom = Math.min(40, Math.max(1, view.zoom * factor));
    const gain = 1 / before - 1 / view.zoom; // keeps the point under the mouse in place
    view.x += ((x - margin) / (map.clientWidth - 2 * margin) - 0.5) * gain;
    view.y += ((y - margin) / (map.clientHeight - 2 * margin) - 0.5) * gain;
    if (view.zoom === 1) Object.assign(view, { x: 0.5, y: 0.5 });
    move(0, 0);
  };
  map.onwheel = (event) => {
    event.preventDefault();
    const box = map.getBoundingClientRect();
    zoomBy(Math.exp(-event.deltaY / 400), event.clientX - box.left, event.clientY - box.top);
  };
  const zoomAtMiddle = (factor) => zoomBy(factor, map.clientWidth / 2, map.clientHeight / 2);
  closer.onclick = () => zoomAtMiddle(1.5);
  farther.onclick = () => zoomAtMiddle(1 / 1.5);
  let held = null;
  map.onpointerdown = (event) => { held = event.target.closest("button") ? null : [event.clientX, event.clientY]; };
  map.onpointermove = (event) => {
    if (!held || !event.buttons) return;
    move(event.clientX - held[0], event.clientY - held[1]);
    held = [event.clientX, event.clientY];
  };
  map.onpointerup = () => { held = null; };
  map.onkeydown = (event) => {
    const step = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] }[event.key];
    if (step) move(...step);
    else if (event.key === "+" || event.key === "-") {
      zoomAtMiddle(event.key === "+" ? 1.5 : 1 / 1.5);
    } else return;
    event.preventDefault();
  };

  const watcher = new ResizeObserver(draw);
  watcher.observe(map);
  draw();
  return replaceCleanup(map, () => watcher.disconnect());
}
