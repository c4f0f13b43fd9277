// The component of both maps. It keeps its state while Streamlit renders it again with the same data.

import { make } from "./nodes.js";
import { admit, requestPicture } from "./requests.js";
import { SimilarMap } from "./similar_map.js";
import { WorldMap } from "./world_map.js";

const maps = new WeakMap(); // by holder: {map, key}
const views = new Map(); // by key: where a map was when it was left, for a visitor who comes back

export default function ({ data, parentElement, setTriggerValue }) {
  const holder = parentElement.querySelector(".map");
  admit(data.ticket);
  const key = `${data.kind} ${data.version}`;
  let known = maps.get(holder);
  if (known?.key !== key) {
    known?.map.close();
    const send = (name, value) => {
      if (name === "open") requestPicture(value);
      maps.get(holder).send(name, value);
    };
    known = { key, map: data.kind === "world" ? new WorldMap(send) : new SimilarMap(send) };
    maps.set(holder, known);
    const note = make("div", "note", data.note);
    note.setAttribute("role", "status");
    holder.replaceChildren(known.map.node, note);
    const { map } = known;
    map.load(data.version).then(() => {
      note.remove();
      if (views.has(key)) map.plane.goTo(views.get(key));
    }, (error) => {
      note.classList.add("failed");
      note.setAttribute("role", "alert");
      note.textContent = error.message;
    });
  }
  known.send = setTriggerValue;
  holder.classList.toggle("short", data.is_short);
  return () => {
    const { plane } = known.map;
    views.set(known.key, { zoom: plane.zoom, x: plane.x, y: plane.y });
    known.map.close();
    maps.delete(holder);
  };
}
