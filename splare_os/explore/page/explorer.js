// The page: one state, which the address has, and what follows from each change of it.

import { ask, takeToken } from "./api.js";
import { drawCard } from "./card.js";
import { drawComparison } from "./compare.js";
import { byId, copy, isolated, redraw } from "./dom.js";
import { keep, kept } from "./kept.js";
import { drawDocument } from "./reader.js";
import { drawColumns, drawReasons } from "./results.js";
import { question, readState, writeState } from "./state.js";
import { drawFound, drawSteered, Sliders } from "./steer.js";

const DRAG_MS = 60;
const EXPLAIN_MS = 200;
const SLOW_MS = 400;
const FIRST = 5;
const THEMES = ["", "light", "dark"];

const names = new Map();
const app = {
  state: readState(location.search),
  latents: [],
  titles: new Map(),
  picked: null,
  known: (latent) => names.get(latent) || { label: null, word: "" },
  know({ latent, label, word, document_text: inText }) {
    const before = names.get(latent) || {};
    names.set(latent, { label: label || before.label || null, word: word || inText || before.word || "" });
  },
  openCard: (latent) => { go({ latent, doc: null }); showSheets(); },
  read: (doc) => { go({ doc, latent: null }); showSheets(); },
  steer(latent, change, { isDrag = false } = {}) {
    const steer = new Map(app.state.steer);
    if (change) steer.set(latent, change);
    else steer.delete(latent);
    go({ steer, latent: isDrag ? app.state.latent : null }, { dragged: isDrag ? latent : null });
    if (isDrag) follow();
    else search();
  },
  like(id, kind) {
    const other = kind === "like" ? "unlike" : "like";
    const was = app.state[kind].includes(id);
    go({ [kind]: was ? app.state[kind].filter((one) => one !== id) : [...app.state[kind], id], [other]: app.state[other].filter((one) => one !== id) });
    search();
  },
  unsteer() { go({ steer: new Map(), like: [], unlike: [] }); search(); },
  pick(id) {
    if (app.picked && app.picked !== id) {
      go({ view: "compare", kind: "documents", a: app.picked, b: id });
      app.picked = null;
      showView();
      byId("main").focus();
      return;
    }
    app.picked = app.picked === id ? null : id;
    byId("status").textContent = app.picked ? `Choose “Compare” of another document to set it beside ${isolated(app.titles.get(id) || id)}.` : "";
  },
};
const sliders = new Sliders(app);

/** Change the state and the address; a slider that is `dragged` on makes one entry of the history. */
function go(patch, { isAside = false, dragged = null } = {}) {
  Object.assign(app.state, patch);
  const address = writeState(app.state);
  const isOn = dragged !== null && history.state?.dragged === dragged;
  const isNew = address !== location.pathname + location.search;
  history[isAside || isOn || !isNew ? "replaceState" : "pushState"]({ dragged }, "", address);
}

let asked = new AbortController();
let inFlight = null; // the signal of the search that is on its way
let timer = 0; // of the search that a drag is about to begin
let isDue = false; // the drag went on while its search was on its way

/** Have hits follow a drag at the server's pace: of what came meanwhile, the last is searched. */
function follow() {
  drawSteered(app);
  if (inFlight) isDue = true;
  else timer ||= setTimeout(() => search({ isDrag: true }), DRAG_MS);
}

/** Return the place of the view that is shown where its state, or what is wrong, is told. */
const placeOf = (name) => byId(app.state.view === "compare" ? `compare-${name}` : name);

function tell(error) {
  if (error.name === "AbortError") return;
  Object.assign(placeOf("problem"), { textContent: error.message, hidden: false });
  placeOf("status").textContent = "";
  byId("columns").setAttribute("aria-busy", "false");
}

/** Say what is waited for, if it takes long; returns what ends that. */
function waiting(text) {
  const place = placeOf("status");
  let before = "";
  const timer = setTimeout(() => { before = place.textContent; place.textContent = text; }, SLOW_MS);
  return () => {
    clearTimeout(timer);
    if (place.textContent === text) place.textContent = before;
  };
}

async function search({ isDrag = false } = {}) {
  asked.abort();
  asked = new AbortController();
  clearTimeout(timer);
  timer = 0;
  inFlight = null;
  const { signal } = asked;
  const { state } = app;
  document.title = state.query ? `${state.query} · splare explorer` : "splare explorer";
  drawSteered(app);
  byId("problem").hidden = true;
  const isEmpty = !state.query.trim() && !state.like.length && !state.steer.size;
  byId("intro").hidden = !isEmpty;
  byId("found").hidden = isEmpty;
  if (isEmpty) { byId("status").textContent = ""; return; }
  byId("columns").setAttribute("aria-busy", "true");
  delete byId("columns").dataset.explained;
  let found = null;
  try {
    found = await answered(question(state), signal);
    app.latents = found.latents;
    found.latents.forEach(app.know);
    Object.values(found.columns).forEach((column) => column.hits.forEach((hit) => app.titles.set(hit.id, hit.title || hit.id)));
    sliders.show(found.latents);
    const reasons = drawColumns(byId("columns"), found.columns, app);
    byId("columns").setAttribute("aria-busy", "false");
    byId("status").textContent = told(found);
    drawSteered(app);
    if (isDue) { search({ isDrag: true }); return; }
    if (isDrag) await new Promise((done) => { setTimeout(done, EXPLAIN_MS); });
    if (signal.aborted || !reasons.size) return;
    for (const [ids, places] of inTurns(found.columns)) {
      const why = await ask("explain", { ...question(state), ids, places }, signal);
      drawReasons(reasons, ids, why.documents, app);
    }
    byId("columns").dataset.explained = "wholly";
  } catch (error) {
    if (!found && !signal.aborted) redraw(byId("columns"), [], () => byId("query")); // hits of another question
    tell(error);
  }
}

