// Elements that several components make: boxes, bars, icons, buttons.

export function make(kind, name, text) {
  const node = document.createElement(kind);
  node.className = name;
  if (text) node.textContent = text;
  return node;
}

// box: left, top, right, bottom, 0..1 of the parent element.
export function placeBox(node, [left, top, right, bottom]) {
  Object.assign(node.style, {
    left: `${100 * left}%`, top: `${100 * top}%`, width: `${100 * (right - left)}%`, height: `${100 * (bottom - top)}%`,
  });
}

const ICONS = { // strokes in a square of 24
  close: "M5 5 19 19M19 5 5 19", previous: "M15 4 7 12l8 8", next: "m9 4 8 8-8 8", plus: "M12 5v14M5 12h14", minus: "M5 12h14",
  heart: "M12 20.5 4.2 12.6a4.9 4.9 0 0 1 7.8-5.9 4.9 4.9 0 0 1 7.8 5.9Z", download: "M12 3v12M6 10l6 6 6-6M4 21h16",
  info: "M12 11v6M12 7v.4M12 2.5a9.5 9.5 0 1 0 0 19 9.5 9.5 0 0 0 0-19Z", fit: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  boxes: "M4 4h10v10H4ZM10 10h10v10H10Z", similar: "M3 4h12v16H3ZM18 6h3v12h-3", tick: "m5 12 5 5 9-10", copies: "M4 4h12v12H4ZM8 20h12V8",
  folder: "M3 6.5A1.5 1.5 0 0 1 4.5 5h4.6l2.2 2.5h8.2A1.5 1.5 0 0 1 21 9v9a1.5 1.5 0 0 1-1.5 1.5h-15A1.5 1.5 0 0 1 3 18Z",
  part: "M4 8V4h4M11 4h2M16 4h4v4M20 11v2M20 16v4h-4M13 20h-2M8 20H4v-4M4 13v-2",
};

export function makeIcon(name) {
  const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  icon.setAttribute("viewBox", "0 0 24 24");
  icon.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[name]);
  icon.append(path);
  return icon;
}

export function makeButton(name, icon, label, onClick) {
  const button = make("button", name);
  Object.assign(button, { type: "button", title: label, ariaLabel: label, onclick: onClick });
  button.append(makeIcon(icon));
  return button;
}

// The boxes of sentences, without those of whole pictures.
export function makeBoxes(parts, hasLabels) {
  return parts.filter((part) => part.box).map((part) => {
    const box = make("div", "box");
    placeBox(box, part.box);
    box.style.borderColor = part.colour;
    if (hasLabels) {
      const label = make("span", part.is_text ? "label below" : "label", part.text); // which would hide a text
      label.style.background = part.colour;
      box.append(label);
    }
    return box;
  });
}

// The sentences with their scores as bars; texts in or around the picture, which have no scores, with their colour.
export function makeBars(parts) {
  return parts.map((part) => {
    const bar = make("div", "bar");
    if (part.is_text) {
      const mark = make("span", "mark");
      mark.style.background = part.colour;
      bar.append(mark, make("span", "text", part.text));
      return bar;
    }
    const track = make("span", "track");
    const length = make("span", "length");
    Object.assign(length.style, { width: `${100 * part.score}%`, background: part.colour });
    track.append(length);
    bar.append(make("span", "text", part.text), track, make("span", "value", part.score_text));
    return bar;
  });
}
