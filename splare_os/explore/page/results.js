// Rankings side by side, and why each hit is one.

import { chip, isolated, make, marked, openSheet, byId, copy, percent, redraw } from "./dom.js";
import { SYSTEMS } from "./state.js";

const CHIPS = 5;

/** Draw the columns of a search; returns where each document's reasons go, by id. */
export function drawColumns(place, columns, app) {
  const reasons = new Map();
  const ranks = {};
  for (const [system, column] of Object.entries(columns)) {
    ranks[system] = new Map(column.hits.map((hit, at) => [hit.id, at + 1]));
  }
  const system = document.activeElement?.closest("[data-system]")?.dataset.system;
  place.dataset.show = app.state.show;
  const drawn = Object.entries(columns).map(([name, column]) => drawColumn(name, column, ranks, reasons, app));
  redraw(place, drawn, () => place.querySelector(`[data-system="${system}"]`));
  return reasons;
}

function drawColumn(system, column, ranks, reasons, app) {
  const hits = column.hits.map((hit, at) => drawHit(hit, at + 1, system, ranks, reasons, app));
  const name = SYSTEMS[system];
  const steered = app.state.steer.size + app.state.like.length + app.state.unlike.length > 0;
  return make("section", { class: "column", "data-system": system, "aria-label": `Hits by ${name}`, tabindex: "-1" },
    make("header", {}, make("h2", {}, name), make("span", { class: "quiet" }, `${column.took_ms} ms`),
      column.requests.length ? make("button", {
        type: "button", class: "plain", "aria-label": `Request for ${name}`, "data-key": `${system} request`,
        click: () => showRequests(name, column.requests),
      }, "Request") : null),
    system === "bm25" && steered ? make("p", { class: "quiet small" }, "Words alone: nothing steers this ranking.") : null,
    hits.length ? make("ol", {}, ...hits) : make("p", { class: "quiet hit" }, "No hits."));
}

function drawHit(hit, rank, system, ranks, reasons, app) {
  const why = make("div", { class: "why" }, ...drawFragments(hit.fragments));
  if (!reasons.has(hit.id)) reasons.set(hit.id, []);
  reasons.get(hit.id).push({ why, system });
  const others = Object.keys(ranks).filter((other) => other !== system).map((other) => {
    const place = ranks[other].get(hit.id);
    return make("span", {}, `${SYSTEMS[other]} ${place || "–"}`);
  });
  const act = (text, pressed, does) => make("button", {
    type: "button", class: "plain", "aria-label": `${text}: ${hit.title || hit.id}`, "data-key": `${system} ${text} ${hit.id}`,
    "aria-pressed": pressed === null ? undefined : String(pressed), click: does,
  }, text);
  return make("li", { class: "hit" },
    make("div", { class: "head" }, make("span", { class: "rank" }, rank),
      make("h3", { dir: "auto" }, make("button", { type: "button", class: "title", "data-key": `${system} read ${hit.id}`, click: () => app.read(hit.id) }, hit.title || hit.id))),
    make("div", { class: "meta" }, make("span", {}, `score ${hit.score.toPrecision(3)}`), make("bdi", {}, hit.id), ...others),
    why,
    make("div", { class: "acts" },
      act("More like this", app.state.like.includes(hit.id), () => app.like(hit.id, "like")),
      act("Less like this", app.state.unlike.includes(hit.id), () => app.like(hit.id, "unlike")),
      act(app.picked === hit.id ? "Compare with …" : "Compare", null, () => app.pick(hit.id))));
}

function drawFragments(fragments) {
  return fragments.map((pieces) => make("p", { class: "fragment", dir: "auto" }, ...marked(pieces)));
}

/** Put reasons beside the hits of these ids: passages that matched, and latents with shares. */
export function drawReasons(reasons, ids, documents, app) {
  for (const id of ids) {
    const found = Object.hasOwn(documents, id) ? documents[id] : null;
    for (const { why, system } of reasons.get(id)) {
      const isMarked = found?.fragments.length && system !== "bm25";
      const fragments = isMarked ? drawFragments(found.fragments) : why.querySelectorAll(".fragment");
      const chips = found ? drawChips(found, app) : make("p", { class: "quiet small no-chips" }, "Shares no latent with the query.");
      redraw(why, [...fragments, chips], () => why.closest(".hit").querySelector(".title"));
    }
  }
}

function drawChips(found, app) {
  const shown = found.matches.slice(0, CHIPS);
  const left = found.n_matches - shown.length;
  const held = shown.reduce((sum, one) => sum + one.share, 0);
  return make("ul", { class: "chips", "aria-label": "Latents shared with the query, with shares of the score" },
    ...shown.map((one) => {
      app.know(one);
      const word = one.query_text && one.document_text && one.query_text.toLowerCase() !== one.document_text.toLowerCase()
        ? `${isolated(one.query_text)} → ${isolated(one.document_text)}` : isolated(one.document_text || one.query_text);
      return make("li", {}, chip(one, { word, share: one.share, open: app.openCard }));
    }),
    left > 0 ? make("li", { class: "quiet small" }, `and ${left} more, ${percent(Math.max(0, 1 - held))}`) : null);
}

/** Show requests as curl sends them. */
export function showRequests(name, requests) {
  const blocks = requests.flatMap((text, at) => {
    const button = make("button", { type: "button", click: () => copy(text, button) }, "Copy");
    const title = requests.length > 1 ? `Request ${at + 1} of ${requests.length}` : "Request";
    return [make("h3", {}, title, " "), make("p", {}, button), make("pre", { tabindex: "0", "aria-label": title }, text)];
  });
  openSheet(byId("requests"), `What was sent for ${name}`,
    make("p", { class: "quiet" }, "As curl sends it; credentials are left out."), ...blocks);
}
