// Small things that the browser keeps between visits: language, appearance, a key on request.
//
// A browser may refuse to keep anything; then the page forgets, and works.

const PREFIX = "portravox.";

/** What was kept under a name, or null. `tab`: only as long as this tab lives. */
export function kept(name, { tab = false } = {}) {
  try {
    return (tab ? sessionStorage : localStorage).getItem(PREFIX + name);
  } catch {
    return null;
  }
}

/** Keep a text, or forget it where it is null. */
export function keep(name, value, { tab = false } = {}) {
  try {
    const place = tab ? sessionStorage : localStorage;
    if (value === null) place.removeItem(PREFIX + name);
    else place.setItem(PREFIX + name, value);
  } catch {
    // Nothing is lost but comfort.
  }
}
