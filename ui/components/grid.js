// A grid of any number of pictures, of which only the visible rows are in the document. Text is inserted as textContent.

import { isTouch, makeCard } from "./card.js";
import { Layout } from "./layout.js";
import { Lightbox } from "./lightbox.js";
import { make } from "./nodes.js";
import { admit, getJson, markOpened, pageAddress, pictureInAddress } from "./requests.js";
import { forgetBack, keepPlace, takePlace } from "./scroll_places.js";
import { Scrubber, nameMonth } from "./scrubber.js";

const BLOCK = 60; // cards of one request
const HEAD_HEIGHT = 70; // of what covers the first rows, pixels
const FOOT_HEIGHT = 60; // of what covers the last rows, pixels
const LABEL_WIDTH = 118; // at most, pixels
const BAR_WIDTH = 16; // beside the pictures, pixels
const MAX_WAIT_MS = 1000; // for the first pictures

const grids = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  const host = parentElement.querySelector(".grid");
  if (!grids.has(host)) grids.set(host, new Grid(host));
  const grid = grids.get(host);
  grid.update(data, setTriggerValue);
  return () => { grid.close(); grids.delete(host); };
}

function findScroller(node) {
  for (let at = node; at; at = at.parentElement ?? at.getRootNode().host) {
    if (/(auto|scroll)/.test(getComputedStyle(at).overflowY) && at !== document.body) return at;
  }
  return document.scrollingElement;
}

class Grid {
  constructor(host) {
    this.host = host;
    this.list = make("div", "list");
    this.list.setAttribute("role", "list");
    this.position = make("div", "position");
    this.error = make("div", "error");
    this.error.setAttribute("role", "alert");
    this.scrubber = new Scrubber((share) => this.scrollToShare(share), (step) => this.stepMonth(step));
    host.replaceChildren(this.position, this.error, this.list, this.scrubber.node);
    this.scroller = findScroller(host);
    this.rows = new Map();
    this.cards = new Map();
    this.current = 0; // the picture that Tab reaches
    this.anchor = null; // the last ticked one, for Shift
    this.lightbox = new Lightbox(this);
    this.stopper = new AbortController();
    const { signal } = this.stopper;
    this.scroller.addEventListener("scroll", () => this.askToDraw(), { passive: true, signal });
    this.list.addEventListener("keydown", (event) => this.onKey(event), { signal });
    window.addEventListener("popstate", (event) => this.onBack(event), { capture: true, signal });
    this.watcher = new ResizeObserver(() => this.layOut());
    this.watcher.observe(host);
  }

  close() {
    this.stopper.abort();
    this.watcher.disconnect();
    this.requests?.abort();
    this.lightbox.remove();
  }

  update(data, send) {
    admit(data.ticket);
    const before = this.data;
    this.send = send;
    this.data = data;
    this.selected = new Set(data.selected);
    const key = data.address + JSON.stringify(data.outline.ids) + data.n;
    if (key === this.key) {
      if (before.boxes !== data.boxes || before.names !== data.names) this.redraw();
      else this.showSelected();
    } else {
      const isOther = data.address !== this.address;
      if (isOther) {
        this.cards.clear();
        this.lightbox.dismiss();
      }
      this.key = key;
      this.address = data.address;
      this.pageOfList = pageAddress(null);
      this.requests?.abort();
      this.requests = new AbortController();
      this.requested = new Set();
      this.error.textContent = "";
      for (const card of data.cards) this.cards.set(card.id, card);
      this.n = data.n;
      const place = isOther ? this.findPlace() : this.measurePlace();
      this.setOutline(data.outline, data.is_complete ? place : null);
      if (!data.is_complete) this.waitForPictures(place ? 0 : MAX_WAIT_MS).then(() => { if (key === this.key) this.loadOutline(place); });
      if (data.picture !== null && pictureInAddress() === data.picture) {
        markOpened(data.picture);
        this.lightbox.open(data.picture);
      }
    }
  }

  // outlines

  // The outline of many results takes the server longer than the first pictures, which it would delay.
  waitForPictures(most) {
    const loaded = [...this.list.querySelectorAll("img")].map((image) => image.decode());
    return Promise.race([Promise.allSettled(loaded), new Promise((done) => { setTimeout(done, most); })]);
  }

  async loadOutline(place) {
    try {
      const outline = await getJson("outline", this.address, {}, this.requests.signal);
      this.n = outline.ids.length;
      this.setOutline(outline, place ?? this.measurePlace());
    } catch (error) {
      this.explain(error);
    }
  }

  setOutline(outline, place) {
    this.outline = outline;
    this.layout = null;
    this.layOut(place);
    this.lightbox.show();
  }

  layOut(place = null) {
    const isDated = this.outline?.months.length > 1; // then the bar with the years is beside the pictures
    const width = this.host.clientWidth - (isDated ? BAR_WIDTH : 0);
    if (!this.outline || width <= 0 || this.layout?.width === width) return;
    place ??= this.layout ? this.measurePlace() : null;
    const target = Math.max(104, Math.min(210, 60 + width / 15));
    this.layout = new Layout(this.outline.ratios, this.outline.months, width, target);
    this.list.style.height = `${this.layout.height}px`;
    if (place) this.goTo(place);
    this.redraw();
  }

