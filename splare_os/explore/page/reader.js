// A document to be read, in parts if it is long, with what matched marked.

import { ask } from "./api.js";
import { byId, make, marked, openSheet } from "./dom.js";
import { question } from "./state.js";

/** Draw and open a document. */
export function drawDocument(found, app) {
  const text = make("div", { class: "reading", dir: "auto", tabindex: "-1" }, ...marked(found.pieces));
  const more = make("button", { type: "button", click: () => readOn(found, text, more, app) }, "Read on");
  more.hidden = found.next === null;
  const names = Object.keys(found.fields);
  openSheet(byId("reader"), found.title || found.id,
    make("p", { class: "quiet small" }, make("bdi", {}, found.id), ` · ${found.n_characters.toLocaleString("en")} characters`,
      app.state.query && !found.has_places ? " · it is not known where in this text its latents come from, or it shares none" : ""),
    text, make("p", {}, more),
    names.length ? make("h3", {}, "Other fields") : null,
    names.length ? make("dl", { class: "fields" }, ...names.flatMap((name) => [make("dt", {}, name), make("dd", { dir: "auto" }, found.fields[name])])) : null);
}

async function readOn(found, text, button, app) {
  if (found.isComing) return;
  found.isComing = true;
  try {
    const part = await ask("document", { ...question(app.state), id: found.id, start: found.next });
    text.append(...marked(part.pieces));
    found.next = part.next;
    if (part.next === null) text.focus({ preventScroll: true }); // a button that is hidden has it no more
    button.hidden = part.next === null;
  } catch (error) {
    button.after(make("p", { class: "problem", role: "alert" }, error.message));
  }
  found.isComing = false;
}
