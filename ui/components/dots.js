// Tens of thousands of dots on a canvas, written as pixels: 50,000 take 2 to 4 ms, as circles 40 ms.

import { make } from "./nodes.js";

// For each radius, the offsets [dx, dy] of the pixels of a disc.
function makeDisc(radius) {
  const disc = [];
  for (let y = -Math.ceil(radius); y <= radius; y++) {
    for (let x = -Math.ceil(radius); x <= radius; x++) if (x * x + y * y <= (radius + 0.4) ** 2) disc.push([x, y]);
  }
  return disc;
}

// A CSS colour as a number with the bytes alpha, blue, green, red, as little-endian image data has them.
function toPixel(colour) {
  const pen = new OffscreenCanvas(1, 1).getContext("2d");
  pen.fillStyle = colour;
  pen.fillRect(0, 0, 1, 1);
  const [red, green, blue] = pen.getImageData(0, 0, 1, 1).data;
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

export class Dots {
  // xs, ys: positions on the plane; groups: index into the CSS colours.
  constructor(xs, ys, groups, colours) {
    Object.assign(this, { xs: Float32Array.from(xs), ys: Float32Array.from(ys), groups: Uint16Array.from(groups) });
    this.pixels = Uint32Array.from(colours, toPixel);
    this.node = make("canvas", "dots");
    this.node.setAttribute("aria-hidden", "true");
  }

  get length() { return this.xs.length; }

  // radius: in CSS pixels.
  draw(plane, radius) {
    const { node, xs, ys, groups, pixels } = this, ratio = Math.min(2, window.devicePixelRatio || 1);
    const width = Math.round(plane.width * ratio), height = Math.round(plane.height * ratio);
    if (node.width !== width || node.height !== height) {
      Object.assign(node, { width, height });
      this.image = null;
    }
    const pen = node.getContext("2d");
    this.image ??= pen.createImageData(width, height);
    const data = new Uint32Array(this.image.data.buffer);
    data.fill(0);
    const [left, top] = plane.toScreen(0, 0);
    const scaleX = plane.scaleX * plane.zoom * ratio, scaleY = plane.scaleY * plane.zoom * ratio;
    const disc = makeDisc(radius * ratio), edge = Math.ceil(radius * ratio);
    const offsets = Int32Array.from(disc, ([x, y]) => y * width + x);
    for (let i = 0; i < xs.length; i++) {
      const x = Math.round(left * ratio + xs[i] * scaleX), y = Math.round(top * ratio + ys[i] * scaleY);
      if (x < edge || y < edge || x >= width - edge || y >= height - edge) continue;
      const pixel = pixels[groups[i]], middle = y * width + x;
      for (let j = 0; j < offsets.length; j++) data[middle + offsets[j]] = pixel;
    }
    pen.putImageData(this.image, 0, 0);
  }

  // The dot nearest to a place in the window, at most `far` pixels away; -1: none.
  find(plane, left, top, far) {
    let best = -1, least = far * far;
    const [left0, top0] = plane.toScreen(0, 0), scaleX = plane.scaleX * plane.zoom, scaleY = plane.scaleY * plane.zoom;
    for (let i = 0; i < this.xs.length; i++) {
      const dx = left0 + this.xs[i] * scaleX - left, dy = top0 + this.ys[i] * scaleY - top, distance = dx * dx + dy * dy;
      if (distance < least) { best = i; least = distance; }
    }
    return best;
  }
}