/** Return what is found; until then it is known that a search is on its way. */
async function answered(asking, signal) {
  const ended = waiting("Searching …");
  inFlight = signal;
  isDue = false;
  try {
    return await ask("search", asking, signal);
  } finally {
    ended();
    if (inFlight === signal) inFlight = null;
  }
}

/** Return which documents are explained when, and whether with places, for which they are encoded.

All are without; then those in whose columns places are shown, the best few of each first.
*/
function inTurns({ bm25, latents, hybrid }) {
  const shown = byRank([latents, hybrid]);
  const turns = [[byRank([bm25, latents, hybrid]), false], [shown.slice(0, FIRST), true], [shown.slice(FIRST), true]];
  return turns.filter(([ids]) => ids.length);
}

/** Return the ids of some rankings, the best of each first. */
function byRank(columns) {
  const ranks = new Map();
  for (const { hits } of columns) {
    hits.forEach(({ id }, at) => ranks.set(id, Math.min(at, ranks.get(id) ?? at)));
  }
  return [...ranks.keys()].sort((one, other) => ranks.get(one) - ranks.get(other));
}

function told(found) {
  const counts = Object.values(found.columns).map((column) => column.hits.length);
  return `${counts.reduce((sum, n) => sum + n, 0)} hits in ${counts.length} rankings, in ${Math.round(found.took_ms)} ms.`;
}

async function showSheets() {
  const { latent, doc } = app.state;
  const isStill = () => latent === app.state.latent && doc === app.state.doc;
  if (latent === null && byId("card").open) byId("card").close();
  if (!doc && byId("reader").open) byId("reader").close();
  const ended = latent === null && !doc ? () => {} : waiting("Opening …");
  try {
    const card = latent === null ? null : await ask("latent", { latent });
    const found = doc ? await ask("document", { ...question(app.state), id: doc }) : null;
    ended();
    if (!isStill()) return; // somebody went on meanwhile
    if (card) drawCard(card, app);
    if (found) drawDocument(found, app);
  } catch (error) {
    ended();
    if (!isStill()) return;
    for (const name of ["card", "reader"]) if (byId(name).open) byId(name).close();
    go({ latent: null, doc: null }, { isAside: true });
    tell(error);
  }
}

function showView() {
  const isCompare = app.state.view === "compare";
  byId("search-view").hidden = isCompare;
  byId("compare-view").hidden = !isCompare;
  document.querySelectorAll("[data-view]").forEach((button) => {
    if (button.dataset.view === app.state.view) button.setAttribute("aria-current", "page");
    else button.removeAttribute("aria-current");
  });
  if (isCompare) drawComparison(app);
}

function showFields() {
  byId("query").value = app.state.query;
  const radio = document.querySelector(`#systems input[value="${app.state.show}"]`);
  radio.checked = true;
  byId("columns").dataset.show = app.state.show;
}

function showFound() {
  showView();
  search();
  showSheets();
}

function setTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  byId("theme").textContent = `Theme: ${theme || "as the system"}`;
  keep("localStorage", "splare-theme", theme);
}

function listen() {
  byId("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    go({ query: byId("query").value, steer: new Map(), like: [], unlike: [], latent: null, doc: null });
    search();
  });
  byId("add-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = byId("add-text").value.trim();
    if (!text) return;
    try { drawFound((await ask("latents", { text })).latents, app); } catch (error) { tell(error); }
  });
  byId("compare-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const kind = document.querySelector('#compare-form input[name="kind"]:checked').value;
    go({ kind, a: byId("side-a").value, b: byId("side-b").value });
    drawComparison(app);
  });
  byId("systems").addEventListener("change", (event) => {
    go({ show: event.target.value }, { isAside: true });
    byId("columns").dataset.show = app.state.show;
  });
  document.querySelectorAll("[data-view]").forEach((button) => button.addEventListener("click", () => { go({ view: button.dataset.view }); showView(); }));
  byId("card").addEventListener("close", () => { if (app.state.latent !== null) go({ latent: null }); });
  byId("reader").addEventListener("close", () => { if (app.state.doc) go({ doc: null }); });
  byId("copy-link").addEventListener("click", (event) => copy(location.href, event.target));
  byId("theme").addEventListener("click", () => setTheme(THEMES[(THEMES.indexOf(document.documentElement.dataset.theme || "") + 1) % THEMES.length]));
  window.addEventListener("popstate", () => { takeToken(); app.state = readState(location.search); showFields(); showFound(); });
  document.addEventListener("keydown", (event) => { // no letter alone: speech would type it
    const isCalled = (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k";
    if (!isCalled || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    byId(app.state.view === "compare" ? "side-a" : "query").focus();
  });
}

async function start() {
  takeToken();
  setTheme(kept("localStorage", "splare-theme") || "");
  if (matchMedia("(max-width: 48rem)").matches) byId("latents-panel").open = false;
  listen();
  showFields(); // what is typed while the server is asked must stay
  const failed = await tellAbout();
  showFound();
  if (failed) tell(failed);
}

/** Say in the head what is explored; returns the error if that is not known. */
async function tellAbout() {
  try {
    const about = await ask("about", {});
    byId("about").textContent = `${about.index} · ${about.documents.toLocaleString("en")} documents · ${about.model}, ${about.n_latents.toLocaleString("en")} latents`;
    return null;
  } catch (error) {
    return error;
  }
}

start();
