// The strip of videos that this browser asked for.
//
// Flow      Jobs -> cards; a card -> stage
import { buttonFor, icon, make, partsOf } from "./parts.js";
import { label, languageTag, percent, say, span, text } from "./texts.js";

const SURE_MS = 4000;

export class History {
  #root = document.getElementById("history");
  #cards = partsOf(this.#root).cards;
  #jobs;
  #shown = new Map(); // job -> what shows it
  #choose;

  /** `choose(job)` hears which card was pressed; `onForgotten(job)` which is gone. */
  constructor(jobs, { choose, onForgotten }) {
    this.#jobs = jobs;
    this.#choose = choose;
    this.onForgotten = onForgotten;
    jobs.addEventListener("change", () => this.render());
    const clear = buttonFor(this.#root, "clear");
    let sureUntil = 0;
    clear.addEventListener("click", async () => {
      if (Date.now() > sureUntil) {
        sureUntil = Date.now() + SURE_MS;
        say(clear, "history.clear.sure");
        setTimeout(() => say(clear, "history.clear"), SURE_MS);
        return;
      }
      say(clear, "history.clear");
      for (const job of [...this.#jobs.list]) await this.#forget(job);
    });
  }

  async #forget(job) {
    await this.#jobs.forget(job);
    this.onForgotten(job);
  }

  /** Mark the card of the job on the stage. */
  mark(chosen) {
    for (const [job, { open }] of this.#shown) {
      if (job === chosen) open.setAttribute("aria-current", "true");
      else open.removeAttribute("aria-current");
    }
  }

  render() {
    const { list } = this.#jobs;
    this.#root.hidden = list.length === 0;
    for (const [job, card] of this.#shown) {
      if (list.includes(job)) continue;
      card.stop.abort();
      URL.revokeObjectURL(card.url);
      card.item.remove();
      this.#shown.delete(job);
    }
    list.forEach((job, index) => {
      if (!this.#shown.has(job)) this.#shown.set(job, this.#made(job));
      const { item } = this.#shown.get(job);
      if (this.#cards.children[index] !== item) {
        this.#cards.insertBefore(item, this.#cards.children[index] ?? null);
      }
      this.#show(job);
    });
  }

  #made(job) {
    const url = URL.createObjectURL(job.record.portrait.thumbnail);
    const mark = make("span", { className: "badge" });
    const when = make("span", { className: "when" });
    const state = make("span", { className: "state" });
    const ring = make("span", { className: "bar" }, make("span"));
    const image = make("img", { src: url, alt: "", loading: "lazy" });
    const words = make("span", { className: "card-words" }, when, state);
    const open = make("button", { className: "card", type: "button" }, image, mark, ring, words);
    const forget = make("button", { className: "quiet icon-only", type: "button" }, icon("cross"));
    open.addEventListener("click", () => this.#choose(job));
    let sureUntil = 0;
    forget.addEventListener("click", async () => {
      if (!job.ended && Date.now() > sureUntil) {
        // It would be rendered on, unseen.
        sureUntil = Date.now() + SURE_MS;
        return say(state, "history.cancel.sure");
      }
      if (!job.ended) await this.#jobs.cancel(job).catch(() => {});
      await this.#forget(job);
    });
    const stop = new AbortController();
    job.addEventListener("change", () => this.#show(job), { signal: stop.signal });
    const item = make("li", {}, open, forget);
    return { item, open, forget, mark, when, state, ring, url, stop };
  }

  #show(job) {
    const { open, forget, mark, when, state, ring } = this.#shown.get(job);
    const moment = new Date(job.record.createdAt);
    const today = moment.toDateString() === new Date().toDateString();
    /** @type {Intl.DateTimeFormatOptions} */
    const style = today ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" };
    const time = new Intl.DateTimeFormat(languageTag(), style).format(moment);
    when.textContent = `${time} · ${span(job.record.seconds)}`;
    label(open, "history.show", { time });
    label(forget, "history.forget", { time });
    open.dataset.status = job.status;
    ring.hidden = job.ended;
    ring.firstElementChild.style.transform = `scaleX(${job.done})`;
    const known = { SUCCEEDED: "play", FAILED: "warning", UNKNOWN: "warning" };
    const glyph = job.expired ? "undo" : known[job.status];
    mark.replaceChildren(...(glyph ? [icon(glyph)] : []));
    state.textContent = {
      PENDING: () => text("history.waiting"),
      RUNNING: () => percent(job.done),
      SUCCEEDED: () => job.expired ? text("history.expired") : this.#left(job),
      FAILED: () => text("history.failed"),
      UNKNOWN: () => text("history.failed"),
      CANCELED: () => text("history.canceled"),
    }[job.status]();
  }

  #left(job) {
    return text("history.expires", { time: span((job.expiresAt - Date.now()) / 1000) });
  }
}
