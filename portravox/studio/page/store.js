// What this browser remembers of its videos, in IndexedDB: photograph, voice, choices, outcome.
//
// A browser that keeps nothing (a private window) gets a store that forgets when the page closes.

const DATABASE = "portravox";
const JOBS = "jobs";

function finished(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function opened() {
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(JOBS, { keyPath: "id" });
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
}
