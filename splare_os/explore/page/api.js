// What the page asks of the server: JSON there and back, with a token where one is asked for.

import { byId } from "./dom.js";

const KEY = "splare-token";

/** Take a token out of the address, where `#token=…` brought it, so that links do not hand it on. */
export function takeToken() {
  const found = new URLSearchParams(location.hash.slice(1)).get("token");
  if (found) {
    sessionStorage.setItem(KEY, found);
    history.replaceState(null, "", location.pathname + location.search);
  }
}

function askForToken() {
  const dialog = byId("token-dialog");
  if (!dialog.open) dialog.showModal();
  return new Promise((done) => {
    dialog.addEventListener("close", () => {
      const given = byId("token").value.trim();
      byId("token").value = "";
      if (given) sessionStorage.setItem(KEY, given);
      done(Boolean(given));
    }, { once: true });
  });
}

/** Return the answer of a route; an error's message is the server's. */
export async function ask(route, question, signal) {
  const token = sessionStorage.getItem(KEY);
  const headers = { "content-type": "application/json" };
  if (token) headers.authorization = `Bearer ${token}`;
  let reply;
  try {
    reply = await fetch(`/api/${route}`, { method: "POST", headers, body: JSON.stringify(question), signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The explorer's server does not answer. Does it still run?");
  }
  if (reply.status === 401 && await askForToken()) return ask(route, question, signal);
  let content;
  try {
    content = await reply.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error(`What answers with status ${reply.status} is not the explorer's server: a proxy before it?`);
  }
  if (!reply.ok) throw new Error(content.error);
  return content;
}
