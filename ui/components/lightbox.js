// One picture in the full window, with its layers and details. The grid has the list for the previous and the next one.

import { enableDrawing } from "./frame.js";
import { make, makeBoxes, makeButton } from "./nodes.js";
import { Panel } from "./panel.js";
import { OPENED, getBlob, getJson, pageAddress, pictureUrl, postJson } from "./requests.js";
import { Stage } from "./stage.js";

const FAVOURITES = "Favourites";
const KEPT = 7; // previews that stay decoded: the open one, and three on each side
const hasKeys = matchMedia("(hover: hover)").matches;
const withKey = (label, key) => (hasKeys ? `${label} (${key})` : label);

export class Lightbox {
  constructor(grid) {
    this.grid = grid;
    this.previews = new Map(); // loaded or loading images, by id
    this.details = new Map();
    this.hasBoxes = true;
    this.id = null;
    this.build();
  }

  build() {
    this.node = make("dialog", "lightbox");
    this.scale = make("span", "scale");
    this.stage = new Stage({
      onSwipe: (step) => this.step(step),
      onDismiss: () => this.leave(),
      onZoom: (scale) => this.showScale(scale),
      onNeedPixels: () => this.loadPixels(),
    });
    this.panel = new Panel({
      onHeat: (text) => this.showHeat(text),
      onAlbum: (name, isIn) => this.changeAlbum(name, isIn),
      onFolder: () => this.openFolder(),
    });
    this.title = make("h2", "title");
    this.count = make("span", "count");
    this.status = make("div", "status");
    this.status.setAttribute("role", "status");
    this.favourite = makeButton("tool", "heart", withKey("Favourite", "F"), () => this.toggleFavourite());
    this.boxes = makeButton("tool", "boxes", withKey("Show regions", "B"), () => this.toggleBoxes());
    this.part = makeButton("tool", "part", "Search for a part of the picture", () => this.togglePart());
    this.detailsButton = makeButton("tool", "info", withKey("Details", "I"), () => this.togglePanel());
    this.download = make("a", "tool");
    const download = makeButton("", "download", "Download");
    Object.assign(this.download, { title: "Download", ariaLabel: "Download", download: "" });
    this.download.append(...download.childNodes);
    this.previous = makeButton("step previous", "previous", withKey("Previous", "←"), () => this.step(-1));
    this.next = makeButton("step next", "next", withKey("Next", "→"), () => this.step(1));
    const bar = make("div", "toolbar"), zoom = make("div", "zoom");
    zoom.append(
      makeButton("tool", "minus", withKey("Zoom out", "−"), () => this.stage.zoomBy(1 / 1.5)), this.scale,
      makeButton("tool", "plus", withKey("Zoom in", "+"), () => this.stage.zoomBy(1.5)),
      makeButton("tool", "fit", withKey("Fit to the window", "0"), () => this.stage.reset()),
    );
    bar.append(
      makeButton("tool close", "close", withKey("Close", "Esc"), () => this.leave()), this.title, this.count, zoom,
      makeButton("tool", "similar", "More like this", () => this.grid.send("similar", this.id)),
      makeButton("tool", "copies", "Copies of this picture", () => this.grid.send("copies", this.id)),
      this.part, this.boxes, this.favourite, this.download, this.detailsButton,
    );
    const main = make("div", "main"), view = make("div", "view");
    view.append(this.stage.node, this.previous, this.next, this.status);
    main.append(view, this.panel.node);
    this.node.append(bar, main);
    this.node.setAttribute("aria-label", "Picture");
    this.node.addEventListener("cancel", (event) => { event.preventDefault(); this.leave(); });
    this.node.addEventListener("keydown", (event) => this.onKey(event));
    this.grid.host.append(this.node);
    this.showPanel(matchMedia("(min-width: 1000px)").matches);
    this.toggleBoxes(true);
  }

  remove() {
    if (this.node.open) this.node.close();
    this.node.remove();
  }

  get isOpen() { return this.id !== null; }

  get index() { return this.grid.outline.ids.indexOf(this.id); }

  // isNew: a visitor opened it, so that Back closes it.
  open(id, isNew = false) {
    if (isNew) history.pushState(OPENED, "", pageAddress(id));
    this.id = id;
    this.heat = null;
    this.togglePart(false);
    if (!this.node.open) this.node.showModal();
    this.shown = null;
    this.show();
    this.showDetails(id);
    this.preload();
  }

