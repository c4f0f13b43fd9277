// A grid of cards. Untrusted text is inserted as textContent, never as HTML.

function makeBoxes(parts) {
  const boxes = make("div", "boxes");
  boxes.setAttribute("aria-hidden", "true");
  for (const part of parts) {
    if (!part.box) continue;
    const box = make("div", "box");
    placeBox(box, part.box);
    box.style.borderColor = part.colour;
    boxes.append(box);
  }
  return boxes;
}

function makeBars(parts) {
  const list = make("div", "bars");
  for (const part of parts) {
    const bar = make("div", "bar");
    if (!part.score_text) { // a text in or around the picture
      bar.title = part.text;
      const mark = make("span", "mark");
      mark.style.background = part.colour;
      bar.append(mark, make("span", "words", part.text));
      list.append(bar);
      continue;
    }
    bar.title = `${part.text}: ${part.score_text}`;
    const track = make("span", "track");
    const length = make("span", "length");
    Object.assign(length.style, { width: `${100 * part.score}%`, background: part.colour });
    track.append(length);
    bar.append(make("span", "text", part.text), track, make("span", "value", part.score_text));
    list.append(bar);
  }
  return list;
}

function makeThumbnail(card, showBoxes) {
  const frame = make("div", "frame");
  if (!card.thumbnail) {
    frame.classList.add("gone");
    frame.append(make("span", "", "Deleted or changed since it was indexed"));
    return frame;
  }
  const held = make("div", "held");
  held.style.aspectRatio = `${card.width} / ${card.height}`;
  if (card.width < card.height) held.classList.add("tall");
  const image = make("img", "");
  Object.assign(image, { src: card.thumbnail, alt: card.alt, draggable: false });
  held.append(image);
  if (showBoxes) held.append(makeBoxes(card.parts));
  frame.append(held);
  return frame;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const grid = parentElement.querySelector(".grid");
  const focused = grid.getRootNode().activeElement?.closest(".card")?.dataset.id;
  const selected = new Set(data.selected);
  const open = (card) => setTriggerValue("open", card.id);

  const tick = (node, card) => {
    if (selected.has(card.id)) selected.delete(card.id);
    else selected.add(card.id);
    show(node, card);
    setTriggerValue("selected", [...selected]);
  };
  const show = (node, card) => {
    node.classList.toggle("selected", selected.has(card.id));
    node.querySelector(".tick").setAttribute("aria-pressed", String(selected.has(card.id)));
  };

  const nodes = data.cards.map((card, i) => {
    const node = make("div", "card");
    node.tabIndex = i ? -1 : 0;
    node.dataset.id = card.id;
    node.setAttribute("role", "listitem");
    node.setAttribute("aria-label", [card.name, card.score_text && `score ${card.score_text}`, card.note].filter(Boolean).join(", "));
    const box = make("button", "tick", "✓");
    Object.assign(box, { type: "button", tabIndex: -1, title: "Select" });
    box.setAttribute("aria-label", `Select ${card.name}`);
    box.onclick = (event) => { event.stopPropagation(); tick(node, card); };
    const similar = make("button", "similar", "More like this");
    Object.assign(similar, { type: "button", tabIndex: -1 });
    similar.onclick = (event) => { event.stopPropagation(); setTriggerValue("similar", card.id); };
    const line = make("div", "line");
    const score = make("span", "score", card.score_text);
    score.title = "Match score: higher is better. Not a probability.";
    line.append(make("span", "name", card.name), score);
    node.append(makeThumbnail(card, data.boxes), box, similar, line);
    if (card.note) node.append(make("div", "note", card.note));
    if (data.boxes && card.parts.length) node.append(makeBars(card.parts));
    node.onclick = () => open(card);
    show(node, card);
    return node;
  });

  const columns = () => {
    const top = nodes[0]?.offsetTop;
    const next = nodes.findIndex((node) => node.offsetTop !== top);
    return next < 0 ? nodes.length : next;
  };
  grid.onkeydown = (event) => {
    const at = nodes.findIndex((node) => node.contains(event.target));
    if (at < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns(), ArrowDown: columns() }[event.key];
    if (step) {
      const goal = nodes[at + step];
      if (goal) {
        nodes[at].tabIndex = -1;
        goal.tabIndex = 0;
        goal.focus();
      }
    } else if (event.target !== nodes[at]) return;
    else if (event.key === "Enter") open(data.cards[at]);
    else if (event.key === " ") tick(nodes[at], data.cards[at]);
    else return;
    event.preventDefault();
  };
  grid.replaceChildren(...nodes);
  const restored = nodes.find((node) => node.dataset.id === focused);
  if (restored) {
    nodes[0].tabIndex = -1;
    restored.tabIndex = 0;
    restored.focus({ preventScroll: true });
  }
}