  // positions

  top() {
    const edge = this.scroller === document.scrollingElement ? 0 : this.scroller.getBoundingClientRect().top;
    return edge - this.list.getBoundingClientRect().top; // of the visible part within the list
  }

  measurePlace() {
    if (!this.layout?.rows.length) return null;
    const top = this.top(), row = this.layout.rows[this.layout.rowAt(Math.max(0, top))];
    return top <= 0 ? null : { index: row.first, id: this.outline.ids[row.first], offset: top - row.top };
  }

  goTo({ index, id, offset }) {
    const found = this.outline.ids[index] === id ? index : this.outline.ids.indexOf(id);
    const row = this.layout.rows[this.layout.rowOf(found < 0 ? Math.min(index, this.outline.ids.length - 1) : found)];
    if (row) this.scroller.scrollTop += row.top + offset - this.top();
  }

  findPlace() {
    const place = takePlace(this.pageOfList);
    if (!place && this.outline && this.scroller.scrollTop > 0) this.scroller.scrollTop = 0;
    return place;
  }

  storePlace() {
    if (pageAddress(null) === this.pageOfList) keepPlace(this.pageOfList, this.measurePlace()); // else it was left
  }

  scrollToShare(share) {
    this.scroller.scrollTop += share * Math.max(0, this.layout.height - this.scroller.clientHeight) - this.top();
  }

  stepMonth(step) {
    const row = this.layout.rows[this.layout.rowAt(Math.max(0, this.top()) + 1)];
    const labels = this.layout.rows.filter((one) => one.hasLabel && (step > 0 ? one.top > row.top : one.top < row.top));
    const goal = step > 0 ? labels[0] : labels.at(-1);
    if (goal) this.scroller.scrollTop += goal.top - this.top();
  }

  // drawing

  askToDraw() {
    this.frame ??= requestAnimationFrame(() => { this.frame = null; this.draw(); });
  }

  redraw() {
    const focused = this.focusedIndex();
    for (const node of this.rows.values()) node.remove();
    this.rows.clear();
    this.draw();
    if (focused !== null) this.focus(focused, { preventScroll: true });
  }

  draw() {
    if (!this.layout) return;
    const top = this.top(), view = this.scroller.clientHeight, { rows } = this.layout;
    const from = this.layout.rowAt(top - view / 2), to = this.layout.rowAt(top + 1.5 * view);
    for (const [at, node] of this.rows) {
      if ((at < from || at > to) && !node.contains(node.getRootNode().activeElement)) {
        for (const image of node.querySelectorAll("img")) image.removeAttribute("src"); // stops loading
        node.remove();
        this.rows.delete(at);
      }
    }
    if (rows.length) {
      for (let at = from; at <= to; at++) if (!this.rows.has(at)) this.addRow(at);
      const inView = [...this.rows.keys()].some((at) => this.current >= rows[at].first && this.current < rows[at].end);
      if (!inView) this.setCurrent(rows[this.layout.rowAt(Math.max(0, top))].first);
      this.loadCards(rows[from].first, rows[to].end);
    }
    this.showPosition(top, view);
    this.storePlace();
  }