  // Closes it, because the grid gets other pictures.
  dismiss() {
    this.id = null;
    this.details.clear();
    if (this.node.open) this.node.close();
    this.stage.plane.replaceChildren();
  }

  // Closes it, and puts the focus on its picture in the grid.
  hide() {
    if (!this.isOpen) return;
    const { index } = this;
    this.id = null;
    this.node.close();
    this.stage.plane.replaceChildren();
    if (index >= 0) this.grid.focus(index);
  }

  leave() {
    if (history.state?.cosmosSearch) history.back();
    else {
      history.replaceState({}, "", pageAddress(null));
      this.hide();
    }
  }

  step(by) {
    const { ids } = this.grid.outline, index = this.index + by;
    if (this.index < 0 || index < 0 || index >= ids.length) return;
    history.replaceState(history.state, "", pageAddress(ids[index]));
    this.open(ids[index]);
  }

  // Draws the picture, as soon as its card is there.
  show() {
    if (!this.isOpen) return;
    const { index, id } = this, n = this.grid.n ?? this.grid.outline.ids.length;
    this.count.textContent = index < 0 ? "" : `${(index + 1).toLocaleString("en")} of ${n.toLocaleString("en")}`;
    this.previous.disabled = index <= 0;
    this.next.disabled = index < 0 || index + 1 >= this.grid.outline.ids.length;
    if (index >= 0) this.grid.loadCards(Math.max(0, index - 3), Math.min(index + 4, this.grid.outline.ids.length));
    const card = this.grid.cards.get(id) ?? this.details.get(id)?.card;
    if (!card || this.shown === id) return;
    this.shown = id;
    this.title.textContent = card.name;
    this.download.href = pictureUrl(card, "original");
    this.stage.plane.replaceChildren(this.getPreview(card));
    this.stage.plane.style.backgroundImage = `url("${pictureUrl(card, "thumbnail")}")`;
    this.stage.setSize(card.width, card.height);
    this.showParts(card.parts);
    this.showStatus("");
  }

  async showDetails(id) {
    this.panel.clear();
    try {
      const found = this.details.get(id) ?? await getJson(`pictures/${id}/details`, this.grid.address);
      this.details.set(id, found);
      if (this.id !== id) return;
      this.panel.show(found);
      this.showFavourite();
      this.show();
      if (found.parts.some((part) => part.box)) await this.refine(id, found);
    } catch (error) {
      if (this.id === id) this.showStatus(error.message);
    }
  }

  // Boxes from heat maps come later than those of the index.
  async refine(id, found) {
    if (!found.isRefined) {
      const boxes = await getJson(`pictures/${id}/boxes`, this.grid.address).catch(() => null); // without heat maps
      const sentences = found.parts.filter((part) => !part.is_text);
      boxes?.forEach((box, i) => { sentences[i].box = box; });
      found.isRefined = true;
    }
    if (this.id === id) this.showParts(found.parts);
  }

  // pictures

  getPreview(card) {
    let image = this.previews.get(card.id);
    if (!image) {
      image = make("img", "preview");
      Object.assign(image, { alt: card.alt, draggable: false });
      image.onerror = () => { if (this.id === card.id) this.showStatus("This picture was deleted or changed since it was indexed."); };
      image.src = pictureUrl(card, "preview");
      image.decode().catch(() => {}); // before it is shown
    }
    this.previews.delete(card.id);
    this.previews.set(card.id, image); // the newest last
    if (this.previews.size > KEPT) this.previews.delete(this.previews.keys().next().value);
    return image;
  }

  preload() {
    const { ids } = this.grid.outline, { index } = this;
    if (index < 0) return;
    for (const at of [index - 1, index + 2, index + 1]) {
      const card = this.grid.cards.get(ids[at]);
      if (card) this.getPreview(card);
    }
  }

  // The full pixels, once the preview is shown larger than it is.
  loadPixels() {
    const card = this.grid.cards.get(this.id) ?? this.details.get(this.id)?.card;
    const preview = this.stage.plane.querySelector(".preview");
    if (!card || !preview?.naturalWidth || this.stage.plane.querySelector(".full")) return;
    const isEnough = preview.naturalWidth >= card.width;
    if (isEnough || card.width * this.stage.scale * window.devicePixelRatio <= preview.naturalWidth) return;
    const full = make("img", "full");
    Object.assign(full, { alt: "", draggable: false, src: pictureUrl(card, "full") });
    full.decode().then(() => full.classList.add("ready"), () => full.remove());
    preview.after(full);
  }

  // layers

