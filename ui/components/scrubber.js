// A bar at the right edge with the years of pictures in order of dates: drag it to scroll, or step by months.

import { make } from "./nodes.js";

const MONTHS = new Intl.DateTimeFormat("en", { month: "long", year: "numeric", timeZone: "UTC" });

// month: "2024-06"; empty: not known.
export function nameMonth(month) {
  return month ? MONTHS.format(new Date(`${month}-01T00:00:00Z`)) : "No date";
}

export class Scrubber {
  constructor(onDrag, onStep) {
    this.node = make("div", "scrubber");
    Object.assign(this.node, { tabIndex: 0, hidden: true, ariaLabel: "Timeline", ariaValueMin: "0", ariaValueMax: "100" });
    this.node.setAttribute("role", "slider");
    this.node.setAttribute("aria-orientation", "vertical");
    this.thumb = make("div", "thumb");
    this.years = make("div", "years");
    this.node.append(this.years, this.thumb);
    const drag = (event) => {
      const { top, height } = this.node.getBoundingClientRect();
      onDrag(Math.min(1, Math.max(0, (event.clientY - top) / height)));
    };
    this.node.onpointerdown = (event) => {
      this.node.setPointerCapture(event.pointerId);
      this.node.classList.add("held");
      drag(event);
    };
    this.node.onpointermove = (event) => { if (this.node.hasPointerCapture(event.pointerId)) drag(event); };
    this.node.onpointerup = this.node.onpointercancel = () => this.node.classList.remove("held");
    this.node.onkeydown = (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      onStep(step);
    };
  }

  // layout: null: hidden. share: 0..1 of the way down.
  show(layout, share, text) {
    this.node.hidden = !layout;
    if (!layout) return;
    this.thumb.style.top = `${100 * share}%`;
    this.thumb.textContent = text;
    this.node.ariaValueNow = String(Math.round(100 * share));
    this.node.ariaValueText = text;
    if (layout !== this.layout) this.showYears(layout);
  }

  showYears(layout) {
    this.layout = layout;
    this.years.replaceChildren();
    let last = null, bottom = -1;
    for (const { start, text } of layout.months) {
      const year = text.slice(0, 4), at = layout.rows[layout.rowOf(start)].top / layout.height;
      if (!year || year === last || at - bottom < 0.035) continue;
      const label = make("span", "year", year);
      label.style.top = `${100 * at}%`;
      this.years.append(label);
      last = year;
      bottom = at;
    }
  }
}
