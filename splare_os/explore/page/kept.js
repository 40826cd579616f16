// What the browser keeps for the page; where it may keep nothing, the page does until it is left.

const inMemory = new Map();

/** Return what is kept under a name in `sessionStorage` or `localStorage`, or null. */
export function kept(storage, name) {
  try {
    return window[storage].getItem(name);
  } catch {
    return inMemory.get(name) ?? null;
  }
}

/** Keep a text under a name. */
export function keep(storage, name, text) {
  try {
    window[storage].setItem(name, text);
  } catch {
    inMemory.set(name, text);
  }
}
