// The query's latents as sliders, what steers the query as chips, and latents to add.

import { byId, chip, fill, isNew, isolated, make, nameOf, redraw } from "./dom.js";

const FEW = 12;

/** Return what a slider of a latent stands at, and how far it goes. */
function position(change) {
  if (change && change.kind === "add") return { value: change.amount, max: Math.max(5, change.amount), step: 0.25 };
  const value = change ? change.amount : 1;
  return { value, max: Math.max(4, value), step: 0.25 };
}

function told(change) {
  if (!change) return "×1";
  if (change.kind === "mute") return "muted";
  if (change.kind === "unread") return "cannot be read";
  return change.kind === "add" ? `added, ${change.amount}` : `×${change.amount}`;
}

/** The panel of sliders; it is drawn anew only when its latents change, so a drag is never cut. */
export class Sliders {
  constructor(app) {
    this.app = app;
    this.all = false;
    this.drawn = "";
    this.rows = new Map();
    byId("all-latents").addEventListener("click", () => { this.all = !this.all; this.show(this.latents); });
  }

  show(latents) {
    this.latents = latents;
    const { steer } = this.app.state;
    const own = this.all ? latents : latents.slice(0, FEW);
    const known = new Set(own.map((one) => one.latent));
    const more = [...steer.keys()].filter((latent) => Number.isInteger(latent) && !known.has(latent)).map((latent) =>
      latents.find((one) => one.latent === latent) || { latent, share: 0, word: "", ...this.app.known(latent) });
    const shown = [...more, ...own];
    const drawn = JSON.stringify(shown.map((one) => [one.latent, one.label, one.word, one.share, steer.get(one.latent)?.kind === "add"]));
    if (drawn !== this.drawn) this.draw(shown);
    this.drawn = drawn;
    for (const [latent, { input, ...row }] of this.rows) {
      const { value, max, step } = position(steer.get(latent));
      Object.assign(input, { max, step, value });
      this.tell(latent, { input, ...row });
    }
    const button = byId("all-latents");
    button.hidden = latents.length <= FEW;
    byId("unnamed").hidden = latents.some((one) => one.label);
    button.textContent = this.all ? `Show the ${FEW} heaviest` : `Show all ${latents.length}`;
  }

  draw(shown) {
    this.rows = new Map(shown.map((one) => [one.latent, this.row(one)]));
    byId("sliders").replaceChildren(...[...this.rows.values()].map((row) => row.item));
  }

  row(one) {
    const word = isolated(one.word);
    const name = nameOf(one, word);
    const output = make("output", {});
    const input = make("input", {
      type: "range", min: 0, "aria-label": `Weight of ${name}`,
      input: () => this.moved(one.latent, Number(input.value)),
    });
    const share = fill(make("div", { class: "share", title: `${Math.round(100 * one.share)} % of the query's weight` }), one.share * 5);
    const item = make("li", { class: "slider" },
      make("div", { class: "line" },
        make("button", { type: "button", class: "latent", click: () => this.app.openCard(one.latent) },
          name, isNew(one, word) ? make("span", { class: "quiet" }, ` · ${word}`) : null), output),
      share, input);
    return { item, input, output };
  }

  tell(latent, { item, input, output }) {
    const change = this.app.state.steer.get(latent);
    output.textContent = told(change);
    input.setAttribute("aria-valuetext", told(change));
    item.classList.toggle("moved", Boolean(change));
  }

  moved(latent, value) {
    const { steer } = this.app.state;
    const before = steer.get(latent);
    const isAdded = before && before.kind === "add";
    const change = isAdded && value > 0 ? { kind: "add", amount: value }
      : value === 0 && !isAdded ? { kind: "mute", amount: 0 }
        : value === 1 || isAdded ? null : { kind: "boost", amount: value };
    this.app.steer(latent, change, { isDrag: true });
    this.tell(latent, this.rows.get(latent));
  }
}

/** Draw what steers the query; each chip takes its part away. */
export function drawSteered(app) {
  const { steer, like, unlike } = app.state;
  const away = (text, does) => make("li", {}, make("button", { type: "button", "aria-label": `Remove: ${text}`, "data-key": text, click: does },
    make("bdi", {}, text), make("span", { "aria-hidden": "true" }, "×")));
  const called = (latent) => (Number.isInteger(latent) ? nameOf({ latent, ...app.known(latent) }, isolated(app.known(latent).word)) : `“${latent}”`);
  const items = [
    ...[...steer].map(([latent, change]) => away(`${called(latent)} ${told(change)}`, () => app.steer(latent, null))),
    ...like.map((id) => away(`more like ${isolated(app.titles.get(id) || id)}`, () => app.like(id, "like"))),
    ...unlike.map((id) => away(`less like ${isolated(app.titles.get(id) || id)}`, () => app.like(id, "unlike"))),
  ];
  if (items.length > 1) items.push(make("li", {}, make("button", { type: "button", click: () => app.unsteer() }, "Reset all")));
  redraw(byId("steered"), items, () => byId("steered").querySelector("button") || byId("query"));
}

/** Draw latents that may be added. */
export function drawFound(latents, app) {
  byId("add-found").replaceChildren(...latents.map((one) => {
    app.know(one);
    return make("li", {}, chip(one, { word: isolated(one.word), note: "+", open: () => app.steer(one.latent, { kind: "add", amount: 1 }) }));
  }));
  if (!latents.length) byId("add-found").append(make("li", { class: "quiet small" }, "No latents found."));
}
