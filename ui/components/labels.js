// Places for rectangles that do not overlap.

export class FreeSpace {
  constructor(width, height) {
    Object.assign(this, { width, height, taken: [] });
  }

  // Takes the rectangle around a centre, if nothing is there and it lies within the edges.
  take(x, y, width, height, gap = 3) {
    const box = [x - width / 2, y - height / 2, x + width / 2, y + height / 2];
    const isInside = box[0] >= 0 && box[1] >= 0 && box[2] <= this.width && box[3] <= this.height;
    const isFree = isInside && this.taken.every(([left, top, right, bottom]) => (
      box[0] >= right + gap || box[2] <= left - gap || box[1] >= bottom + gap || box[3] <= top - gap
    ));
    if (isFree) this.taken.push(box);
    return isFree;
  }

  // The nearest free place to a point, at most `far` away; null: there is none.
  takeNear(x, y, width, height, far) {
    const edgeX = Math.min(this.width - width / 2, Math.max(width / 2, x));
    const edgeY = Math.min(this.height - height / 2, Math.max(height / 2, y));
    for (let distance = 0; distance <= far; distance += height / 2) {
      const n = distance ? 8 : 1;
      for (let i = 0; i < n; i++) {
        const angle = (2 * Math.PI * i) / n + Math.PI / 2; // below first
        const place = [edgeX + distance * Math.cos(angle) * 1.6, edgeY + distance * Math.sin(angle)];
        if (this.take(...place, width, height)) return place;
      }
    }
    return null;
  }
}

export function putAt(node, [x, y]) {
  node.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px) translate(-50%, -50%)`;
}
