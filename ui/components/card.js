// The card of one picture in the grid: its thumbnail with boxes, a caption, and a button that ticks it.

import { make, makeBars, makeBoxes, makeIcon } from "./nodes.js";
import { pageAddress, pictureUrl } from "./requests.js";

const LARGE = 420; // screen pixels of the longer side, above which the larger thumbnail is shown
const PRESS_MS = 500; // a long touch
export const isTouch = matchMedia("(hover: none)").matches;

// card: undefined if it is not loaded yet. place: id, index, n (null: not known), width, height, isCurrent, isSelected.
// shown: whether boxes and names are shown. onOpen gets the event, onTick whether all up to the last ticked one are
// meant.
export function makeCard(card, place, shown, { onOpen, onTick }) {
  const { id, index, n, width, height, isCurrent, isSelected } = place, node = make("div", "card");
  node.dataset.id = id;
  node.setAttribute("role", "listitem");
  node.setAttribute("aria-posinset", index + 1);
  node.setAttribute("aria-setsize", n ?? -1);
  const link = make("a", "open");
  Object.assign(link, { href: pageAddress(id), tabIndex: isCurrent ? 0 : -1, draggable: false });
  node.append(link);
  if (!card) {
    node.classList.add("skeleton");
    link.ariaLabel = `Picture ${index + 1}, loading`;
    return node;
  }
  const score = card.score_text && `score ${card.score_text}`;
  link.ariaLabel = [card.alt !== card.name && card.alt, card.name, card.badge, score, card.note].filter(Boolean).join(", ");
  showThumbnail(card, node, link, Math.max(width, height) * window.devicePixelRatio);
  if (shown.boxes && card.parts.length) {
    const boxes = make("div", "boxes");
    boxes.setAttribute("aria-hidden", "true");
    boxes.append(...makeBoxes(card.parts, false));
    link.append(boxes);
  }
  node.append(makeCaption(card), makeTick(card, isSelected, onTick));
  node.classList.toggle("named", shown.names);
  if (card.badge) {
    node.classList.add("marked");
    node.append(make("span", "badge", card.badge));
  }
  node.classList.toggle("selected", isSelected);
  link.onclick = (event) => {
    if (event.ctrlKey || event.metaKey || event.button) return; // another tab
    event.preventDefault();
    onOpen(event);
  };
  if (isTouch) tickByLongPress(link, onTick);
  return node;
}

function showThumbnail(card, node, link, pixels) {
  const image = make("img", "");
  Object.assign(image, { alt: "", draggable: false, decoding: "async" });
  const showMissing = () => {
    node.classList.add("gone");
    link.replaceChildren(make("span", "", "Deleted or changed since it was indexed"));
  };
  image.onerror = () => { if (image.hasAttribute("src")) showMissing(); };
  if (card.is_missing) {
    showMissing();
  } else {
    image.src = pictureUrl(card, "thumbnail", pixels > LARGE ? { side: 640 } : {});
    link.append(image);
  }
}

function makeCaption(card) {
  const caption = make("div", "caption"), line = make("div", "line");
  caption.setAttribute("aria-hidden", "true");
  line.append(make("span", "name", card.name), make("span", "score", card.score_text));
  caption.append(line);
  if (card.note && (!card.score_text || !card.parts.length)) caption.append(make("div", "note", card.note));
  if (card.score_text) caption.append(...makeBars(card.parts));
  return caption;
}

function makeTick(card, isSelected, onTick) {
  const tick = make("button", "tick");
  Object.assign(tick, { type: "button", tabIndex: -1, title: "Select", ariaLabel: `Select ${card.name}` });
  tick.setAttribute("aria-pressed", String(isSelected));
  tick.append(makeIcon("tick"));
  tick.onclick = (event) => onTick(event.shiftKey);
  return tick;
}

function tickByLongPress(link, onTick) {
  let timer = null;
  const stop = () => clearTimeout(timer);
  link.addEventListener("touchstart", () => {
    timer = setTimeout(() => { timer = null; onTick(false); navigator.vibrate?.(20); }, PRESS_MS);
  }, { passive: true });
  for (const name of ["touchmove", "touchcancel"]) link.addEventListener(name, stop, { passive: true });
  link.addEventListener("touchend", (event) => {
    if (timer === null) event.preventDefault(); // it was long: no click
    stop();
  });
  link.oncontextmenu = (event) => event.preventDefault();
}
