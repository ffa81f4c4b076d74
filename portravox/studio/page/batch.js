// Many videos at once: several portraits with one voice, or several voices with one portrait.
//
// Flow      files -> Batch: one after another -> Jobs; finished videos -> zip -> a download
import { buttonFor, make, onAction, partsOf } from "./parts.js";
import { wordsFor } from "./refusals.js";
import { percent, say, sayNothing, text } from "./texts.js";
import { zipped } from "./zip.js";

/** Videos of a batch that the server knows of at a time: each is followed by a connection of its
 * own, of which browsers open six. */
const AT_ONCE = 3;

/** After how long a server that is too busy is asked again, and how often. */
const PATIENCE_MS = 4000;
const MOST_TRIES = 30;

export class Batch {
  #dialog = /** @type {HTMLDialogElement} */ (document.getElementById("batch"));
  #parts = partsOf(this.#dialog);
  #opener = document.getElementById("show-batch");
  #made; // (file, kind) -> Job
  #missing; // kind -> what is missing, or null
  #jobs;
  /** {file, job, problem, skipped, line} in the order in which they are made */
  #rows = [];
  /** "portrait" or "voice": what there are several of */
  #kind = "portrait";
  #running = false;
  #stopped = false;

  constructor({ jobs, made, missing }) {
    this.#jobs = jobs;
    this.#made = made;
    this.#missing = missing;
    onAction(this.#dialog, {
      close: () => this.#dialog.close(),
      start: () => this.#run(),
      stop: () => this.#stop(),
      zip: () => this.#save(),
    });
    this.#opener.addEventListener("click", () => this.#dialog.showModal());
    jobs.addEventListener("change", () => this.render());
    jobs.addEventListener("progress", () => this.render());
  }

  /** Take files of a kind, in place of those that were there; false while some are being made. */
  take(files, kind) {
    if (this.#running) return this.#dialog.showModal();
    this.#kind = kind;
    this.#stopped = false;
    this.#rows = files.map((file) => {
      const state = make("span", { className: "hint" });
      const line = make("li", {}, make("span", { className: "batch-name", textContent: file.name }), state);
      return { file, job: null, problem: null, skipped: false, line, state };
    });
    this.#parts.rows.replaceChildren(...this.#rows.map(({ line }) => line));
    this.#parts.trouble.textContent = "";
    this.render();
    this.#dialog.showModal();
  }

  /** Say everything as it is now, in the language of now. */
  render() {
    this.#opener.hidden = this.#rows.length === 0;
    if (this.#rows.length === 0) return;
    for (const row of this.#rows) row.state.textContent = this.#words(row);
    const count = this.#rows.length;
    const ready = this.#finished.length;
    say(this.#parts.title, `batch.title.${this.#kind}`, { count });
    say(this.#opener, "batch.open", { ready, count });
    const missing = this.#missing(this.#kind);
    const untouched = this.#rows.every((row) => row.job === null && row.problem === null && !row.skipped);
    if (missing !== null && untouched) say(this.#parts.note, `make.needs.${missing}`);
    else if (this.#running) say(this.#parts.note, "batch.stay");
    else if (untouched) sayNothing(this.#parts.note);
    else say(this.#parts.note, "batch.result", { ready, count });
    const start = buttonFor(this.#dialog, "start");
    start.hidden = this.#running || !untouched;
    start.disabled = missing !== null;
    buttonFor(this.#dialog, "stop").hidden = !this.#running;
    const zip = buttonFor(this.#dialog, "zip");
    zip.hidden = this.#running || ready === 0;
    say(zip, "batch.zip", { ready });
  }

  get #finished() {
    return this.#rows.filter(({ job }) => job?.status === "SUCCEEDED" && !job.expired);
  }

  #words({ job, problem, skipped }) {
    if (problem !== null) return wordsFor(problem);
    if (job === null) return text(skipped ? "history.canceled" : "stage.waiting");
    if (job.status === "PENDING") {
      return job.position > 0 ? text("stage.position", { count: job.position }) : text("stage.waiting");
    }
    if (job.status === "RUNNING") return percent(job.done);
    if (job.status === "SUCCEEDED") return text("title.ready");
    if (job.status === "CANCELED") return text("history.canceled");
    return wordsFor(job.record);
  }

  async #run() {
    this.#running = true;
    this.render();
    try {
      for (const row of this.#rows) {
        await this.#until(() => this.#stopped || this.#active < AT_ONCE);
        if (this.#stopped) row.skipped = true;
        else await this.#begin(row);
        this.render();
      }
      await this.#until(() => this.#active === 0);
    } finally {
      this.#running = false;
      this.render();
    }
  }

  get #active() {
    return this.#rows.filter(({ job }) => job !== null && !job.ended && this.#jobs.list.includes(job)).length;
  }

  async #begin(row) {
    for (let tries = 1; ; tries += 1) {
      try {
        row.job = await this.#made(row.file, this.#kind);
        return;
      } catch (error) {
        if (error.code === undefined && error.status === undefined) throw error;
        const passes = error.status === 429 || error.code === "offline";
        if (!passes || tries === MOST_TRIES || this.#stopped) {
          row.problem = error;
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, PATIENCE_MS));
      }
    }
  }

  /** Wait until something is so; jobs tell when to look again. */
  async #until(condition) {
    while (!condition()) {
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, 1000);
        this.#jobs.addEventListener("change", () => (clearTimeout(timer), resolve()), { once: true });
      });
    }
  }

  async #stop() {
    this.#stopped = true;
    const running = this.#rows.filter(({ job }) => job !== null && !job.ended);
    await Promise.allSettled(running.map(({ job }) => this.#jobs.cancel(job)));
  }

  /** All finished videos and their captions as one file, with a list of what became of each row. */
  async #save() {
    const { trouble } = this.#parts;
    trouble.textContent = "";
    const button = buttonFor(this.#dialog, "zip");
    button.disabled = true;
    try {
      const files = [];
      const lines = ["file,outcome"];
      for (const [place, row] of this.#rows.entries()) {
        lines.push([row.file.name, this.#words(row)].map(cell).join(","));
        if (!this.#finished.includes(row)) continue;
        const stem = `${String(place + 1).padStart(2, "0")}-${plainName(row.file.name)}`;
        files.push({ name: `${stem}.mp4`, blob: await fetched(row.job.videoUrl) });
        const { captionsUrl } = row.job.record;
        if (captionsUrl) files.push({ name: `${stem}.vtt`, blob: await fetched(captionsUrl) });
      }
      files.push({ name: "results.csv", blob: new Blob([`\ufeff${lines.join("\r\n")}\r\n`]) });
      const archive = URL.createObjectURL(await zipped(files));
      make("a", { href: archive, download: "portravox.zip" }).click();
      setTimeout(() => URL.revokeObjectURL(archive), 60_000);
    } catch (error) {
      trouble.textContent = wordsFor(error.code === undefined ? { code: "offline" } : error);
    } finally {
      button.disabled = false;
    }
  }
}

async function fetched(url) {
  const response = await fetch(url, { credentials: "omit" });
  if (!response.ok) throw Object.assign(new Error("gone"), { code: "offline" });
  return response.blob();
}

/** A cell of CSV; one that a spreadsheet would take for a formula is none any more. */
function cell(words) {
  const plain = /^[=+\-@\t\r]/.test(words) ? `'${words}` : words;
  return `"${plain.replaceAll('"', '""')}"`;
}

/** A file's name without its ending, in letters that every system takes. */
function plainName(name) {
  return name.replace(/\.\w+$/, "").replace(/[^\p{L}\p{N}_-]+/gu, "-").slice(0, 60) || "video";
}
