// What the pieces share; it is put before each of them.

function make(kind, name, text) {
  const node = document.createElement(kind);
  node.className = name;
  if (text) node.textContent = text;
  return node;
}

// A box is left, top, right, bottom in 0..1 of what it lies on.
function placeBox(node, [left, top, right, bottom]) {
  Object.assign(node.style, {
    left: `${100 * left}%`, top: `${100 * top}%`, width: `${100 * (right - left)}%`, height: `${100 * (bottom - top)}%`,
  });
}

// A piece is drawn anew again and again, and is told of its end only once: what one drawing has set up is undone by
// the next one, or by the end.
const endings = new WeakMap();

function redrawn(place, end) {
  endings.get(place)?.();
  endings.set(place, end);
  return () => endings.get(place)?.();
}
