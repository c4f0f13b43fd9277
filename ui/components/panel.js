// The details of the open picture: why it matches, its metadata, place, files and albums.

import { make, makeBars } from "./nodes.js";

export class Panel {
  constructor({ onHeat, onAlbum, onFolder }) {
    Object.assign(this, { onHeat, onAlbum, onFolder });
    this.node = make("aside", "panel");
    this.node.ariaLabel = "Details";
  }

  clear() {
    this.node.replaceChildren();
  }

  show(details) {
    this.node.replaceChildren();
    if (details.parts.length) this.add("Why it matches", this.makeEvidence(details.parts));
    const facts = make("dl", "facts");
    for (const [name, text] of details.facts) facts.append(make("dt", "", name), make("dd", "", text));
    this.add("Details", facts);
    this.albums = make("div", "albums");
    this.add("Albums", this.albums);
    this.showAlbums(details.albums);
    this.add(details.paths.length > 1 ? "Files" : "File", ...details.paths.map((path) => this.makePath(path)));
    if (details.can_open_folder) this.node.querySelector(".path:last-child").append(this.makeAction("Open folder", this.onFolder));
    if (details.map) this.add("Place", this.makeMap(details));
  }

  add(title, ...nodes) {
    const section = make("section", "");
    section.append(make("h3", "", title), ...nodes);
    this.node.append(section);
  }

  makeEvidence(parts) {
    const list = make("div", "evidence");
    this.heats = [];
    makeBars(parts).forEach((bar, i) => {
      const { heat, is_whole: isWhole, text } = parts[i];
      if (isWhole) bar.querySelector(".text").append(make("small", "", " whole picture"));
      list.append(bar);
      if (heat === null) return;
      const label = make("label", "switch", "Heat map"), box = make("input", "");
      Object.assign(box, { type: "checkbox", ariaLabel: `Heat map of: ${text}` });
      box.onchange = () => {
        for (const other of this.heats) if (other !== box) other.checked = false;
        this.onHeat(box.checked ? heat : null);
      };
      this.heats.push(box);
      label.prepend(box);
      list.append(label);
    });
    return list;
  }

  clearHeat() {
    for (const box of this.heats) box.checked = false;
  }

  showAlbums(albums) {
    const boxes = albums.map((album) => {
      const label = make("label", "switch", album.name), box = make("input", "");
      Object.assign(box, { type: "checkbox", checked: album.has });
      box.onchange = () => this.onAlbum(album.name, box.checked);
      label.prepend(box);
      return label;
    });
    const form = make("form", "new-album"), name = make("input", ""), button = make("button", "", "Add");
    Object.assign(name, { type: "text", maxLength: 100, placeholder: "New album", ariaLabel: "New album", required: true });
    form.append(name, button);
    form.onsubmit = (event) => {
      event.preventDefault();
      if (name.value.trim()) this.onAlbum(name.value.trim().replace(/\s+/g, " "), true);
    };
    this.albums.replaceChildren(...boxes, form);
  }

  makePath(path) {
    const row = make("div", "path");
    const copy = this.makeAction("Copy path", async () => {
      await navigator.clipboard.writeText(path);
      copy.textContent = "Copied";
    });
    row.append(make("code", "", path), copy);
    return row;
  }

  makeMap({ map, map_link: link }) {
    const place = make("a", "map-link"), image = make("img", "");
    Object.assign(image, { alt: "Map of the place", src: `data:image/svg+xml,${encodeURIComponent(map)}` });
    Object.assign(place, { href: link, target: "_blank", rel: "noreferrer" });
    place.append(image, make("span", "", "Open in OpenStreetMap"));
    return place;
  }

  makeAction(text, onClick) {
    const button = make("button", "action", text);
    Object.assign(button, { type: "button", onclick: onClick });
    return button;
  }
}
