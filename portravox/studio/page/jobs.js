// Videos that were asked for: followed until they end, remembered, several at once.
//
// Flow      app -> Jobs.add -> Api.follow -> Job changes -> stage, history
//           store -> Jobs.open, after a reload
import { reachable, Refusal } from "./api.js";

/** How long a server keeps a finished video, unless it says otherwise. */
const LIFE_MS = 24 * 3600 * 1000;

/** How long this browser keeps what a video was made of after the server forgot it, so that it can
 * be made again. */
const KEPT_MS = 7 * 24 * 3600 * 1000;

export class Job extends EventTarget {
  #videoUrl = null;

  constructor(record, life_ms = LIFE_MS) {
    super();
    /** What is remembered: id, taskId, createdAt, status, values, seconds, portrait, voice, …; what
     * its owner called it, `pinned`, the last frame, and the video itself where it is kept here. */
    this.record = record;
    this.life_ms = life_ms;
    this.stage = null;
    this.done = 0;
    this.position = null;
    this.remaining_s = null;
    this.offline = false;
    this.canceling = false;
    /** Whether its owner wants to be told when it is ready. */
    this.notifies = false;
    this.following = new AbortController();
  }

  get id() {
    return this.record.id;
  }

  get status() {
    return this.record.status;
  }

  get ended() {
    return !["PENDING", "RUNNING"].includes(this.status);
  }

  /** When the server forgets it, milliseconds since 1970; null while it is being made. */
  get expiresAt() {
    return this.record.endedAt === undefined ? null : this.record.endedAt + this.life_ms;
  }

  /** Whether this browser has the video itself. */
  get isKept() {
    return this.record.video instanceof Blob;
  }

  /** Whether it was finished, and nobody has it any more. */
  get expired() {
    return this.status === "SUCCEEDED" && !this.isKept && this.expiresAt <= Date.now();
  }

  /** Where the video is: here, if it is kept here, else on the server. */
  get videoUrl() {
    if (!this.isKept) return this.record.videoUrl;
    this.#videoUrl ??= URL.createObjectURL(this.record.video);
    return this.#videoUrl;
  }

  /** What its owner called it, or the name of the voice. */
  get title() {
    return this.record.title || this.record.voice.name.replace(/\.\w{1,5}$/, "");
  }

  get fileName() {
    const plain = (words) => words.replace(/\.\w+$/, "").replace(/[^\p{L}\p{N}_-]+/gu, "-");
    const name = plain(this.record.title || this.record.portrait.name) || "portrait";
    return `${name}-${new Date(this.record.createdAt).toISOString().slice(0, 10)}.mp4`;
  }

  /** Whether this browser, too, has kept it long enough. */
  get outworn() {
    return this.ended && !this.record.pinned && this.expiresAt + KEPT_MS <= Date.now();
  }

  /** Take over what the server says; null: it could not be reached. */
  hear(output) {
    this.offline = output === null;
    if (output !== null) {
      const record = this.record;
      record.status = output.task_status;
      this.stage = output.stage ?? null;
      this.done = output.progress ?? 0;
      this.position = output.queue_position ?? null;
      this.remaining_s = output.remaining_s ?? null;
      if (this.ended) {
        record.endedAt ??= Date.now();
        record.code = output.code ?? (record.status === "UNKNOWN" ? "UNKNOWN" : undefined);
        record.message = output.message;
        record.reason = output.reason;
        record.explanation = output.explanation;
        const { video_url: video, captions_url: captions } = output.results ?? {};
        if (video) record.videoUrl = reachable(video);
        if (captions) record.captionsUrl = reachable(captions);
      }
    }
    this.changed();
  }

  changed() {
    this.dispatchEvent(new Event("change"));
  }
}

/** All jobs, the newest first. Tells "change" when one came, went or changed its status, and
 * "progress" whenever one was heard of; "ended" with the one that did. */
export class Jobs extends EventTarget {
  #api;
  #store;

  list = [];

  /** How long the server keeps a video, as it said. */
  life_ms = LIFE_MS;

  constructor(api, store) {
    super();
    this.#api = api;
    this.#store = store;
  }

  /** Take up what was remembered, unless that is long ago. */
  async open() {
    for (const record of await this.#store.all()) {
      const job = new Job(record, this.life_ms);
      if (job.outworn) {
        await this.#store.delete(job.id);
        continue;
      }
      this.list.push(job);
      if (!job.ended) this.#follow(job);
    }
    this.#changed();
  }

  /** A task that the server accepted. */
  add(record) {
    const job = new Job({ ...record, createdAt: Date.now(), status: "PENDING" }, this.life_ms);
    this.list.unshift(job);
    this.#keep(job);
    this.#follow(job);
    this.#changed();
    return job;
  }

  async #follow(job) {
    const { signal } = job.following;
    try {
      for await (const output of this.#api.follow(job.record.taskId, { signal })) {
        const before = job.status;
        job.hear(output);
        this.dispatchEvent(new Event("progress"));
        if (job.status !== before) {
          this.#keep(job);
          this.#changed();
          if (job.ended) this.dispatchEvent(new CustomEvent("ended", { detail: job }));
        }
      }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      // The key will not do (any more): the task goes on, and is followed again with another.
      job.offline = true;
      job.changed();
    }
  }

  /** Follow again what was given up, after signing in. */
  resume() {
    for (const job of this.list) {
      if (job.ended || !job.offline) continue;
      job.following.abort();
      job.following = new AbortController();
      this.#follow(job);
    }
  }

  /** Stop a job on the server. Raises Refusal. */
  async cancel(job) {
    job.canceling = true;
    job.changed();
    try {
      await this.#api.cancel(job.record.taskId);
    } finally {
      job.canceling = false;
      job.changed();
    }
  }

  /** Remove a job from this browser; the server finishes what it has begun. */
  async forget(job) {
    job.following.abort();
    this.list = this.list.filter((other) => other !== job);
    await this.#store.delete(job.id);
    this.#changed();
  }

  /** Call it something; nothing is the voice's name again. */
  rename(job, title) {
    job.record.title = title.trim().slice(0, 120) || undefined;
    this.#keep(job);
    job.changed();
  }

  /** Keep a take first and for good, with its video as far as this browser may load it; or no more. */
  async pin(job, pinned) {
    job.record.pinned = pinned || undefined;
    if (!pinned) job.record.video = undefined;
    this.#keep(job);
    this.#changed();
    if (!pinned || job.status !== "SUCCEEDED" || job.expired) return;
    try {
      const response = await fetch(job.record.videoUrl, { credentials: "omit" });
      if (!response.ok || !job.record.pinned) return;
      job.record.video = await response.blob();
    } catch {
      return; // a store of objects elsewhere: the take stays first, its video goes when it goes
    }
    this.#keep(job);
    job.changed();
  }

  /** Remember a picture of the last frame. */
  keepFrame(job, frame) {
    job.record.frame = frame;
    this.#keep(job);
    job.changed();
  }

  /** Forget what has been kept long enough. */
  async tidy() {
    for (const job of [...this.list]) {
      if (job.outworn) await this.forget(job);
    }
  }

  #keep(job) {
    this.#store.put(job.record).catch(() => {}); // no room left: it lives as long as the page
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
