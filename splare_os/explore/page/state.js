// What is looked at, as the address has it: every state is a link.
//
// q, steer (1907=2,-12,+77=1 as on the command line), like, unlike, show, latent, doc,
// view=compare with kind, a and b.

export const SYSTEMS = { bm25: "BM25", latents: "Latents", hybrid: "Hybrid" };

const ITEM = /^(?:-(\d+)|\+(\d+)(?:=(.+))?|(\d+)=(.+))$/;

/** Return the latents that a line of items steers, each with `kind` and `amount`.

An item that is none, or a latent's second one, is `unread` under its own text: it stays in the
state, so that the server says what is wrong with it.
*/
export function readSteer(line) {
  const found = new Map();
  for (const item of line.split(",").map((one) => one.trim()).filter(Boolean)) {
    const [, mute, add, weight = "1", boost, factor] = ITEM.exec(item) || [];
    const latent = Number(mute || add || boost);
    const change = mute ? { kind: "mute", amount: 0 }
      : { kind: add ? "add" : "boost", amount: Number(add ? weight : factor) };
    if (Number.isFinite(change.amount) && !found.has(latent)) found.set(latent, change);
    else found.set(item, { kind: "unread" });
  }
  return found;
}

/** Return the line of items that `readSteer` reads. */
export function writeSteer(steer) {
  return [...steer].map(([latent, { kind, amount }]) => {
    if (kind === "unread") return latent;
    if (kind === "mute") return `-${latent}`;
    return kind === "add" ? `+${latent}=${amount}` : `${latent}=${amount}`;
  }).join(",");
}

/** Return the state that an address tells. */
export function readState(search) {
  const given = new URLSearchParams(search);
  const show = given.get("show");
  const latent = given.get("latent");
  return {
    view: given.get("view") === "compare" ? "compare" : "search",
    query: given.get("q") || "",
    steer: readSteer(given.getAll("steer").join(",")),
    like: [...new Set(given.getAll("like"))],
    unlike: [...new Set(given.getAll("unlike"))],
    show: Object.hasOwn(SYSTEMS, show || "") ? show : "latents",
    latent: /^\d+$/.test(latent || "") ? Number(latent) : null,
    doc: given.get("doc"),
    kind: given.get("kind") === "documents" ? "documents" : "queries",
    a: given.get("a") || "",
    b: given.get("b") || "",
  };
}

/** Return the address of a state, without what is usual. */
export function writeState(state) {
  const given = new URLSearchParams();
  const set = (name, value) => { if (value) given.set(name, value); };
  set("q", state.query);
  set("steer", writeSteer(state.steer));
  state.like.forEach((id) => given.append("like", id));
  state.unlike.forEach((id) => given.append("unlike", id));
  set("show", state.show === "latents" ? "" : state.show);
  if (state.view === "compare") set("view", "compare");
  if (state.a || state.b) {
    set("kind", state.kind === "documents" ? "documents" : "");
    set("a", state.a);
    set("b", state.b);
  }
  if (state.latent !== null) given.set("latent", state.latent);
  set("doc", state.doc);
  const line = given.toString();
  return location.pathname + (line ? `?${line}` : "");
}

/** Return what the server is told of a query and what steers it. */
export function question(state) {
  return { query: state.query, steer: writeSteer(state.steer), like: state.like, unlike: state.unlike };
}
