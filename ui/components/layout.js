// Justified rows: pictures of equal height that fill the width, in order. Nothing here touches the document.

// A row: its first picture, top and height in pixels, and whether labels of months stand above its pictures.
export class Layout {
  // ratios: of width to height. months: runs of pictures as [text, count]; empty: none.
  constructor(ratios, months, width, target, { gap = 4, label = 28 } = {}) {
    Object.assign(this, { ratios, width, gap, label, rows: [] });
    this.months = []; // {start, text}
    let start = 0;
    for (const [text, count] of months) {
      this.months.push({ start, text });
      start += count;
    }
    let top = 0, first = 0, sum = 0, month = 0;
    const close = (end, height) => {
      let hasLabel = false;
      for (; month < this.months.length && this.months[month].start < end; month++) hasLabel = true;
      this.rows.push({ first, end, top, height, hasLabel });
      top += height + gap + (hasLabel ? label : 0);
      first = end;
      sum = 0;
    };
    const fit = (n, total) => (width - gap * (n - 1)) / total;
    for (let i = 0; i < ratios.length; i++) {
      const n = i - first + 1, height = fit(n, sum + ratios[i]);
      if (height > target) { sum += ratios[i]; continue; }
      // With this picture the row is lower than wanted, without it higher: the nearer one.
      const without = n > 1 ? fit(n - 1, sum) : Infinity;
      if (without - target < target - height) {
        close(i, without);
        sum = ratios[i];
        if (fit(1, sum) <= target) close(i + 1, fit(1, sum));
      } else close(i + 1, height);
    }
    if (first < ratios.length) close(ratios.length, target);
    this.height = Math.max(0, top - gap);
  }

  // The last row that begins at `y` or above; 0 if there is none.
  rowAt(y) {
    let low = 0, high = this.rows.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.rows[middle].top <= y) low = middle; else high = middle - 1;
    }
    return low;
  }

  rowOf(index) {
    let low = 0, high = this.rows.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.rows[middle].first <= index) low = middle; else high = middle - 1;
    }
    return low;
  }

  // Left edges and widths of the pictures of a row.
  placesOf({ first, end, height }) {
    let left = 0;
    return this.ratios.slice(first, end).map((ratio) => {
      const place = { left, width: ratio * height };
      left += place.width + this.gap;
      return place;
    });
  }

  // The picture of another row that is below or above the middle of this one; null at the ends.
  neighbour(index, step) {
    const at = this.rowOf(index), row = this.rows[at + step];
    if (!row) return null;
    const { left, width } = this.placesOf(this.rows[at])[index - this.rows[at].first];
    const found = this.placesOf(row).findIndex((place) => place.left + place.width >= left + width / 2);
    return found < 0 ? row.end - 1 : row.first + found;
  }

  monthAt(index) {
    let found = "";
    for (const { start, text } of this.months) {
      if (start > index) break;
      found = text;
    }
    return found;
  }
}
