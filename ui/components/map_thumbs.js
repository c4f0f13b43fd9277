// Thumbnails on a map, by id. Their names and versions are requested once, for several at a time.

import { make } from "./nodes.js";
import { getJson, pictureUrl } from "./requests.js";

const AT_ONCE = 100;

export class Thumbs {
  constructor() {
    this.cards = new Map();
  }

  // Requests what is not known of these pictures.
  async load(ids) {
    const missing = ids.filter((id) => !this.cards.has(id));
    for (let i = 0; i < missing.length; i += AT_ONCE) {
      const chunk = missing.slice(i, i + AT_ONCE);
      const cards = await getJson("map/cards", "", { ids: chunk.join(",") });
      for (const id of chunk) this.cards.set(id, null); // those that are gone stay so
      for (const card of cards) this.cards.set(card.id, card);
    }
  }

  // An image; null if the picture is gone or not known yet.
  makeImage(id) {
    const card = this.cards.get(id);
    if (!card) return null;
    const image = make("img", "");
    Object.assign(image, { src: pictureUrl(card, "thumbnail"), alt: card.name, draggable: false });
    return image;
  }

  makeButton(id, onClick) {
    const image = this.makeImage(id);
    if (!image) return null;
    const button = make("button", "thumb");
    Object.assign(button, { type: "button", title: image.alt, onclick: () => onClick(id) });
    button.append(image);
    return button;
  }
}
