// A picture or a blank canvas with labelled boxes; the visitor can draw a box.

import { make, makeBoxes, placeBox } from "./nodes.js";

const MIN_SIDE = 0.02; // fraction of a side; smaller boxes are clicks

export function enableDrawing(canvas, onDraw) {
  const rubber = make("div", "rubber");
  let start = null;
  const at = (event) => {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    const within = (value) => Math.min(1, Math.max(0, value));
    return [within((event.clientX - left) / width), within((event.clientY - top) / height)];
  };
  const edges = (x, y) => [Math.min(start[0], x), Math.min(start[1], y), Math.max(start[0], x), Math.max(start[1], y)];
  canvas.onpointerdown = (event) => {
    if (event.button) return;
    start = at(event);
    placeBox(rubber, edges(...start));
    canvas.append(rubber);
    canvas.setPointerCapture(event.pointerId);
    event.preventDefault();
  };
  canvas.onpointermove = (event) => { if (start) placeBox(rubber, edges(...at(event))); };
  canvas.onpointerup = (event) => {
    if (!start) return;
    const box = edges(...at(event));
    start = null;
    if (box[2] - box[0] >= MIN_SIDE && box[3] - box[1] >= MIN_SIDE) onDraw(box);
    else rubber.remove();
  };
  canvas.onpointercancel = () => { start = null; rubber.remove(); };
}

export default function ({ data, parentElement, setTriggerValue }) {
  const canvas = make("div", data.drawable ? "canvas drawable" : "canvas");
  canvas.style.aspectRatio = `${data.width} / ${data.height}`;
  canvas.style.maxWidth = `calc(72vh * ${data.width / data.height})`;
  if (data.image) {
    const image = make("img", "");
    Object.assign(image, { src: data.image, alt: data.alt, draggable: false });
    canvas.append(image);
  } else {
    canvas.classList.add("blank");
    canvas.append(make("span", "hint", data.alt));
  }
  canvas.append(...makeBoxes(data.parts, true));
  if (data.drawable) enableDrawing(canvas, (box) => setTriggerValue("box", box));
  parentElement.querySelector(".holder").replaceChildren(canvas);
}
