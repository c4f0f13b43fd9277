// Functions shared by all components; this file is prepended to each of them.

function make(kind, name, text) {
  const node = document.createElement(kind);
  node.className = name;
  if (text) node.textContent = text;
  return node;
}

// box: left, top, right, bottom, 0..1 of the parent element.
function placeBox(node, [left, top, right, bottom]) {
  Object.assign(node.style, {
    left: `${100 * left}%`, top: `${100 * top}%`, width: `${100 * (right - left)}%`, height: `${100 * (bottom - top)}%`,
  });
}

// Streamlit renders a component many times but calls its cleanup function only once, when it is removed.
// So each rendering runs the cleanup of the one before.
const cleanups = new WeakMap();

function replaceCleanup(element, cleanup) {
  cleanups.get(element)?.();
  cleanups.set(element, cleanup);
  return () => cleanups.get(element)?.();
}
