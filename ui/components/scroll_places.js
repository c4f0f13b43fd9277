// Where each list of pictures was left, for a visitor who goes back to it or loads the page again.

const KEY = "cosmos-search places of lists"; // in the session's storage
const MAX_LISTS = 50;
const places = new Map(JSON.parse(sessionStorage.getItem(KEY) ?? "[]")); // by the address of the page, latest last
let isBack = ["reload", "back_forward"].includes(performance.getEntriesByType("navigation")[0]?.type);

window.addEventListener("popstate", () => { isBack = true; }, { capture: true }); // also while no grid is shown
window.addEventListener("pagehide", () => sessionStorage.setItem(KEY, JSON.stringify([...places].slice(-MAX_LISTS))));

export function keepPlace(page, place) {
  places.delete(page);
  places.set(page, place);
}

// The place at which a list was left, once after the visitor went back; null otherwise.
export function takePlace(page) {
  const wasBack = isBack;
  forgetBack();
  return (wasBack && places.get(page)) || null;
}

// To be called when going back changed nothing but the open picture.
export function forgetBack() {
  isBack = false;
}
