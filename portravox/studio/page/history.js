// The takes that this browser asked for, so shown that one is told from the other.
//
// Flow      Jobs -> cards; a card -> stage
import { buttonFor, icon, make, partsOf, showIcon } from "./parts.js";
import { exactSpan, label, languageTag, percent, say, span, text } from "./texts.js";

const SURE_MS = 4000;

const FRAME_PX = 240;
const FRAME_QUALITY = 0.85;

/** The last frame is looked for this long before the end, where no browser is past it. */
const BEFORE_END_S = 0.06;

export class History {
  #root = document.getElementById("history");
  #cards = partsOf(this.#root).cards;
  #jobs;
  #shown = new Map(); // job -> what shows it
  #choose;
  #describe;
  #framing = Promise.resolve(); // one video is opened for its last frame at a time

  /**
   * `choose(job)` is told which card was pressed; `onForgotten(job)` which is gone; `describe(values)`
   * gives the preset and what differs from it in words.
   */
  constructor(jobs, { choose, onForgotten, describe }) {
    this.#jobs = jobs;
    this.#choose = choose;
    this.#describe = describe;
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
      for (const job of this.#jobs.list.filter(({ record }) => !record.pinned)) await this.#forget(job);
    });
  }

  async #forget(job) {
    if (!job.ended) await this.#jobs.cancel(job).catch(() => {});
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
    const pinnedFirst = (job) => (job.record.pinned ? 0 : 1);
    const list = [...this.#jobs.list].sort((a, b) => pinnedFirst(a) - pinnedFirst(b));
    this.#root.hidden = list.length === 0;
    say(partsOf(this.#root).hint, "history.hint", { time: span(this.#jobs.life_ms / 1000) });
    for (const [job, card] of this.#shown) {
      if (list.includes(job)) continue;
      card.stop.abort();
      URL.revokeObjectURL(card.image.src);
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
    const image = make("img", { alt: "", loading: "lazy" });
    const mark = make("span", { className: "badge" });
    const ring = make("span", { className: "bar" }, make("span"));
    const picture = make("span", { className: "picture-of" }, image, mark, ring);
    const name = make("span", { className: "name" });
    const how = make("span", { className: "how" });
    const state = make("span", { className: "state" });
    const words = make("span", { className: "card-words" }, name, how, state);
    const open = make("button", { className: "card", type: "button" }, picture, words);
    const [pin, rename, forget] = ["pin", "pencil", "trash"].map((glyph) => {
      const button = make("button", { className: "quiet", type: "button" });
      showIcon(button, glyph);
      return button;
    });
    pin.dataset.do = "pin";
    rename.dataset.do = "rename";
    forget.dataset.do = "forget";
    const download = make("a", { className: "button quiet" }, icon("download"));
    const actions = make("div", { className: "take-actions" }, pin, rename, download, forget);
    const item = make("li", { className: "take" }, open, actions);
    const card = { item, image, open, pin, rename, download, forget, mark, name, how, state, ring };

    open.addEventListener("click", () => this.#choose(job));
    pin.addEventListener("click", () => this.#jobs.pin(job, !job.record.pinned));
    rename.addEventListener("click", () => this.#rename(job, card));
    forget.addEventListener("click", async () => {
      const asked = this.#shown.get(job);
      if ((!job.ended || job.record.pinned) && Date.now() > asked.sureUntil) {
        // It would be rendered on, unseen; or was to be kept.
        asked.sureUntil = Date.now() + SURE_MS;
        return say(state, job.ended ? "history.forget.sure" : "history.cancel.sure");
      }
      await this.#forget(job);
    });
    this.#playOnHover(job, item, picture);
    const stop = new AbortController();
    job.addEventListener("change", () => this.#show(job), { signal: stop.signal });
    return { ...card, shown: null, sureUntil: 0, stop };
  }

  #show(job) {
    const card = this.#shown.get(job);
    const { open, pin, rename, download, forget, mark, name, how, state, ring, image } = card;
    const still = job.record.frame ?? job.record.portrait.thumbnail;
    if (card.shown !== still) {
      if (image.src) URL.revokeObjectURL(image.src);
      image.src = URL.createObjectURL(still);
      card.shown = still;
    }
    const moment = new Date(job.record.createdAt);
    const today = moment.toDateString() === new Date().toDateString();
    /** @type {Intl.DateTimeFormatOptions} */
    const style = today ? { timeStyle: "short" } : { dateStyle: "short", timeStyle: "short" };
    const time = new Intl.DateTimeFormat(languageTag(), style).format(moment);
    name.textContent = name.title = job.title;
    how.textContent = how.title = this.#describe(job.record.values);
    label(open, "history.show", { name: job.title, time });
    label(pin, job.record.pinned ? "history.unpin" : "history.pin", { name: job.title });
    pin.setAttribute("aria-pressed", String(Boolean(job.record.pinned)));
    label(rename, "history.rename", { name: job.title });
    label(download, "history.download", { name: job.title });
    label(forget, "history.forget", { name: job.title });
    const done = job.status === "SUCCEEDED" && !job.expired;
    download.hidden = !done;
    if (done) Object.assign(download, { href: job.videoUrl, download: job.fileName });
    open.dataset.status = job.status;
    ring.hidden = job.ended;
    ring.firstElementChild.style.transform = `scaleX(${job.done})`;
    const known = { FAILED: "warning", UNKNOWN: "warning" };
    const glyph = job.expired ? "undo" : known[job.status];
    mark.replaceChildren(...(glyph ? [icon(glyph)] : []));
    const length = exactSpan(job.record.seconds);
    const words = {
      PENDING: () => text("history.waiting"),
      RUNNING: () => percent(job.done),
      SUCCEEDED: () => this.#left(job),
      FAILED: () => text("history.failed"),
      UNKNOWN: () => text("history.failed"),
      CANCELED: () => text("history.canceled"),
    }[job.status]();
    if (!job.ended && Date.now() < card.sureUntil) return; // it asks, and progress does not answer
    state.textContent = [length, time, words].filter(Boolean).join(" · ");
    if (done && !job.record.frame && !document.hidden && !card.framed) {
      card.framed = true;
      this.#framing = this.#framing.then(() => this.#frame(job));
    }
  }

  #left(job) {
    if (job.isKept) return text("history.kept");
    if (job.expired) return text("history.expired");
    return text("history.expires", { time: span((job.expiresAt - Date.now()) / 1000) });
  }

  #rename(job, { item, open, rename, name }) {
    const input = make("input", { type: "text", className: "rename", value: name.textContent, maxLength: 120 });
    label(input, "history.rename", { name: job.title });
    let ended = false;
    const end = (keeps) => {
      if (ended) return;
      ended = true;
      const focused = item.contains(document.activeElement);
      input.remove();
      if (keeps) this.#jobs.rename(job, input.value);
      if (focused) rename.focus();
    };
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") end(true);
      if (event.key === "Escape") end(false);
    });
    input.addEventListener("blur", () => end(true));
    open.after(input);
    input.select();
    input.focus();
  }

  // The take itself, without sound, as long as the pointer rests on it.
  #playOnHover(job, item, picture) {
    let video = null;
    item.addEventListener("pointerenter", (event) => {
      if (event.pointerType !== "mouse" || job.status !== "SUCCEEDED" || job.expired) return;
      if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
      video = make("video", { muted: true, loop: true, playsInline: true, src: job.videoUrl });
      picture.append(video);
      video.play().catch(() => {});
    });
    item.addEventListener("pointerleave", () => {
      video?.remove();
      video?.removeAttribute("src");
      video = null;
    });
  }

  /** Look at the last frame of a finished video, and keep it. */
  async #frame(job) {
    const video = make("video", { muted: true, preload: "auto", src: job.videoUrl });
    const happened = (name) =>
      new Promise((resolve, reject) => {
        video.addEventListener(name, resolve, { once: true });
        video.addEventListener("error", reject, { once: true });
        setTimeout(reject, 10_000);
      });
    try {
      await happened("loadeddata");
      video.currentTime = Math.max(0, video.duration - BEFORE_END_S);
      await happened("seeked");
      const scale = Math.min(1, FRAME_PX / Math.min(video.videoWidth, video.videoHeight));
      const canvas = document.createElement("canvas");
      canvas.width = Math.max(1, Math.round(video.videoWidth * scale));
      canvas.height = Math.max(1, Math.round(video.videoHeight * scale));
      canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
      /** @type {Blob | null} */
      const frame = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", FRAME_QUALITY));
      if (frame !== null && this.#shown.has(job)) this.#jobs.keepFrame(job, frame);
    } catch {
      // Not playable here, or from another host: the portrait stands for it.
    } finally {
      video.removeAttribute("src");
    }
  }
}
