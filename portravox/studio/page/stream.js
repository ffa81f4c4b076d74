// A video that plays while it is made: the server's stream, by Media Source, where the preview is.
//
// Flow      Job, Api.stream -> watch -> a video element of its own -> the stage's player goes on
//
// Where it cannot be had (an old browser, another machine renders it, a cut line), the preview stays
// what it was.

/** Safari on phones has a Media Source that decides itself when it is fed. */
const Source = globalThis.ManagedMediaSource ?? globalThis.MediaSource;

/** Until it begins to play, so much has to be there; twice as much each time it ran dry. */
const LEAD_S = 0.5;
const MAX_LEAD_S = 8;

/** Until a stream that was cut is asked for again: the next attempt has to begin first. */
const AGAIN_MS = 1000;

/**
 * Show a job's video as it is made, and hand over to `video` once that has the finished one.
 * `watching.held`: whether who watches has stopped it.
 * @param {any} job
 * @param {{api: any, video: HTMLVideoElement, watching: {held: boolean}, signal: AbortSignal}} how
 */
export async function watch(job, { api, video, watching, signal }) {
  if (Source === undefined) return;
  while (await renders(job, signal)) {
    const body = await api.stream(job.record.taskId, { signal });
    const element = document.createElement("video");
    element.addEventListener("click", () => {
      watching.held = !element.paused;
      if (watching.held) element.pause();
      else element.play();
    });
    if (body !== null) await showing(element, body, job, { video, signal });
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

/** Whether a job is being drawn now, or will be: waits for it. */
function renders(job, signal) {
  return new Promise((resolve) => {
    const heard = new AbortController();
    const look = () => {
      const over = signal.aborted || job.ended;
      if (!over && job.stage !== "render") return;
      heard.abort();
      resolve(!over);
    };
    job.addEventListener("change", look, { signal: heard.signal });
    signal.addEventListener("abort", look, { signal: heard.signal });
    look();
  });
}

/** One attempt's video, from its first piece until the job has ended or the line was cut. */
async function showing(element, body, job, { video, signal }) {
  element.className = "watched";
  element.playsInline = true;
  element.addEventListener("loadeddata", () => video.after(element), { once: true });
  const gone = new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  try {
    await taken(element, body);
    await Promise.race([gone, ended(job)]);
    if (!signal.aborted && job.status === "SUCCEEDED") await handedOver(element, video, gone);
  } catch {
    // Cut, or more than the browser takes: the preview goes on.
  } finally {
    body.cancel().catch(() => {});
    element.pause();
    element.removeAttribute("src");
    element.remove();
  }
}

/**
 * Feed all of a stream to an element, which plays it as soon as there is enough.
 * @param {HTMLVideoElement} element
 * @param {ReadableStream<Uint8Array<ArrayBuffer>>} body
 */
async function taken(element, body) {
  const reader = body.getReader();
  try {
    let begun = new Uint8Array();
    while (begun.length < beginning(begun)) {
      const { value, done } = await reader.read();
      if (done) return;
      begun = new Uint8Array([...begun, ...value]);
    }
    const codecs = codecsOf(begun);
    leaveOutEdits(begun);
    const source = new Source();
    element.disableRemotePlayback = true; // a managed source asks for it
    const address = URL.createObjectURL(source);
    element.src = address;
    await once(source, "sourceopen");
    URL.revokeObjectURL(address);
    const buffer = source.addSourceBuffer(`video/mp4; codecs="${codecs}"`);
    playWithLead(element, buffer, source);
    for (let piece = begun; piece !== undefined; piece = (await reader.read()).value) {
      buffer.appendBuffer(piece);
      await once(buffer, "updateend");
    }
    source.endOfStream();
  } finally {
    reader.releaseLock();
  }
}

/** How long the boxes ftyp and moov are, which say what follows: endless until that is known. */
function beginning(bytes) {
  const view = new DataView(bytes.buffer);
  if (bytes.length < 8) return Infinity;
  const first = view.getUint32(0);
  return bytes.length < first + 8 ? Infinity : first + view.getUint32(first);
}

/** Where a box of a name is. */
function placeOf(bytes, name) {
  const letters = [...name].map((letter) => letter.charCodeAt(0));
  return bytes.findIndex((_, start) => letters.every((byte, n) => bytes[start + n] === byte));
}

/**
 * Without the edit list that cuts off what the encoder of sound begins with: Firefox takes a packet
 * of no length for a gap, and drops all pictures up to the next one that is whole. The sound is 21 ms
 * late instead, until the finished video takes over.
 */
function leaveOutEdits(bytes) {
  const at = placeOf(bytes.subarray(0, beginning(bytes)), "edts");
  if (at >= 0) bytes.set([0x66, 0x72, 0x65, 0x65], at); // "free": to be passed over
}

/** What Media Source has to be told. */
function codecsOf(bytes) {
  const at = placeOf(bytes, "avcC");
  const profile = [...bytes.slice(at + 5, at + 8)];
  const digits = profile.map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return `avc1.${digits}, mp4a.40.2`;
}

/** Play once there is enough ahead. Where drawing is slower than time, better pause now and then for
 * long than stutter. */
function playWithLead(element, buffer, source) {
  let lead_s = LEAD_S;
  let holding = true;
  const start = () => {
    const { buffered, currentTime } = element;
    const until = buffered.length === 0 ? 0 : buffered.end(buffered.length - 1);
    if (!holding || (until - currentTime < lead_s && source.readyState === "open")) return;
    holding = false;
    element.play().catch(() => {
      // With sound it may not, before the page was touched.
      element.muted = true;
      element.play().catch(() => {});
    });
  };
  buffer.addEventListener("updateend", start);
  source.addEventListener("sourceended", start);
  element.addEventListener("waiting", () => {
    if (holding || source.readyState !== "open") return;
    holding = true;
    lead_s = Math.min(2 * lead_s, MAX_LEAD_S);
    element.pause();
  });
}

/** Let the player of the finished video go on where this one is. */
async function handedOver(element, video, gone) {
  if (element.ended || element.currentTime === 0) return;
  const plays = !element.paused;
  if (video.readyState < HTMLMediaElement.HAVE_METADATA) {
    await Promise.race([gone, once(video, "loadedmetadata")]);
  }
  element.pause();
  video.muted = element.muted;
  video.currentTime = element.currentTime;
  await Promise.race([gone, once(video, "seeked")]);
  if (plays) await video.play().catch(() => {});
}

function ended(job) {
  return new Promise((resolve) => {
    const look = () => {
      if (!job.ended) return;
      job.removeEventListener("change", look);
      resolve(undefined);
    };
    job.addEventListener("change", look);
    look();
  });
}

/** The next event of a name; raises where an "error" comes first. */
function once(target, name) {
  return new Promise((resolve, reject) => {
    const heard = new AbortController();
    const { signal } = heard;
    target.addEventListener(name, () => (heard.abort(), resolve(undefined)), { signal });
    target.addEventListener("error", () => (heard.abort(), reject(new Error(name))), { signal });
  });
}
