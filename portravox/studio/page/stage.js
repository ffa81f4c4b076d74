// The stage: one job, from waiting to a playing video, beside the photograph it came from.
//
// Flow      Job -> stage -> progress, preview, player
import { Refusal } from "./api.js";
import { announce, buttonFor, make, onAction, partsOf, showIcon } from "./parts.js";
import { wordsFor } from "./refusals.js";
import { label, percent, say, sayNothing, span, text } from "./texts.js";

/** The server draws a preview a second; the first is looked out for more often. */
const PREVIEW_APART_MS = 1000;
const FIRST_PREVIEW_APART_MS = 250;

export class Stage {
  #root = document.getElementById("stage");
  #parts = partsOf(this.#root);
  #api;
  #job = null;
  #listening = new AbortController();
  #photograph = null;
  #previewUrl = null;
  #previewing = false;
  #broken = null; // why a finished video cannot be shown

  /** `remake(job)` puts a job's files and choices back; `cancel(job)` stops it. */
  constructor(api, { remake, cancel }) {
    this.#api = api;
    const { video, scrub } = this.#parts;
    onAction(this.#root, {
      remake: () => remake(this.#job),
      cancel: () => cancel(this.#job),
      play: () => (video.paused ? video.play() : video.pause()),
      back: () => this.#step(-1),
      forward: () => this.#step(1),
      mute: (button) => {
        video.muted = !video.muted;
        button.setAttribute("aria-pressed", video.muted);
        showIcon(button, video.muted ? "silence" : "sound");
      },
      loop: (button) => {
        video.loop = !video.loop;
        button.setAttribute("aria-pressed", video.loop);
      },
      full: () => video.requestFullscreen?.() ?? video.webkitEnterFullscreen?.(),
    });
    scrub.addEventListener("input", () => this.#seek(Number(scrub.value)));
    video.addEventListener("click", () => (video.paused ? video.play() : video.pause()));
    for (const name of ["play", "pause", "ended"]) {
      video.addEventListener(name, () => this.#showPlaying());
    }
    for (const name of ["seeked", "loadedmetadata"]) {
      video.addEventListener(name, () => this.#showMoment());
    }
    video.addEventListener("error", () => {
      if (video.src && this.#job?.status === "SUCCEEDED") this.#explain(this.#job);
    });
    this.#root.addEventListener("keydown", (event) => this.#onKey(event));
  }

  get job() {
    return this.#job;
  }

  /** Put a job on the stage, or nothing. */
  show(job) {
    this.#listening.abort();
    this.#listening = new AbortController();
    this.#job = job;
    this.#root.hidden = job === null;
    for (const url of [this.#photograph, this.#previewUrl]) if (url) URL.revokeObjectURL(url);
    this.#photograph = this.#previewUrl = this.#broken = null;
    const { video, preview, photograph } = this.#parts;
    video.pause();
    video.removeAttribute("src");
    preview.removeAttribute("src");
    if (job === null) return;
    this.#photograph = URL.createObjectURL(job.record.portrait.blob);
    preview.src = this.#photograph; // until there is a frame
    photograph.src = this.#photograph;
    photograph.alt = text("stage.photograph");
    const { width, height } = job.record.portrait;
    this.#root.style.setProperty("--ratio", `${width} / ${height}`);
    this.#root.style.setProperty("--result-ratio", job.record.values.paste_back ? `${width} / ${height}` : "1");
    let before = job.status;
    const { signal } = this.#listening;
    job.addEventListener(
      "change",
      () => {
        this.render();
        if (job.status !== before) this.#announce(job);
        before = job.status;
      },
      { signal },
    );
    this.render();
    this.#previewWhileRunning(job, signal);
  }

  #announce(job) {
    const key = { SUCCEEDED: "done", FAILED: "failed", UNKNOWN: "failed" }[job.status];
    if (key) announce(text(`stage.announce.${key}`));
  }

  /** Show everything as it is now, in the language of now. */
  render() {
    const job = this.#job;
    if (job === null) return;
    const { title, state, progress, player, download, caption, sorry, video, preview } = this.#parts;
    const { expired } = job;
    const done = job.status === "SUCCEEDED" && !expired;
    const failed = ["FAILED", "UNKNOWN"].includes(job.status);
    const canceled = job.status === "CANCELED";
    const ending = { done, failed, canceled, expired };
    const end = Object.keys(ending).find((name) => ending[name]);
    say(title, `stage.title.${end ?? "running"}`);
    if (done) say(state, "stage.expires", { time: span((job.expiresAt - Date.now()) / 1000) });
    else sayNothing(state);
    progress.hidden = job.ended;
    const problem = failed ? job.record : this.#broken;
    player.hidden = video.hidden = !done || problem !== null;
    download.hidden = !done;
    preview.hidden = job.ended;
    sorry.hidden = problem === null && !canceled && !expired;
    this.#parts.screen.classList.toggle("waiting", !job.ended && !this.#previewUrl);
    say(caption, job.ended || !this.#previewUrl ? "stage.video" : "stage.preview");
    buttonFor(this.#root, "remake").hidden = !job.ended;
    const cancel = buttonFor(this.#root, "cancel");
    cancel.hidden = job.ended;
    cancel.disabled = job.canceling;
    if (!job.ended) this.#showProgress(job);
    if (problem !== null) {
      const { explanation } = problem;
      const detail = explanation ? [make("p", { className: "hint", textContent: explanation })] : [];
      sorry.replaceChildren(make("p", { textContent: wordsFor(problem) }), ...detail);
    }
    if (canceled) sorry.textContent = text("stage.canceled");
    if (expired) {
      video.pause();
      sorry.textContent = text("stage.expired");
    }
    if (done && video.getAttribute("src") !== job.record.videoUrl) {
      video.src = job.record.videoUrl;
      download.href = job.record.videoUrl;
      download.download = fileName(job);
      this.#parts.scrub.max = this.#frames - 1;
      this.#showPlaying();
    }
  }

  /** Find out why a finished video did not load, and say it. */
  async #explain(job) {
    let problem = { code: "unplayable" };
    try {
      const output = await this.#api.task(job.record.taskId);
      if (output.task_status === "UNKNOWN") problem = { code: "UNKNOWN" };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      problem = error;
    }
    if (this.#job !== job) return;
    this.#broken = problem;
    this.render();
  }

  #showProgress(job) {
    const { bar, step, remaining } = this.#parts;
    bar.setAttribute("aria-valuenow", Math.round(job.done * 100));
    bar.firstElementChild.style.transform = `scaleX(${job.done})`;
    bar.classList.toggle("unknown", job.status === "PENDING");
    const words = [];
    if (job.canceling) words.push(text("stage.canceling"));
    else if (job.offline) words.push(text("stage.reconnecting"));
    else if (job.status === "PENDING") {
      words.push(text("stage.waiting"));
      if (job.position === 0) words.push(text("stage.next"));
      else if (job.position > 0) words.push(text("stage.position", { count: job.position }));
    } else {
      words.push(text(`stage.${job.stage ?? "download"}`));
      if (job.done > 0) words.push(percent(job.done));
    }
    step.textContent = words.join(" · ");
    remaining.textContent =
      job.remaining_s === null || job.offline
        ? ""
        : text("stage.remaining", { time: span(job.remaining_s) });
  }

  // The latest frame, again and again, while this job is on the stage.
  async #previewWhileRunning(job, signal) {
    if (this.#previewing === job) return;
    this.#previewing = job;
    while (!signal.aborted && !job.ended) {
      if (job.stage === "render" && !document.hidden && !job.offline) {
        const frame = await this.#api.preview(job.record.taskId, { signal });
        if (signal.aborted || job.ended) break;
        if (frame !== null) this.#showPreview(frame);
      }
      const apart_ms = this.#previewUrl ? PREVIEW_APART_MS : FIRST_PREVIEW_APART_MS;
      await new Promise((resolve) => setTimeout(resolve, apart_ms));
    }
    if (this.#previewing === job) this.#previewing = null;
  }

  #showPreview(frame) {
    const { preview } = this.#parts;
    const before = this.#previewUrl;
    this.#previewUrl = URL.createObjectURL(frame);
    preview.src = this.#previewUrl;
    if (before) URL.revokeObjectURL(before);
    this.render();
  }

  // ---- the player

  get #fps() {
    return this.#job.record.values.video_fps;
  }

  get #frames() {
    return Math.max(1, Math.round(this.#job.record.seconds * this.#fps));
  }

  get #frame() {
    return Math.min(this.#frames - 1, Math.floor(this.#parts.video.currentTime * this.#fps + 0.01));
  }

  /** Show a frame: its middle, so that rounding cannot show its neighbour. */
  #seek(frame) {
    const { video } = this.#parts;
    video.pause();
    const wanted = Math.max(0, Math.min(this.#frames - 1, frame));
    video.currentTime = (wanted + 0.5) / this.#fps;
    this.#showMoment();
  }

  #step(frames) {
    this.#seek(this.#frame + frames);
  }

  #onKey(event) {
    if (this.#job?.status !== "SUCCEEDED" || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = { ",": -1, ".": 1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    this.#step(step);
  }

  #showPlaying() {
    const { video } = this.#parts;
    const button = buttonFor(this.#parts.player, "play");
    showIcon(button, video.paused ? "play" : "pause");
    label(button, video.paused ? "player.play" : "player.pause");
    const next = () => {
      this.#showMoment();
      if (!video.paused && !video.ended) requestAnimationFrame(next);
    };
    next();
  }

  #showMoment() {
    if (this.#job?.status !== "SUCCEEDED") return;
    const { scrub, moment } = this.#parts;
    const frame = this.#frame;
    scrub.value = frame;
    scrub.style.setProperty("--share", this.#frames > 1 ? frame / (this.#frames - 1) : 0);
    const words = text("player.moment", { frame: frame + 1, frames: this.#frames });
    scrub.setAttribute("aria-valuetext", words);
    moment.textContent = `${frame + 1} / ${this.#frames}`;
  }

  /** Bring the stage into view. */
  reveal() {
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.#root.scrollIntoView({ block: "start", behavior: calm ? "auto" : "smooth" });
  }
}

function fileName(job) {
  const name = job.record.portrait.name.replace(/\.\w+$/, "").replace(/[^\p{L}\p{N}_-]+/gu, "-");
  const day = new Date(job.record.createdAt).toISOString().slice(0, 10);
  return `${name || "portrait"}-${day}.mp4`;
}
