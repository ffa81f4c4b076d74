// What this browser remembers of its videos, in IndexedDB: photograph, voice, choices, outcome.
//
// A browser that keeps nothing (a private window) gets a store that forgets when the page closes.

const DATABASE = "portravox";
const JOBS = "jobs";
const DESK = "desk";

function finished(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function opened() {
  const request = indexedDB.open(DATABASE, 2);
  request.onupgradeneeded = ({ oldVersion }) => {
    if (oldVersion < 1) request.result.createObjectStore(JOBS, { keyPath: "id" });
    if (oldVersion < 2) request.result.createObjectStore(DESK);
  };
  return finished(request);
}

export class Store {
  #database = opened().catch(() => null);
  #forgetful = new Map();

  async #jobs(mode) {
    const database = await this.#database;
    return database?.transaction(JOBS, mode).objectStore(JOBS) ?? null;
  }

  /** Remember a record under its id, in place of an older one. */
  async put(record) {
    const jobs = await this.#jobs("readwrite");
    if (jobs) await finished(jobs.put(record));
    else this.#forgetful.set(record.id, record);
  }

  /** All records, the newest first. */
  async all() {
    const jobs = await this.#jobs("readonly");
    const records = jobs ? await finished(jobs.getAll()) : [...this.#forgetful.values()];
    return records.sort((a, b) => b.createdAt - a.createdAt);
  }

  async delete(id) {
    const jobs = await this.#jobs("readwrite");
    if (jobs) await finished(jobs.delete(id));
    else this.#forgetful.delete(id);
  }

  /** Remember what is in a well or chosen (`portrait`, `voice`, `values`); null forgets it. A
   * browser that keeps nothing forgets it at once. */
  async keepOnDesk(name, what) {
    const database = await this.#database;
    const desk = database?.transaction(DESK, "readwrite").objectStore(DESK);
    if (desk) await finished(what === null ? desk.delete(name) : desk.put(what, name));
  }

  /** What was in the wells and chosen when the page was left. */
  async desk() {
    const database = await this.#database;
    const desk = database?.transaction(DESK, "readonly").objectStore(DESK);
    if (!desk) return { portrait: null, voice: null, values: null };
    const [portrait, voice, values] = await Promise.all(
      ["portrait", "voice", "values"].map((name) => finished(desk.get(name))),
    );
    return { portrait: portrait ?? null, voice: voice ?? null, values: values ?? null };
  }
}
