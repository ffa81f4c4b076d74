// The public API, as any other client uses it: nothing here is private to this page.
//
// Flow      portrait, voice, jobs -> api -> the server

/** The server said no, or nothing at all. */
export class Refusal extends Error {
  /**
   * @param {string} code
   * @param {string} message
   * @param {number} status
   * @param {{reason?: string, explanation?: string, hint?: string}} why
   */
  constructor(code, message, status = 0, { reason, explanation, hint } = {}) {
    super(message);
    this.code = code;
    this.status = status;
    /** Ours, where the server knows: which rule, its value, and what would help. */
    this.reason = reason;
    this.explanation = explanation;
    this.hint = hint;
  }
}

const MODEL = "liveportrait";
const RESOLVE = { "X-DashScope-OssResourceResolve": "enable" };

/** How often a task is asked for where its events do not come. */
const POLL_APART_MS = 1500;

/** How long to wait before the server is tried again that could not be reached. */
const RETRY_APART_MS = 3000;

/** The first event comes at once. A stream without one is being held back by something between. */
const FIRST_EVENT_MS = 5000;

/** An address of this server. It may live below a path of somebody else's. */
export function here(path) {
  return new URL(path, document.baseURI).href;
}

/** An address that the server gave, as this page reaches it. The server names itself by the
 * address it was told to have, which need not be the one in the address bar. */