  addRow(at) {
    const row = this.layout.rows[at], node = make("div", "row");
    node.setAttribute("role", "presentation");
    node.style.transform = `translateY(${row.top}px)`;
    const places = this.layout.placesOf(row);
    for (const month of row.hasLabel ? this.layout.months.filter((m) => m.start >= row.first && m.start < row.end) : []) {
      const label = make("div", "month", nameMonth(month.text));
      label.style.left = `${Math.min(places[month.start - row.first].left, this.layout.width - LABEL_WIDTH)}px`;
      node.append(label);
    }
    const top = row.hasLabel ? this.layout.label : 0;
    places.forEach(({ left, width }, i) => {
      const card = this.makeCard(row.first + i, width, row.height);
      Object.assign(card.style, { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${row.height}px` });
      node.append(card);
    });
    this.rows.set(at, node);
    const next = [...this.rows].filter(([other]) => other > at).sort(([a], [b]) => a - b)[0]?.[1]; // in reading order
    this.list.insertBefore(node, next ?? null);
  }

  makeCard(index, width, height) {
    const id = this.outline.ids[index], isCurrent = index === this.current, isSelected = this.selected.has(id);
    return makeCard(this.cards.get(id), { id, index, n: this.n, width, height, isCurrent, isSelected }, this.data, {
      onOpen: (event) => {
        if (isTouch && this.selected.size) this.tick(index, event.shiftKey);
        else this.lightbox.open(id, true);
      },
      onTick: (isRange) => this.tick(index, isRange),
    });
  }

  showPosition(top, view) {
    const n = this.outline.ids.length, { layout } = this;
    const first = n && layout.rows[layout.rowAt(Math.max(0, top))].first;
    const last = n && layout.rows[layout.rowAt(Math.max(0, top + view - FOOT_HEIGHT))].end;
    const total = this.n === null ? "" : ` of ${this.n.toLocaleString("en")}`;
    this.position.textContent = n ? `${(first + 1).toLocaleString("en")}–${last.toLocaleString("en")}${total}` : "";
    const share = layout.height > view ? Math.min(1, Math.max(0, top / (layout.height - view))) : 0;
    const isLong = layout.months.length > 1 && layout.height > 2 * view;
    this.scrubber.show(isLong ? layout : null, share, nameMonth(layout.monthAt(first)));
    this.host.classList.toggle("ticking", this.selected.size > 0);
  }

  // cards

  loadCards(first, end) {
    const missing = new Set();
    for (let i = first; i < end; i++) {
      const block = Math.floor(i / BLOCK);
      if (!this.cards.has(this.outline.ids[i]) && !this.requested.has(block)) missing.add(block);
    }
    if (!missing.size) return;
    clearTimeout(this.loading); // while the bar is dragged, nothing is loaded
    this.loading = setTimeout(() => missing.forEach((block) => this.loadBlock(block)), 30);
  }

  async loadBlock(block) {
    this.requested.add(block);
    const { signal } = this.requests;
    try {
      const cards = await getJson("cards", this.address, { start: block * BLOCK, n: BLOCK }, signal);
      for (const card of cards) this.cards.set(card.id, card);
      this.redraw();
      this.lightbox.show();
    } catch (error) {
      if (!signal.aborted) this.requested.delete(block);
      this.explain(error);
    }
  }

  explain(error) {
    if (error.name !== "AbortError") this.error.textContent = error.message;
  }

  // focus and keys

  focusedIndex() {
    const id = Number(this.list.getRootNode().activeElement?.closest(".card")?.dataset.id);
    const index = id ? this.outline.ids.indexOf(id) : -1;
    return index < 0 ? null : index;
  }

  cardNode(index) {
    return this.rows.get(this.layout.rowOf(index))?.querySelector(`.card[data-id="${this.outline.ids[index]}"]`);
  }

  setCurrent(index) {
    for (const link of this.list.querySelectorAll('.open[tabindex="0"]')) link.tabIndex = -1;
    this.current = index;
    const link = this.cardNode(index)?.querySelector(".open");
    if (link) link.tabIndex = 0;
    return link;
  }

  reveal(index) {
    const row = this.layout.rows[this.layout.rowOf(index)], top = this.top(), view = this.scroller.clientHeight;
    const bottom = row.top + row.height + (row.hasLabel ? this.layout.label : 0);
    if (row.top < top + HEAD_HEIGHT) this.scroller.scrollTop += row.top - top - HEAD_HEIGHT;
    else if (bottom > top + view - FOOT_HEIGHT) this.scroller.scrollTop += bottom - top - view + FOOT_HEIGHT;
    this.draw();
  }

  focus(index, options) {
    if (!options) this.reveal(index);
    this.setCurrent(index)?.focus({ preventScroll: true });
  }

  onKey(event) {
    const index = this.focusedIndex();
    if (index === null || event.ctrlKey || event.metaKey || event.altKey) return;
    const last = this.outline.ids.length - 1;
    const goals = {
      ArrowLeft: index - 1, ArrowRight: index + 1, Home: 0, End: last,
      ArrowUp: this.layout.neighbour(index, -1), ArrowDown: this.layout.neighbour(index, 1),
    };
    if (event.key in goals) {
      const goal = goals[event.key];
      if (goal !== null && goal >= 0 && goal <= last) this.focus(goal);
    } else if (event.key === " ") this.tick(index, event.shiftKey);
    else return; // Enter follows the link
    event.preventDefault();
  }

  // ticks

  tick(index, isRange) {
    const id = this.outline.ids[index], isOn = !this.selected.has(id);
    const from = isRange && this.anchor !== null ? this.anchor : index;
    for (const one of this.outline.ids.slice(Math.min(from, index), Math.max(from, index) + 1)) {
      if (isOn) this.selected.add(one); else this.selected.delete(one);
    }
    this.anchor = index;
    this.showSelected();
    this.send("selected", [...this.selected]);
  }

  showSelected() {
    for (const node of this.list.querySelectorAll(".card")) {
      const isOn = this.selected.has(Number(node.dataset.id));
      node.classList.toggle("selected", isOn);
      node.querySelector(".tick")?.setAttribute("aria-pressed", String(isOn));
    }
    this.host.classList.toggle("ticking", this.selected.size > 0);
  }

  // the history of the browser

  onBack(event) {
    const id = pictureInAddress(), isOwn = pageAddress(null) === this.pageOfList;
    if (isOwn && (this.lightbox.isOpen || (id !== null && this.outline.ids.includes(id)))) {
      event.stopImmediatePropagation(); // only a picture was opened or closed: the rest of the page stays
      forgetBack();
      if (id === null) this.lightbox.hide(); else this.lightbox.open(id);
    }
  }
}
