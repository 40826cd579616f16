// What the page asks of the server: JSON there and back, with a token where one is asked for.

import { byId } from "./dom.js";
import { keep, kept } from "./kept.js";

const KEY = "splare-token";
const UNSENDABLE = /[^\x20-\x7e\xa0-\xff]/; // no header holds it: such a token is no server's

let asking = null;

/** Take a token out of the address, where `#token=…` brought it, so that links do not hand it on. */
export function takeToken() {
  const found = new URLSearchParams(location.hash.slice(1).replaceAll("+", "%2B")).get("token");
  if (!found) return;
  keep("sessionStorage", KEY, found);
  history.replaceState(null, "", location.pathname + location.search);
  if (asking) {
    byId("token").value = found;
    byId("token-dialog").close();
  }
}

/** Return whether a token was given; all that wait for one are told by the same dialog. */
function askForToken() {
  asking ??= new Promise((done) => {
    byId("token-dialog").addEventListener("close", () => {
      const given = byId("token").value.trim();
      byId("token").value = "";
      if (given) keep("sessionStorage", KEY, given);
      asking = null;
      done(Boolean(given));
    }, { once: true });
    byId("token-dialog").showModal();
  });
  return asking;
}

/** Return the answer of a route; an error's message is the server's. */
export async function ask(route, question, signal) {
  const token = kept("sessionStorage", KEY);
  const headers = { "content-type": "application/json" };
  if (token && !UNSENDABLE.test(token)) headers.authorization = `Bearer ${token}`;
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
