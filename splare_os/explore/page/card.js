// The card of a latent: what it stands for in this index.

import { byId, chip, isolated, make, marked, nameOf, openSheet, percent } from "./dom.js";

/** Draw and open the card. */
export function drawCard(card, app) {
  app.know(card);
  card.neighbours.forEach(app.know);
  const word = card.trigger_words[0] || "";
  const share = card.documents ? card.document_frequency / card.documents : 0;
  const rare = share >= 0.01 || share === 0 ? percent(share) : `${(100 * share).toFixed(2)} %`;
  openSheet(byId("card"), nameOf(card, isolated(word)),
    make("p", { class: "quiet" }, `Latent ${card.latent}, in ${card.document_frequency.toLocaleString("en")} of ${card.documents.toLocaleString("en")} documents (${rare}).`),
    steering(card, app),
    ...part("Words that trigger it", card.trigger_words.length ? make("p", {}, card.trigger_words.map(isolated).join(", ")) : null),
    ...part("Characteristic words of its documents", card.words.length ? make("p", {}, card.words.map(isolated).join(", ")) : null),
    ...part("Documents in which it is heaviest", card.top.length ? make("ol", {}, ...card.top.map((one) => topDocument(one, app))) : null),
    ...part("Seen with", card.neighbours.length ? make("ul", { class: "chips" }, ...card.neighbours.map((one) =>
      make("li", {}, chip(one, { share: one.share, open: app.openCard })))) : null),
    card.neighbours.length ? make("p", { class: "quiet small" }, "Latents that are heavier in its documents than elsewhere, with the share of these documents.") : null);
}

function part(title, content) {
  return content ? [make("h3", {}, title), content] : [];
}

function steering(card, app) {
  const act = (text, change) => make("button", { type: "button", click: () => { byId("card").close(); app.steer(card.latent, change); } }, text);
  const isInQuery = app.latents.some((one) => one.latent === card.latent);
  return make("div", { class: "row" },
    isInQuery ? act("Boost ×2", { kind: "boost", amount: 2 }) : act("Add to the query", { kind: "add", amount: 1 }),
    isInQuery ? act("Mute", { kind: "mute", amount: 0 }) : null,
    app.state.steer.has(card.latent) ? act("As it was", null) : null);
}

function topDocument(one, app) {
  return make("li", { class: "top-document" },
    make("button", { type: "button", class: "plain", click: () => app.read(one.id) }, make("bdi", {}, one.title || one.id)),
    make("span", { class: "quiet small" }, ` impact ${one.impact.toPrecision(3)}`),
    ...one.fragments.map((pieces) => make("p", { class: "fragment", dir: "auto" }, ...marked(pieces))));
}
