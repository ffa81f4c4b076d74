// Videos that were asked for: followed until they end, remembered, several at once.
//
// Flow      app -> Jobs.add -> Api.follow -> Job changes -> stage, history
//           store -> Jobs.open, after a reload
import { reachable, Refusal } from "./api.js";

/** How long the server keeps a finished video. */
const LIFE_MS = 24 * 3600 * 1000;

/** How long this browser keeps what an ended video was made of, so that it can be made again. */
const KEPT_MS = 8 * 24 * 3600 * 1000;

export class Job extends EventTarget {
  constructor(record) {
    super();
    /** What is remembered: id, taskId, createdAt, status, values, seconds, portrait, voice, … */
    this.record = record;
    this.stage = null;
    this.done = 0;
    this.position = null;
    this.remaining_s = null;
    this.offline = false;
    this.canceling = false;
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
    return this.record.endedAt === undefined ? null : this.record.endedAt + LIFE_MS;
  }

  /** Whether it was finished, and the server has forgotten it since. */
  get expired() {
    return this.status === "SUCCEEDED" && this.expiresAt <= Date.now();
  }

  /** Whether this browser, too, has kept it long enough. */
  get outworn() {
    return this.ended && this.record.endedAt + KEPT_MS <= Date.now();
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
        if (output.results) record.videoUrl = reachable(output.results.video_url);
      }
    }
    this.changed();
  }

  changed() {
    this.dispatchEvent(new Event("change"));
  }
}

/** All jobs, the newest first. Tells "change" when one came, went or changed its status, and
 * "progress" whenever one was heard of. */
export class Jobs extends EventTarget {
  #api;
  #store;

  list = [];

  constructor(api, store) {
    super();
    this.#api = api;
    this.#store = store;
  }

  /** Take up what was remembered, unless that is long ago. */
  async open() {
    for (const record of await this.#store.all()) {
      const job = new Job(record);
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
    const job = new Job({ ...record, createdAt: Date.now(), status: "PENDING" });
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
