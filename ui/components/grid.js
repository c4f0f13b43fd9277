// A grid of cards. Nothing that comes from outside is ever read as HTML: text goes in as text.

function outline(parts) {
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

function bars(parts) {
  const list = make("div", "bars");
  for (const part of parts) {
    const bar = make("div", "bar");
    bar.title = `${part.text}: ${part.figure}`;
    const track = make("span", "track");
    const length = make("span", "length");
    Object.assign(length.style, { width: `${100 * part.score}%`, background: part.colour });
    track.append(length);
    bar.append(make("span", "said", part.text), track, make("span", "figure", part.figure));
    list.append(bar);
  }
  return list;
}

function picture(card, where) {
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
  if (where) held.append(outline(card.parts));
  frame.append(held);
  return frame;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const grid = parentElement.querySelector(".grid");
  const focused = grid.getRootNode().activeElement?.closest(".card")?.dataset.id;
  const ticked = new Set(data.ticked);
  const open = (card) => setTriggerValue("opened", card.id);

  const tick = (node, card) => {
    if (ticked.has(card.id)) ticked.delete(card.id);
    else ticked.add(card.id);
    show(node, card);
    setTriggerValue("ticked", [...ticked]);
  };
  const show = (node, card) => {
    node.classList.toggle("ticked", ticked.has(card.id));
    node.querySelector(".tick").setAttribute("aria-pressed", String(ticked.has(card.id)));
  };

  const nodes = data.cards.map((card, i) => {
    const node = make("div", "card");
    node.tabIndex = i ? -1 : 0;
    node.dataset.id = card.id;
    node.setAttribute("role", "listitem");
    node.setAttribute("aria-label", [card.name, card.figure && `score ${card.figure}`, card.note].filter(Boolean).join(", "));
    const box = make("button", "tick", "✓");
    Object.assign(box, { type: "button", tabIndex: -1, title: "Select" });
    box.setAttribute("aria-label", `Select ${card.name}`);
    box.onclick = (event) => { event.stopPropagation(); tick(node, card); };
    const like = make("button", "like", "more like this");
    Object.assign(like, { type: "button", tabIndex: -1 });
    like.onclick = (event) => { event.stopPropagation(); setTriggerValue("liked", card.id); };
    const line = make("div", "line");
    const score = make("span", "score", card.figure);
    score.title = "Score: the higher, the better a match; not a probability";
    line.append(make("span", "name", card.name), score);
    node.append(picture(card, data.where), box, like, line);
    if (card.note) node.append(make("div", "note", card.note));
    if (data.where && card.parts.length) node.append(bars(card.parts));
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
  const kept = nodes.find((node) => node.dataset.id === focused);
  if (kept) {
    nodes[0].tabIndex = -1;
    kept.tabIndex = 0;
    kept.focus({ preventScroll: true });
  }
}
