// Two queries or two documents: the latents of both, and those of one alone.

import { ask } from "./api.js";
import { byId, chip, fill, isolated, make } from "./dom.js";

/** Ask for a comparison and draw it. */
export async function drawComparison(app) {
  const { kind, a, b } = app.state;
  const isStill = () => kind === app.state.kind && a === app.state.a && b === app.state.b;
  if (a) byId("side-a").value = a; // what is typed before the page is drawn stays
  if (b) byId("side-b").value = b;
  document.querySelector(`#compare-form input[value="${kind}"]`).checked = true;
  byId("compare-problem").hidden = true;
  byId("compare-status").textContent = a && b ? "Comparing …" : "";
  if (!a || !b) return byId("compared").replaceChildren();
  try {
    const found = await ask("compare", { kind, a, b });
    const searches = kind === "queries" ? await Promise.all([a, b].map((query) => ask("search", { query, systems: ["latents"] }))) : [];
    if (!isStill()) return undefined; // others are compared by now
    byId("compare-status").textContent = `${found.counts.shared} latents in both, ${found.counts.only_a} in A alone, ${found.counts.only_b} in B alone; cosine ${found.cosine.toFixed(3)}.`;
    byId("compared").replaceChildren(lists(found, app), ...(searches.length ? [hits(searches, app)] : [documents(app)]));
  } catch (error) {
    if (!isStill()) return undefined;
    byId("compare-status").textContent = "";
    byId("compared").replaceChildren();
    Object.assign(byId("compare-problem"), { textContent: error.message, hidden: false });
  }
  return undefined;
}

function lists(found, app) {
  const list = (title, name, sides) => make("section", { "aria-label": title }, make("h2", {}, `${title} (${found.counts[name]})`),
    found[name].length ? make("ul", {}, ...found[name].map((one) => entry(one, sides, app))) : make("p", { class: "quiet" }, "None."),
    found[name].length < found.counts[name] ? make("p", { class: "quiet small" }, `and ${found.counts[name] - found[name].length} lighter ones`) : null);
  return make("div", { class: "lists" }, list("Only in A", "only_a", ["a"]), list("In both", "shared", ["a", "b"]), list("Only in B", "only_b", ["b"]));
}

function entry(one, sides, app) {
  app.know(one);
  const words = [...new Set(sides.map((side) => one[`word_${side}`]).filter(Boolean))].map(isolated).join(" ↔ ");
  return make("li", { class: "compared" }, chip(one, { word: words, open: app.openCard }),
    ...sides.map((side) => make("div", { class: "side" }, make("span", { class: "quiet small", "aria-hidden": "true" }, side.toUpperCase()),
      fill(make("div", { class: "share", role: "img", "aria-label": `${side.toUpperCase()}: ${Math.round(100 * one[side])} % of its heaviest latent` }), one[side]))));
}

function hits(searches, app) {
  const ids = searches.map((one) => new Set(one.columns.latents.hits.map((hit) => hit.id)));
  const column = (name, at) => make("section", { class: "column", "aria-label": `Hits of ${name}` },
    make("header", {}, make("h2", {}, `Hits of ${name}, by latents`)),
    make("ol", {}, ...searches[at].columns.latents.hits.map((hit, rank) => make("li", { class: "hit" },
      make("div", { class: "head" }, make("span", { class: "rank" }, rank + 1),
        make("button", { type: "button", class: "title", click: () => app.read(hit.id) }, make("bdi", {}, hit.title || hit.id))),
      make("div", { class: "meta" }, make("span", {}, `score ${hit.score.toPrecision(3)}`), make("bdi", {}, hit.id),
        ids[1 - at].has(hit.id) ? make("span", {}, "in both") : null)))));
  return make("div", { class: "columns two" }, column("A", 0), column("B", 1));
}

function documents(app) {
  const read = (name, id) => make("button", { type: "button", click: () => app.read(id) }, `Read ${name}`);
  return make("p", {}, read("A", app.state.a), " ", read("B", app.state.b));
}
