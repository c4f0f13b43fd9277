// The search box of the page, which is Streamlit's: `/` goes to it, and it offers recent searches and names.

import { make, replaceCleanup } from "./nodes.js";
import { admit, getJson } from "./requests.js";

const RECENT = "cosmos-search recent searches"; // in the browser's storage
const N_RECENT = 12;
const LIST = "cosmos-search-suggestions";

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

export default function ({ data, parentElement }) {
  admit(data.ticket);
  let suggestions = null;
  const onKey = (event) => {
    const at = event.composedPath()[0], box = findBox();
    if (at === box && event.key === "Enter") addRecent(box.value.trim());
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || at.matches?.("input, textarea, [contenteditable]")) return;
    if (!box || document.querySelector("dialog:modal")) return;
    event.preventDefault();
    box.focus();
    box.select();
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
  document.addEventListener("focusin", onFocus);
  return replaceCleanup(parentElement, () => {
    document.removeEventListener("keydown", onKey, true);
    document.removeEventListener("focusin", onFocus);
  });
}
