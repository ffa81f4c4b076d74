// The line below a well: what was found out about what is in it.
import { icon, make } from "./parts.js";
import { together } from "./texts.js";

const ICON_OF = { good: "check", bad: "warning", note: "info", wait: null };

/** Shows lines in a place; each a function that gives its words, so that the language may change. */
export class VerdictLine {
  #lines = [];

  constructor(place) {
    this.place = place;
  }

  /** tone: good, bad, note or wait. */
  show(tone, ...lines) {
    this.#lines = lines;
    this.tone = tone;
    this.place.dataset.tone = tone;
    this.render();
  }

  clear() {
    this.show("", ...[]);
  }

  render() {
    const words = make("p", {}, together(this.#lines.map((line) => line())));
    const mark = ICON_OF[this.tone] ? icon(ICON_OF[this.tone]) : make("span", { className: "spinner" });
    this.place.replaceChildren(...(this.#lines.length > 0 ? [mark, words] : []));
  }
}