  showParts(parts) {
    for (const box of this.stage.plane.querySelectorAll(".box")) box.remove();
    this.stage.plane.append(...makeBoxes(parts, true));
  }

  toggleBoxes(isOn = !this.hasBoxes) {
    this.hasBoxes = isOn;
    this.boxes.setAttribute("aria-pressed", String(isOn));
    this.node.classList.toggle("plain", !isOn);
  }

  // text: null: none. Returns after the map was shown.
  async showHeat(text) {
    this.heat = text;
    this.stage.plane.querySelector(".heat")?.remove();
    this.node.classList.toggle("hot", text !== null);
    const { id } = this, card = this.details.get(id)?.card;
    this.showStatus(text === null ? "" : "Computing the heat map …");
    if (text === null || !card) return;
    const isShown = () => this.id === id && this.heat === text;
    let blob = null;
    try {
      blob = await getBlob(pictureUrl(card, "heat", { text }));
    } catch (error) {
      if (isShown()) this.dropHeat(error.message);
    }
    if (!blob || !isShown()) return;
    const image = make("img", "heat");
    image.alt = `Heat map of: ${text}`;
    image.src = URL.createObjectURL(blob);
    image.onload = () => URL.revokeObjectURL(image.src);
    this.stage.plane.append(image);
    this.showStatus("");
  }

  dropHeat(reason) {
    this.panel.clearHeat();
    this.node.classList.remove("hot");
    this.showStatus(reason);
  }

  togglePart(isOn = !this.stage.isBusy) {
    this.stage.isBusy = isOn;
    this.part.setAttribute("aria-pressed", String(isOn));
    this.node.classList.toggle("drawing", isOn);
    const { plane } = this.stage;
    if (isOn) {
      enableDrawing(plane, (box) => this.grid.send("part", { id: this.id, box }));
      this.showStatus("Draw a box around the part to search for.");
    } else {
      plane.onpointerdown = plane.onpointermove = plane.onpointerup = plane.onpointercancel = null;
      plane.querySelector(".rubber")?.remove();
      this.showStatus("");
    }
  }

  // albums

  get albums() { return this.details.get(this.id)?.albums ?? []; }

  showFavourite() {
    const isIn = this.albums.some((album) => album.name === FAVOURITES && album.has);
    this.favourite.setAttribute("aria-pressed", String(isIn));
  }

  toggleFavourite() {
    this.changeAlbum(FAVOURITES, !this.albums.some((album) => album.name === FAVOURITES && album.has));
  }

  async changeAlbum(name, isIn) {
    const found = this.details.get(this.id);
    if (!found) return;
    try {
      await postJson(`pictures/${this.id}/albums`, { name, is_in: isIn });
      for (const other of this.details.values()) { // a new album is one of every picture
        if (!other.albums.some((album) => album.name === name)) other.albums.push({ name, has: false });
      }
      found.albums.find((album) => album.name === name).has = isIn;
      this.showStatus(isIn ? `Added to ${name}.` : `Removed from ${name}.`);
    } catch (error) {
      this.showStatus(error.message);
    }
    if (found !== this.details.get(this.id)) return;
    this.showFavourite();
    this.panel.showAlbums(found.albums);
  }

  async openFolder() {
    try {
      await postJson(`pictures/${this.id}/folder`, {});
    } catch (error) {
      this.showStatus(error.message);
    }
  }

  // the frame

  showScale(scale) {
    this.scale.textContent = `${Math.round(100 * scale * window.devicePixelRatio)} %`;
  }

  showStatus(text) {
    this.status.textContent = text;
  }

  togglePanel() {
    this.showPanel(!this.node.classList.contains("open-panel"));
  }

  showPanel(isOn) {
    this.node.classList.toggle("open-panel", isOn);
    this.detailsButton.setAttribute("aria-pressed", String(isOn));
    this.panel.node.inert = !isOn;
  }

  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input")) return;
    const actions = {
      ArrowLeft: () => this.step(-1), ArrowRight: () => this.step(1), f: () => this.toggleFavourite(),
      i: () => this.togglePanel(), b: () => this.toggleBoxes(), 0: () => this.stage.reset(),
      "+": () => this.stage.zoomBy(1.5), "=": () => this.stage.zoomBy(1.5), "-": () => this.stage.zoomBy(1 / 1.5),
    };
    const act = actions[event.key];
    event.stopPropagation(); // Streamlit has keys, too
    if (!act) return;
    event.preventDefault();
    act();
  }
}