export function reachable(address) {
  const given = new URL(address, document.baseURI);
  if (given.origin === location.origin) return given.href;
  return here(given.pathname.replace(/^\//, "") + given.search);
}

/**
 * What a request carries. `key`: instead of the one at hand; null is none.
 * @typedef {{body?: unknown, headers?: Record<string, string>, signal?: AbortSignal, key?: string | null}} Sent
 */

export class Api {
  /** `key()` gives the API key or null; `onRefusedKey()` hears that it will not do. */
  constructor({ key, onRefusedKey }) {
    this.key = key;
    this.onRefusedKey = onRefusedKey;
  }

  /**
   * One request; the answer's body. Raises Refusal.
   * @param {string} method
   * @param {string} path
   * @param {Sent} sent
   */
  async call(method, path, { body, headers, signal, key = this.key() } = {}) {
    const response = await this.#send(method, path, { body, headers, signal, key });
    return response.json();
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {Sent} sent
   */
  async #send(method, path, { body, headers = {}, signal, key = this.key() }) {
    let response;
    try {
      response = await fetch(here(`api/v1/${path}`), {
        method,
        headers: {
          ...(key === null ? {} : { Authorization: `Bearer ${key}` }),
          ...(body === undefined ? {} : { "Content-Type": "application/json" }),
          ...headers,
        },
        body: body === undefined ? undefined : JSON.stringify(body),
        signal,
        cache: "no-store",
        credentials: "omit",
      });
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new Refusal("offline", String(error));
    }
    if (response.ok) return response;
    let said = {};
    try {
      said = await response.json();
    } catch {
      // A proxy's page, not our server's words.
    }
    if (response.status === 401) this.onRefusedKey();
    throw new Refusal(
      said.code ?? (response.status === 503 ? "ModelUnavailable" : "other"),
      said.message ?? response.statusText,
      response.status,
      said,
    );
  }

  /** Whether the server takes this key. Raises Refusal where it cannot be asked. */
  async accepts(key) {
    try {
      await this.call("GET", "tasks?page_size=1", { key });
      return true;
    } catch (error) {
      if (error instanceof Refusal && error.status === 401) return false;
      throw error;
    }
  }

  /**
   * Put a file on the server by a temporary-upload policy; its oss:// link, good for 48 hours.
   * @param {Blob} blob
   * @param {string} name
   * @param {{onProgress?: (share: number) => void, signal?: AbortSignal}} how
   */
  async upload(blob, name, { onProgress = () => {}, signal } = {}) {
    const { data } = await this.call("GET", `uploads?action=getPolicy&model=${MODEL}`, { signal });
    const key = `${data.upload_dir}/${name}`;
    const form = new FormData();
    form.append("OSSAccessKeyId", data.oss_access_key_id);
    form.append("Signature", data.signature);
    form.append("policy", data.policy);
    form.append("key", key);
    form.append("x-oss-object-acl", data.x_oss_object_acl);
    form.append("x-oss-forbid-overwrite", data.x_oss_forbid_overwrite);
    form.append("success_action_status", "200");
    form.append("file", blob, name);
    await this.#post(reachable(data.upload_host), form, onProgress, signal);
    return `oss://${key}`;
  }

  // fetch does not tell how much has been sent.
  #post(address, form, onProgress, signal) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      const stop = () => request.abort();
      signal?.addEventListener("abort", stop);
      request.open("POST", address);
      request.upload.onprogress = ({ loaded, total }) => onProgress(loaded / total);
      request.onload = () => {
        signal?.removeEventListener("abort", stop);
        if (request.status === 200) return resolve();
        let said = {};
        try {
          said = JSON.parse(request.responseText);
        } catch {
          // Not our server's words.
        }
        reject(new Refusal(said.code ?? "other", said.message ?? request.statusText, request.status));
      };
      request.onerror = () => reject(new Refusal("offline", "upload"));
      request.onabort = () => reject(new DOMException("stopped", "AbortError"));
      request.send(form);
    });
  }

  /**
   * A file that this browser cannot open, as one that it can: a JPEG or a WAV. Raises Refusal.
   * @param {"image" | "audio"} file
   * @param {Blob} blob
   * @param {{signal?: AbortSignal}} how
   * @returns {Promise<Blob>}
   */
  async plain(file, blob, { signal } = {}) {
    const url = await this.upload(blob, file, { signal });
    const response = await this.#send("POST", "convert", { body: { file, url }, signal });
    return response.blob();
  }

  /**
   * Whether a portrait will do: `pass`, and beside it why, and where the faces are.
   * @param {string} link
   * @param {{signal?: AbortSignal}} how
   */
  async detect(link, { signal } = {}) {
    const body = { model: "liveportrait-detect", input: { image_url: link } };
    const path = "services/aigc/image2video/face-detect?explain=true";
    const { output } = await this.call("POST", path, { body, headers: RESOLVE, signal });
    return output;
  }

  /** Submit; the task's id. audio: null where the parameters have a text. `once`: the same text gives
   * the same task, sent once or twice. consent: id of what was ticked; null: nothing was asked. */
  async submit({ image, audio, parameters, consent, once }) {
    const input = inputOf({ image, audio, consent });
    const body = { model: MODEL, input, parameters };
    const headers = { ...RESOLVE, "X-DashScope-Async": "enable", "Idempotency-Key": once };
    const path = "services/aigc/image2video/video-synthesis";
    const { output } = await this.call("POST", path, { body, headers });
    return output.task_id;
  }

  /**
   * What is known about a task, with how far it is.
   * @param {string} id
   * @param {{signal?: AbortSignal}} how
   */
  async task(id, { signal } = {}) {
    return (await this.call("GET", `tasks/${id}?progress=true&explain=true`, { signal })).output;
  }

  /**
   * What happens to a task, until it has ended: each `output` as it changes, and null while the
   * server cannot be reached. By the task's events; where something between us and the server
   * holds them back, by asking again and again.
   */
  async *follow(id, { signal }) {
    let streams = true;
    while (!signal.aborted) {
      try {
        if (streams) {
          streams = false;
          for await (const output of this.#events(id, signal)) {
            streams = true;
            yield output;
            if (hasEnded(output)) return;
          }
        }
        const output = await this.task(id, { signal });
        yield output;
        if (hasEnded(output)) return;
        await pause(POLL_APART_MS, signal);
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof Refusal)) continue; // the stream was cut off
        if (error.code !== "offline" && error.status < 500) throw error;
        yield null;
        await pause(RETRY_APART_MS, signal);
      }
    }
  }

  // EventSource cannot send a key.
  async *#events(id, signal) {
    const giveUp = new AbortController();
    const stop = () => giveUp.abort();
    signal.addEventListener("abort", stop);
    const patience = setTimeout(stop, FIRST_EVENT_MS);
    try {
      const headers = { Accept: "text/event-stream" };
      const path = `tasks/${id}/events?explain=true`;
      const response = await this.#send("GET", path, { headers, signal: giveUp.signal });
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let unread = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        clearTimeout(patience);
        const blocks = (unread + value).split("\n\n");
        unread = blocks.pop();
        for (const block of blocks) {
          const data = block.split("\n").filter((line) => line.startsWith("data:"));
          if (data.length > 0) yield JSON.parse(data.map((line) => line.slice(5)).join("\n")).output;
        }
      }
    } finally {
      clearTimeout(patience);
      signal.removeEventListener("abort", stop);
      stop();
    }
  }

  /** Stop a task, running or not. */
  async cancel(id) {
    await this.call("POST", `tasks/${id}/cancel?force=true`);
  }

  /** The video of a running task as it is made; null where it is not to be had that way. */
  async stream(id, { signal }) {
    try {
      const response = await this.#send("GET", `tasks/${id}/stream`, { signal });
      if (!response.redirected) return response.body;
      await response.body?.cancel(); // it is ready, and played as such
      return null;
    } catch {
      return null; // the preview does
    }
  }

  /** The latest frame of a running task as a picture; null where there is none. */
  async preview(id, { signal }) {
    try {
      const response = await this.#send("GET", `tasks/${id}/preview`, { signal });
      return response.status === 200 ? await response.blob() : null;
    } catch {
      return null; // a preview is no reason to trouble anyone
    }
  }
}

/** What a submission is about. */
export function inputOf({ image, audio, consent }) {
  return {
    image_url: image,
    ...(audio !== null && { audio_url: audio }),
    ...(consent !== null && { consent }),
  };
}

/** Whether a task's `output` is its last. */
export function hasEnded(output) {
  return !["PENDING", "RUNNING"].includes(output.task_status);
}

function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}
