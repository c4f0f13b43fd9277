// A map of pictures: dots everywhere, thumbnails where there is room, names of the places. Wheel and drag move about.

const NAME = 26; // pixels of a name's height

// One for each mounted map: where the visitor has moved it survives a redraw.
const seats = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  const map = parentElement.querySelector(".map");
  const seat = seats.get(map) ?? { zoom: 1, x: 0.5, y: 0.5 };
  seats.set(map, seat);
  const side = data.sights.length < 60 ? 92 : 64; // pixels of a thumbnail
  const margin = side / 2 + 10; // at the edges
  map.style.setProperty("--side", `${side}px`);

  const dots = make("canvas", "dots");
  const thumbs = data.sights.map((sight) => {
    const node = make("button", "thumb");
    node.type = "button";
    node.title = sight.alt;
    const image = make("img", "");
    Object.assign(image, { src: sight.thumbnail, alt: sight.alt, draggable: false });
    node.append(image);
    node.onclick = () => setTriggerValue("opened", sight.id);
    return node;
  });
  const names = data.places.map((place, i) => {
    const node = make("button", "place", `${place.name} ${place.n}`.trim());
    node.type = "button";
    node.style.borderColor = place.colour;
    node.onclick = () => setTriggerValue("chosen", i);
    return node;
  });
  const closer = make("button", "zoom closer", "+");
  const farther = make("button", "zoom farther", "−");
  Object.assign(closer, { type: "button", ariaLabel: "Closer" });
  Object.assign(farther, { type: "button", ariaLabel: "Farther" });
  map.replaceChildren(dots, ...thumbs, ...names, closer, farther);

  const at = ({ x, y }) => {
    const width = map.clientWidth - 2 * margin, height = map.clientHeight - 2 * margin;
    return [
      margin + width * (0.5 + (x - seat.x) * seat.zoom),
      margin + height * (0.5 + (y - seat.y) * seat.zoom),
    ];
  };
  const isInside = ([x, y], edge) => x > -edge && y > -edge && x < map.clientWidth + edge && y < map.clientHeight + edge;
  const put = (node, [x, y]) => { node.style.transform = `translate(${x}px, ${y}px) translate(-50%, -50%)`; };

  const paintDots = () => {
    const scale = window.devicePixelRatio || 1;
    Object.assign(dots, { width: map.clientWidth * scale, height: map.clientHeight * scale });
    const pen = dots.getContext("2d");
    pen.scale(scale, scale);
    for (const point of data.points) {
      const [x, y] = at(point);
      pen.fillStyle = data.places[point.cluster]?.colour ?? "#888";
      pen.beginPath();
      pen.arc(x, y, 3, 0, 7);
      pen.fill();
    }
  };
  // Each takes its room in the order given, so that the first of a place stays while one moves closer.
  const placeThumbs = () => {
    const taken = [];
    data.sights.forEach((sight, i) => {
      const [x, y] = at(sight);
      const isFree = isInside([x, y], 0)
        && taken.every(([tx, ty]) => Math.abs(x - tx) >= side + 4 || Math.abs(y - ty) >= side + 4);
      thumbs[i].hidden = !isFree;
      if (!isFree) return;
      taken.push([x, y]);
      put(thumbs[i], [x, y]);
    });
    return taken;
  };
  // Below their thumbnails, where these are shown, and never cut by the edge.
  const placeNames = (shown) => {
    const taken = [];
    data.places.forEach((place, i) => {
      const width = names[i].offsetWidth;
      const [left, top] = at(place);
      const x = Math.min(map.clientWidth - width / 2 - 4, Math.max(width / 2 + 4, left));
      const isBelow = shown.some(([sx, sy]) => sx === left && sy === top);
      const y = Math.min(map.clientHeight - NAME, top + (isBelow ? side / 2 : 0));
      const isFree = isInside([left, top], 0)
        && taken.every(([tx, ty, tw]) => Math.abs(x - tx) >= (tw + width) / 2 || Math.abs(y - ty) >= NAME);
      names[i].style.visibility = isFree ? "visible" : "hidden";
      if (!isFree) return;
      put(names[i], [x, y]);
      taken.push([x, y, width]);
    });
  };
  const draw = () => {
    paintDots();
    placeNames(placeThumbs());
  };

  const move = (dx, dy) => {
    seat.x = Math.min(1, Math.max(0, seat.x - dx / (seat.zoom * (map.clientWidth - 2 * margin))));
    seat.y = Math.min(1, Math.max(0, seat.y - dy / (seat.zoom * (map.clientHeight - 2 * margin))));
    draw();
  };
  const zoomBy = (factor, x, y) => {
    const before = seat.zoom;
    seat.zoom = Math.min(40, Math.max(1, seat.zoom * factor));
    const gain = 1 / before - 1 / seat.zoom; // what lies under the mouse stays there
    seat.x += ((x - margin) / (map.clientWidth - 2 * margin) - 0.5) * gain;
    seat.y += ((y - margin) / (map.clientHeight - 2 * margin) - 0.5) * gain;
    if (seat.zoom === 1) Object.assign(seat, { x: 0.5, y: 0.5 });
    move(0, 0);
  };
  map.onwheel = (event) => {
    event.preventDefault();
    const box = map.getBoundingClientRect();
    zoomBy(Math.exp(-event.deltaY / 400), event.clientX - box.left, event.clientY - box.top);
  };
  const zoomAtMiddle = (factor) => zoomBy(factor, map.clientWidth / 2, map.clientHeight / 2);
  closer.onclick = () => zoomAtMiddle(1.5);
  farther.onclick = () => zoomAtMiddle(1 / 1.5);
  let held = null;
  map.onpointerdown = (event) => { held = event.target.closest("button") ? null : [event.clientX, event.clientY]; };
  map.onpointermove = (event) => {
    if (!held || !event.buttons) return;
    move(event.clientX - held[0], event.clientY - held[1]);
    held = [event.clientX, event.clientY];
  };
  map.onpointerup = () => { held = null; };
  map.onkeydown = (event) => {
    const step = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] }[event.key];
    if (step) move(...step);
    else if (event.key === "+" || event.key === "-") {
      zoomAtMiddle(event.key === "+" ? 1.5 : 1 / 1.5);
    } else return;
    event.preventDefault();
  };

  const watcher = new ResizeObserver(draw);
  watcher.observe(map);
  draw();
  return redrawn(map, () => watcher.disconnect());
}
