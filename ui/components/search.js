// The search box of the page, which is Streamlit's: `/` goes to it, and it offers recent searches and names.

import { make } from "./nodes.js";
import { admit, getJson } from "./requests.js";

const RECENT = "cosmos-search recent searches"; // in the browser's storage
const N_RECENT = 12;
const LIST = "cosmos-search-suggestions";

// Streamlit renders a component many times but calls its cleanup function only once, when it is removed.
// So each rendering runs the cleanup of the one before.
const cleanups = new WeakMap();

function replaceCleanup(element, cleanup) {
  cleanups.get(element)?.();
  cleanups.set(element, cleanup);
  return () => cleanups.get(element)?.();
}

const findBox = () => document.querySelector('input[aria-label="Search"]');

function readRecent() {
  try {
    const found = JSON.parse(localStorage.getItem(RECENT));
    return Array.isArray(found) ? found.filter((text) => typeof text === "string") : [];
  } catch {
    return []; // the storage is blocked
  }
}

function addRecent(text) {
  if (!text) return;
  const texts = [text, ...readRecent().filter((other) => other !== text)].slice(0, N_RECENT);
  try { localStorage.setItem(RECENT, JSON.stringify(texts)); } catch { /* the storage is blocked or full */ }
}

function showOptions(suggestions) {
  let list = document.getElementById(LIST);
  if (!list) {
    list = make("datalist", "");
    list.id = LIST;
    document.body.append(list);
  }
  const recent = readRecent(), seen = new Set(recent);
  const options = [...recent.map((text) => [text, "recent"]), ...suggestions.filter(([text]) => !seen.has(text))];
  list.replaceChildren(...options.map(([text, kind]) => {
    const option = make("option", "");
    Object.assign(option, { value: text, label: kind });
    return option;
  }));
}

// As if it was typed, so that React takes it over.
function setText(box, text) {
  Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(box, text);
  box.dispatchEvent(new Event("input", { bubbles: true }));
}

export default function ({ data, parentElement, setTriggerValue }) {
  admit(data.ticket);
  // Streamlit makes the scrolled area a stop of the Tab key. Without it the search box comes first after the link that
  // skips to this area, which still takes the focus from there.
  document.querySelector('[data-testid="stMain"]')?.setAttribute("tabindex", "-1");
  let suggestions = null;
  // A name that stands for filters sets them, and the search stays. Returns true if the box has one.
  const setFilters = (box) => {
    const found = (suggestions ?? []).find(([text, , changes]) => text === box.value.trim() && Object.keys(changes).length);
    if (!found) return false;
    setText(box, data.query);
    setTriggerValue("filter", found[2]);
    return true;
  };
  const onKey = (event) => {
    const at = event.composedPath()[0], box = findBox();
    if (at === box && event.key === "Enter") {
      if (!setFilters(box)) return addRecent(box.value.trim());
      event.preventDefault();
      event.stopPropagation();
    }
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || at.matches?.("input, textarea, [contenteditable]")) return;
    if (!box || document.querySelector("dialog:modal")) return;
    event.preventDefault();
    box.focus();
    box.select();
  };
  // Browsers send this event when an option of the list is chosen.
  const onInput = (event) => {
    const isChosen = !event.inputType || event.inputType === "insertReplacementText";
    if (event.isTrusted && isChosen && event.target === findBox()) setFilters(event.target);
  };
  const onFocus = async (event) => {
    if (event.target !== findBox()) return;
    event.target.setAttribute("list", LIST);
    showOptions(suggestions ?? []);
    if (suggestions) return;
    suggestions = await getJson("suggestions", "").catch(() => []); // the box works without them
    showOptions(suggestions);
  };
  document.addEventListener("keydown", onKey, true);
  document.addEventListener("input", onInput);
  document.addEventListener("focusin", onFocus);
  return replaceCleanup(parentElement, () => {
    document.removeEventListener("keydown", onKey, true);
    document.removeEventListener("input", onInput);
    document.removeEventListener("focusin", onFocus);
  });
}
