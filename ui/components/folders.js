// A list of folders to open, the path that leads to it, and what the open one holds.

import { make, makeIcon } from "./nodes.js";

export default function ({ data, parentElement, setTriggerValue }) {
  const holder = parentElement.querySelector(".folders");
  const [path, status, list] = holder.children;
  const open = (name, index) => {
    holder.dataset.opening = "yes"; // the focus goes to the folders of the opened one
    setTriggerValue(name, { index, serial: data.serial });
  };
  const makeEntry = (name, label, onClick) => {
    const item = make("li", ""), button = make("button", name, label);
    Object.assign(button, { type: "button", onclick: onClick });
    item.append(button);
    return item;
  };
  path.replaceChildren(...data.crumbs.map((crumb, i) => {
    const item = makeEntry("crumb", crumb, () => open("crumb", i));
    if (i === data.crumbs.length - 1) item.firstChild.setAttribute("aria-current", "true");
    return item;
  }));
  list.replaceChildren(...data.folders.map(({ name, count, is_readable: isReadable }, i) => {
    const item = makeEntry("folder", "", () => open("folder", i)), button = item.firstChild;
    button.disabled = !isReadable;
    button.append(makeIcon("folder"), make("span", "name", name), make("span", "count", count));
    return item;
  }));
  list.hidden = !data.folders.length;
  if (status.textContent !== data.status) status.textContent = data.status; // it is read aloud when it changes
  if (holder.dataset.opening && holder.dataset.serial !== String(data.serial)) {
    delete holder.dataset.opening;
    (list.querySelector("button:enabled") ?? path.querySelector("li:last-child button")).focus();
  }
  holder.dataset.serial = data.serial;
}
