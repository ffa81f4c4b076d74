// Who uses the page: an API key, typed or exchanged for the token of a one-time link.
//
// A typed key lives as long as the page, unless its owner asks to keep it. What a one-time link
// gives is kept for all tabs: it is a pass that ends by itself. Neither is ever in an address;
// the token of the link stands behind the #, which browsers send to nobody, and works once.
import { Api, here } from "./api.js";
import { keep, kept } from "./kept.js";
import { announce, buttonFor } from "./parts.js";
import { Unfit } from "./refusals.js";
import { label, say, sayNothing, text } from "./texts.js";

export class Session extends EventTarget {
  #key = null;
  #dialog = /** @type {HTMLDialogElement} */ (document.getElementById("sign-in"));
  #button = document.getElementById("account");
  #waiting = [];

  constructor() {
    super();
    /** Whether this server asks for keys at all. */
    this.needed = true;
    /** Whether the latest key was taken until the server knew it no longer. */
    this.refused = false;
    this.api = new Api({
      key: () => this.#key,
      onRefusedKey: () => {
        this.refused = this.#key !== null;
        this.#forget();
      },
    });
    this.#dialog.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#try(new FormData(/** @type {HTMLFormElement} */ (event.target)));
    });
    this.#dialog.addEventListener("close", () => this.#answer());
    buttonFor(this.#dialog, "close").addEventListener("click", () => this.#dialog.close());
    this.#button.addEventListener("click", () => (this.ready ? this.leave() : this.ask()));
  }

  /** What the service takes, as it said. */
  limits = {
    picture: { max_bytes: 10 * 1024 * 1024, max_side_px: 4096, max_ratio: 2 },
    voice: { max_bytes: 15 * 1024 * 1024, min_s: 1, max_s: 180 },
  };

  /** Raise Unfit where a file has to be opened by the server and it does not know who asks. */
  requireFor(file) {
    if (!this.ready) throw new Unfit(`${file}_signed_out`);
  }

  /** Whether requests will be heard. */
  get ready() {
    return !this.needed || this.#key !== null;
  }

  /** Begin: by the one-time link that led here, by what was kept, or signed out. */
  async open({ needed }) {
    this.needed = needed;
    this.#button.hidden = !needed;
    if (!needed) return this.#changed();
    const token = new URLSearchParams(location.hash.slice(1)).get("login");
    if (token !== null) {
      history.replaceState(null, "", location.pathname + location.search);
      const pass = await this.#exchange(token);
      if (pass !== null) {
        this.#key = pass;
        keep("pass", pass);
        announce(text("signin.done"));
        return this.#changed();
      }
    }
    this.#key = kept("key") ?? kept("pass");
    this.#changed();
    if (token !== null && this.#key === null) this.ask("signin.link.dead");
  }

  async #exchange(token) {
    try {
      const response = await fetch(here("studio/login"), {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ token }),
        credentials: "omit",
      });
      return response.ok ? (await response.json()).key : null;
    } catch {
      return null;
    }
  }

  /** Ask for a key; true once there is one, false if its owner would rather not. */
  ask(trouble = null) {
    const words = this.#dialog.querySelector(".trouble");
    if (trouble) say(words, trouble);
    else sayNothing(words);
    if (!this.#dialog.open) this.#dialog.showModal();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Ask for a key only if there is none. */
  async require() {
    return this.ready || this.ask();
  }

  async #try(form) {
    const words = this.#dialog.querySelector(".trouble");
    const key = form.get("key").trim();
    sayNothing(words);
    try {
      if (!(await this.api.accepts(key))) return say(words, "signin.wrong");
    } catch {
      return say(words, "refusal.offline");
    }
    this.#key = key;
    keep("key", form.get("remember") ? key : null);
    this.#dialog.querySelector("form").reset();
    this.#dialog.close();
    announce(text("signin.done"));
    this.#changed();
  }

  #answer() {
    for (const resolve of this.#waiting.splice(0)) resolve(this.ready);
  }

  /** Sign out: forget the key here and wherever it was kept. */
  leave() {
    this.refused = false;
    this.#forget();
    announce(text("signin.left"));
  }

  #forget() {
    if (this.#key === null) return;
    this.#key = null;
    keep("key", null);
    keep("pass", null);
    this.#changed();
  }

  #changed() {
    say(this.#button, this.ready ? "account.in" : "account.out");
    label(this.#button, this.ready ? "account.leave" : "account.out");
    this.dispatchEvent(new Event("change"));
  }
}
