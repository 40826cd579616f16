// Elements made of text alone: whatever a document holds, it is never parsed as markup.

const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g;

/** Return a text whose control characters can be seen, as Unicode's pictures of them. */
export function visible(text) {
  return String(text).replace(CONTROL, (one) =>
    one === "\u007f" ? "\u2421" : String.fromCharCode(0x2400 + one.charCodeAt(0)));
}

/** Return an element; `attributes` that are functions listen, children are elements or texts. */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === "function") element.addEventListener(key, value);
    else if (value === true) element.setAttribute(key, "");
    else element.setAttribute(key, visible(value));
  }
  element.append(...children.filter((one) => one !== null && one !== undefined)
    .map((one) => (one instanceof Node ? one : document.createTextNode(visible(one)))));
  return element;
}

/** Return the pieces of a text, those that matched in `mark`. */
export function marked(pieces) {
  return pieces.map(([text, isMarked]) => (isMarked ? make("mark", {}, text) : document.createTextNode(visible(text))));
}

/** Set how much of a bar is full, from 0 to 1. */
export function fill(element, share) {
  element.style.setProperty("--part", `${Math.round(1000 * Math.min(1, Math.max(0, share))) / 10}%`);
  return element;
}

export const byId = (id) => document.getElementById(id);

export const percent = (share) => `${Math.round(100 * share)} %`;

const RIGHT_TO_LEFT = /[\u0590-\u08ff\u200f\u202a-\u202e\u2066-\u2069\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
const DIRECTIONS = /[\u202a-\u202e\u2066-\u2069]/g;

/** Return a text whose direction is its own: what stands beside it, in one line, stays in its place. */
export function isolated(text) {
  return RIGHT_TO_LEFT.test(text) ? `\u2068${text.replace(DIRECTIONS, "")}\u2069` : text;
}

/** Return what a latent is called: its label, or else its number, with the `isolated` word that it came from. */
export function nameOf(latent, word = "") {
  return latent.label ? isolated(latent.label) : (word ? `“${word}” #${latent.latent}` : `latent ${latent.latent}`);
}

/** Return whether a word says something that a latent's label does not. */
export function isNew(latent, word) {
  return Boolean(latent.label && word) && !latent.label.toLowerCase().includes(word.replace(DIRECTIONS, "").toLowerCase());
}

/** Return a chip that opens a latent's card; `word` is `isolated`, `share` fills it. What does not fit is in its title. */
export function chip(latent, { word = "", share = null, open, note = "" }) {
  const told = share === null ? note : percent(share);
  const text = isNew(latent, word) ? `${word} · ${latent.label}` : nameOf(latent, word);
  const element = make("button", { type: "button", class: "chip", "data-key": `latent ${latent.latent}`, title: `${text} (latent ${latent.latent})`, click: () => open(latent.latent) },
    told ? make("strong", {}, `${told} `) : null, text);
  return share === null ? element : fill(element, share);
}

/** Fill a place anew; the focus stays with what has the same `data-key`, or goes to `otherwise()`. */
export function redraw(place, children, otherwise) {
  const had = place.contains(document.activeElement) ? document.activeElement : null;
  const keys = had ? [had, had.closest(".hit")?.querySelector("[data-key]")].map((one) => one?.dataset.key) : [];
  place.replaceChildren(...children);
  if (!had) return;
  const there = new Map([...place.querySelectorAll("[data-key]")].map((one) => [one.dataset.key, one]));
  (keys.map((key) => there.get(key)).find(Boolean) || otherwise()).focus();
}

/** Fill a dialog that stands at the side, and open it. */
export function openSheet(dialog, title, ...children) {
  const close = make("button", { type: "button", click: () => dialog.close() }, "Close");
  const shown = children.filter((one) => one !== null);
  dialog.replaceChildren(make("header", {}, make("h2", { id: `${dialog.id}-title`, dir: "auto" }, title), close), ...shown);
  if (dialog.open) close.focus(); // what had it is gone
  else dialog.showModal();
  dialog.scrollTop = 0;
}

/** Copy a text, and say so in the button for a while. */
export async function copy(text, button) {
  button.dataset.text ??= button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Copying is not allowed here";
  }
  setTimeout(() => { button.textContent = button.dataset.text; }, 1600);
}
