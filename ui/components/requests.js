// Requests to the server of the page, and addresses of pictures. Cookies admit to them.

const ROUTES = "page";
const NO_ANSWER = "The server does not answer. Reload the page.";
let ticket = null; // what the cookie has

export function admit(secret) {
  if (!secret || secret === ticket) return;
  ticket = secret;
  document.cookie = `cosmos_search_${location.port}=${secret}; path=/; SameSite=Strict`;
}

function makeUrl(path, parameters) {
  const url = new URL(`${ROUTES}/${path}`, document.baseURI);
  url.search = new URLSearchParams(parameters);
  return url.href;
}

export const pictureUrl = (card, name, more = {}) => makeUrl(`pictures/${card.id}/${name}`, { v: card.version, ...more });

// address: query parameters of a search, as text. Like all requests it throws an Error with a sentence for the visitor.
export async function getJson(path, address, more = {}, signal) {
  const url = makeUrl(path, [...new URLSearchParams(address), ...Object.entries(more)]);
  return (await request(url, { signal })).json();
}

export async function postJson(path, values) {
  const body = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(values) };
  return (await request(makeUrl(path, {}), body)).json();
}

export async function getBlob(url) {
  return (await request(url)).blob();
}

async function request(url, options) {
  const response = await fetch(url, options).catch((error) => {
    throw error.name === "AbortError" ? error : new Error(NO_ANSWER);
  });
  if (response.ok) return response;
  const isJson = response.headers.get("Content-Type") === "application/json";
  throw new Error((isJson && (await response.json()).error) || NO_ANSWER);
}

// The address of this page with a picture open; null: closed.
export function pageAddress(id) {
  const address = new URLSearchParams(location.search);
  address.delete("picture");
  if (id !== null) address.set("picture", id);
  const text = address.toString();
  return location.pathname + (text && `?${text}`);
}

export function pictureInAddress() {
  const id = new URLSearchParams(location.search).get("picture");
  return /^\d{1,15}$/.test(id ?? "") ? Number(id) : null;
}

// The state of a history entry with a picture that a visitor opened: closing the picture goes back to the entry before.
export const OPENED = { cosmosSearch: true };
let requested = null; // a picture that was clicked on a map, until the grid shows it

export function requestPicture(id) { requested = id; }

// Marks the entry of a picture that was clicked on a map.
export function markOpened(id) {
  if (id === requested) history.replaceState(OPENED, "", location.href);
  requested = null;
}
