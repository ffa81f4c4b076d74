// The stage: one job, from waiting to a playing video. One picture, large; held, it is the photograph.
//
// Flow      Job -> stage -> progress, preview, player
import { Refusal } from "./api.js";
import { kept, keep } from "./kept.js";
import { announce, buttonFor, make, onAction, partsOf, showIcon } from "./parts.js";
import { wordsFor } from "./refusals.js";
import { watch } from "./stream.js";
import { exactNumber, exactSpan, label, percent, say, sayNothing, span, text } from "./texts.js";

/** The server draws a preview a second; the first is looked out for more often. */
const PREVIEW_APART_MS = 1000;
const FIRST_PREVIEW_APART_MS = 250;

/** How much of the picture has to be in view before it plays by itself. */
const IN_VIEW = 0.5;

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
  #untouched = true; // nobody has played or stepped: the large button waits in the middle
  #playsItself = false; // as soon as it is ready and in view
  #inView = false;

  /**
   * `remake(job)` puts a job's files and choices back; `cancel(job)` stops it; `notify(job)` asks
   * for a notice when it is ready.
   */
  constructor(api, { remake, cancel, notify }) {
    this.#api = api;
    const { video, scrub, screen } = this.#parts;
    onAction(this.#root, {
      remake: () => remake(this.#job),
      cancel: () => cancel(this.#job),
      notify: () => notify(this.#job),
      start: () => this.playOrPause(),
      play: () => this.playOrPause(),
      back: () => this.step(-1),
      forward: () => this.step(1),
      captions: () => this.#switchCaptions(),
      mute: (button) => {
        video.muted = !video.muted;
        button.setAttribute("aria-pressed", video.muted);
        showIcon(button, video.muted ? "silence" : "sound");
      },
      loop: (button) => {
        video.loop = !video.loop;
        button.setAttribute("aria-pressed", video.loop);
      },
      full: () => screen.requestFullscreen?.() ?? video.webkitEnterFullscreen?.(),
    });
    this.#compareWhileHeld(buttonFor(this.#root, "compare"));
    scrub.addEventListener("input", () => this.#seek(Number(scrub.value)));
    video.addEventListener("click", () => this.playOrPause());
    for (const name of ["play", "pause", "ended"]) {
      video.addEventListener(name, () => this.#showPlaying());
    }
    video.addEventListener("play", () => (this.#untouched = this.#playsItself = false));
    for (const name of ["seeked", "loadedmetadata"]) {
      video.addEventListener(name, () => this.#showMoment());
    }
    video.addEventListener("canplay", () => this.#playByItself());
    video.addEventListener("error", () => {
      if (video.src && this.#job?.status === "SUCCEEDED") this.#explain(this.#job);
    });
    document.addEventListener("visibilitychange", () => this.#playByItself());
    new IntersectionObserver(
      ([{ intersectionRatio }]) => {
        this.#inView = intersectionRatio >= IN_VIEW;
        this.#playByItself();
      },
      { threshold: IN_VIEW },
    ).observe(screen);
  }

  get job() {
    return this.#job;
  }

  get root() {
    return this.#root;
  }

  /** Whether there is a video that can be played now. */
  get playable() {
    return this.#job !== null && !this.#root.hidden && !this.#parts.player.hidden;
  }

  /** Make room for something else, or come back. */
  stepAside(isAside) {
    if (isAside) this.#parts.video.pause();
    this.#root.hidden = isAside || this.#job === null;
  }

  /** Put a job on the stage, or nothing. `plays`: it is to play as soon as it can. */
  show(job, { plays = false } = {}) {
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
    this.#compare(false);
    if (job === null) return;
    this.#untouched = true;
    this.#playsItself = plays && job.ended;
    this.#photograph = URL.createObjectURL(job.record.portrait.blob);
    preview.src = this.#photograph; // until there is a frame
    photograph.src = this.#photograph;
    const { width, height } = job.record.portrait;
    this.#root.style.setProperty("--result-ratio", job.record.values.paste_back ? `${width} / ${height}` : "1");
    let before = job.status;
    const watching = { held: false };
    const { signal } = this.#listening;
    job.addEventListener(
      "change",
      () => {
        if (job.status !== before && job.status === "SUCCEEDED") this.#playsItself = !watching.held;
        this.render();
        if (job.status !== before) this.#announce(job);
        before = job.status;
      },
      { signal },
    );
    this.render();
    this.#previewWhileRunning(job, signal);
    watch(job, { api: this.#api, video, watching, signal });
  }

  #announce(job) {
    const key = { SUCCEEDED: "done", FAILED: "failed", UNKNOWN: "failed" }[job.status];
    if (key) announce(text(`stage.announce.${key}`));
  }

  /** Show everything as it is now, in the language of now. */
  render() {
    const job = this.#job;
    if (job === null) return;
    const { title, state, progress, player, download, caption, video, preview } = this.#parts;
    const { expired } = job;
    const done = job.status === "SUCCEEDED" && !expired;
    const failed = ["FAILED", "UNKNOWN"].includes(job.status);
    const canceled = job.status === "CANCELED";
    const ending = { done, failed, canceled, expired };
    const end = Object.keys(ending).find((name) => ending[name]);
    say(title, `stage.title.${end ?? "running"}`);
    this.#parts.photograph.alt = text("stage.photograph");
    if (done && job.isKept) say(state, "stage.kept");
    else if (done) say(state, "stage.expires", { time: span((job.expiresAt - Date.now()) / 1000) });
    else sayNothing(state);
    progress.hidden = job.ended;
    const problem = failed ? job.record : this.#broken;
    player.hidden = video.hidden = !done || problem !== null;
    download.hidden = !done;
    preview.hidden = job.ended;
    this.#parts.screen.classList.toggle("waiting", !job.ended && !this.#previewUrl);
    caption.hidden = job.ended || !this.#previewUrl;
    say(caption, "stage.preview");
    buttonFor(this.#root, "remake").hidden = !job.ended;
    const cancel = buttonFor(this.#root, "cancel");
    cancel.hidden = job.ended;
    cancel.disabled = job.canceling;
    this.#showNotify(job);
    if (!job.ended) this.#showProgress(job);
    this.#showSorry({ problem, canceled, expired });
    if (expired) video.pause();
    if (done && video.getAttribute("src") !== job.videoUrl) {
      video.src = job.videoUrl;
      download.href = job.videoUrl;
      download.download = job.fileName;
      this.#parts.scrub.max = this.#frames - 1;
    }
    this.#showCaptions(done ? job : null);
    this.#showPlaying();
  }

  // Of a text or a transcript the server makes captions; they go when the server forgets them.
  #showCaptions(job) {
    const { captions, track, video } = this.#parts;
    const url = job === null || job.expiresAt <= Date.now() ? null : (job.record.captionsUrl ?? null);
    const drawn = job?.record.values.captions === "burned"; // shown once more they would cover each other
    captions.hidden = url === null;
    buttonFor(this.#root, "captions").hidden = url === null || drawn;
    if (url === null) track.removeAttribute("src");
    else if (track.getAttribute("src") !== url) {
      track.src = captions.href = url;
      captions.download = job.fileName.replace(/mp4$/, "vtt");
    }
    const [shown] = video.textTracks;
    const on = url !== null && !drawn && kept("captions") !== "off";
    shown.mode = on ? "showing" : "hidden";
    buttonFor(this.#root, "captions").setAttribute("aria-pressed", String(on));
  }

  #switchCaptions() {
    keep("captions", kept("captions") === "off" ? null : "off");
    this.render();
  }

  #showSorry({ problem, canceled, expired }) {
    const { sorry } = this.#parts;
    sorry.hidden = problem === null && !canceled && !expired;
    if (sorry.hidden) return;
    if (problem === null) {
      const time = span(this.#job.life_ms / 1000);
      sorry.textContent = text(expired ? "stage.expired" : "stage.canceled", { time });
      return;
    }
    const { explanation } = problem;
    const detail = explanation ? [make("p", { className: "hint", textContent: explanation })] : [];
    sorry.replaceChildren(make("p", { textContent: wordsFor(problem) }), ...detail);
  }

  #showNotify(job) {
    const notify = buttonFor(this.#root, "notify");
    const may = "Notification" in window && isSecureContext && Notification.permission !== "denied";
    notify.hidden = job.ended || !may || job.notifies;
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

  // ---- the photograph in the place of the video, for as long as a button is held

  #compareWhileHeld(button) {
    const end = () => this.#compare(false);
    button.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      button.setPointerCapture(event.pointerId);
      this.#compare(true);
    });
    button.addEventListener("contextmenu", (event) => event.preventDefault()); // a long touch
    for (const name of ["pointerup", "pointercancel", "blur"]) button.addEventListener(name, end);
    button.addEventListener("keydown", (event) => {
      if (![" ", "Enter"].includes(event.key)) return;
      event.preventDefault();
      this.#compare(true);
    });
    button.addEventListener("keyup", end);
  }

  #compare(held) {
    this.#parts.photograph.hidden = !held;
    buttonFor(this.#root, "compare").setAttribute("aria-pressed", String(held));
    this.#showStart();
  }

  // ---- the player

  /** Play it, or hold it. */
  playOrPause() {
    const { video } = this.#parts;
    if (!video.paused) return video.pause();
    return video.play().catch(() => {}); // what is wrong with it, its `error` event tells
  }

  #playByItself() {
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (!this.#playsItself || calm || !this.#inView || document.hidden || !this.playable) return;
    const { video } = this.#parts;
    if (video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA) return;
    this.#playsItself = false;
    if (video.paused) this.playOrPause();
  }

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
    this.#untouched = this.#playsItself = false;
    const wanted = Math.max(0, Math.min(this.#frames - 1, frame));
    video.currentTime = (wanted + 0.5) / this.#fps;
    this.#showStart();
    this.#showMoment();
  }

  /** Some frames on, or back. */
  step(frames) {
    this.#seek(this.#frame + frames);
  }

  #showStart() {
    const { video, photograph } = this.#parts;
    const waits = this.playable && video.paused && (this.#untouched || video.ended);
    buttonFor(this.#root, "start").hidden = !waits || !photograph.hidden;
  }

  #showPlaying() {
    const { video } = this.#parts;
    const button = buttonFor(this.#parts.player, "play");
    showIcon(button, video.paused ? "play" : "pause");
    label(button, video.paused ? "player.play" : "player.pause");
    this.#showStart();
    const next = () => {
      this.#showMoment();
      if (!video.paused && !video.ended) requestAnimationFrame(next);
    };
    next();
  }

  // Seconds while it moves; which frame it is, when it is held.
  #showMoment() {
    if (this.#job?.status !== "SUCCEEDED") return;
    const { scrub, moment, video } = this.#parts;
    const [frame, frames] = [this.#frame, this.#frames];
    scrub.value = frame;
    scrub.style.setProperty("--share", frames > 1 ? frame / (frames - 1) : 0);
    const at = exactNumber(video.ended ? this.#job.record.seconds : video.currentTime);
    const total = exactSpan(this.#job.record.seconds);
    const words = text("player.moment", { at, total });
    const held = text("player.moment.frame", { frame: frame + 1, frames });
    scrub.setAttribute("aria-valuetext", video.paused ? held : words);
    moment.textContent = video.paused && !this.#untouched && !video.ended ? held : words;
  }

  /** Bring the stage into view, where it is not. */
  reveal() {
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.#root.scrollIntoView({ block: "nearest", behavior: calm ? "auto" : "smooth" });
    this.#root.focus({ preventScroll: true });
  }
}
