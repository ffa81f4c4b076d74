// The line below a well: what was found out about what is in it.
import { icon, make, showIcon } from "./parts.js";
import { say, together } from "./texts.js";

const ICON_OF = { good: "check", bad: "warning", note: "info", wait: null };

/** Shows lines in a place; each a function that gives its words, so that the language may change. */
export class VerdictLine {
  #lines = [];
  #mends = [];

  constructor(place) {
    this.place = place;
  }

  /** tone: good, bad, note or wait. */
  show(tone, ...lines) {
    this.#lines = lines;
    this.#mends = [];
    this.tone = tone;
    this.place.dataset.tone = tone;
    this.render();
  }

  /** Offer what mends it: buttons, each with the key of its text, its icon and what it does. */
  offer(...mends) {
    this.#mends = mends;
    this.render();
  }

  clear() {
    this.show("", ...[]);
  }

  render() {
    const words = make("div", {}, make("p", {}, together(this.#lines.map((line) => line()))));
    if (this.#mends.length > 0) words.append(make("div", { className: "mends" }, ...this.#mends.map(mendButton)));
    const mark = ICON_OF[this.tone] ? icon(ICON_OF[this.tone]) : make("span", { className: "spinner" });
    this.place.replaceChildren(...(this.#lines.length > 0 ? [mark, words] : []));
  }
}

/** A button that mends what is wrong. */
export function mendButton({ key, icon: glyph, run }) {
  const button = make("button", { className: "soft mend", type: "button" });
  showIcon(button, glyph);
  say(button, key);
  button.addEventListener("click", run);
  return button;
}
