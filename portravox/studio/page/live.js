// Live: the portrait says what is spoken into the microphone, or typed, while it comes.
//
// Flow      portrait, direction, microphone | text -> a WebSocket -> Media Source -> the live stage
//                                                  -> WebRTC (call) -> the live stage
//
// Over WebRTC where the server holds such lines and one comes about, else over a WebSocket.
//
// The picture is kept near the end of what has come: what is live is not caught up with. While the
// microphone is on, the portrait's own sound is off at first: nobody can talk against himself half a
// second later, and the microphone would hear it.
import { here, Refusal } from "./api.js";
import { Call } from "./call.js";
import { dbfs, rms } from "./levels.js";
import { announce, buttonFor, make, onAction, partsOf, showIcon } from "./parts.js";
import { Recorder, whyNoDevice } from "./recorder.js";
import { wordsFor } from "./refusals.js";
import { label, languageChanges, say, sayNothing, text } from "./texts.js";

/** Safari on phones has a Media Source that decides itself when it is fed. */
const Source = globalThis.ManagedMediaSource ?? globalThis.MediaSource;

const PROTOCOL = "portravox.live";

/** How far behind the end of what has come the picture stays, and from where on it jumps there. */
const BEHIND_S = 0.3;
const TOO_FAR_S = 1.2;

/** So much of what was seen stays in memory. */
const KEPT_S = 10;

/** From the latest change of a control until it is sent. */
const CHANGE_AFTER_MS = 120;

/** What waits to be sent, at most: a line that is too slow loses sound and not its place in time. */
const MOST_UNSENT_BYTES = 256 * 1024;

/** Backgrounds that a live session does not take. */
const NEEDS_A_FILE = ["picture", "transparent"];

const DETAILS = ["idle", "too_long", "spent", "revoked", "stopping", "failed", "refused", "gone"];

export class Live extends EventTarget {
  #root = document.getElementById("live");
  #parts = partsOf(this.#root);
  #session;
  #portrait;
  #direction;
  #offer = null; // {options, changeable}: what a live session takes; null: none are held here
  #speech = null;
  #run = null; // the session that is on, or being begun
  #problem = null;
  #changing = null;
  #isUncalled = false; // a line over WebRTC did not come about: the next session does without

  constructor(session, { portrait, direction }) {
    super();
    [this.#session, this.#portrait, this.#direction] = [session, portrait, direction];
    onAction(this.#root, {
      stop: () => this.stop(),
      interrupt: () => this.#interrupt(),
      microphone: () => this.#switchMicrophone(),
      sound: () => this.#hear(this.#parts.video.muted),
    });
    this.#parts.say.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#sayText();
    });
    direction.addEventListener("change", () => this.#changeSoon());
    languageChanges.addEventListener("change", () => this.render());
    addEventListener("pagehide", () => this.stop());
  }

  /** What this server offers: `about.live` and `about.speech`. */
  offer(live, speech) {
    [this.#offer, this.#speech] = [live ?? null, speech];
    this.render();
  }

  get isOffered() {
    return this.#offer !== null;
  }

  /** Whether a session is on, or being begun. */
  get isOn() {
    return this.#run !== null;
  }

  /** Begin a session with the portrait of the well. Raises Refusal where that cannot be.
   * consent: id of the statement that was ticked; null: none is asked for. */
  async start(consent) {
    if (this.isOn) return;
    if (Source === undefined && !Call.isPossible) throw new Refusal("live_no_player", "");
    const run = new Run();
    this.#run = run;
    this.#problem = null;
    this.#show("connecting");
    const { photograph, video } = this.#parts;
    photograph.src = this.#portrait.address;
    this.#ratio(this.#portrait.picture);
    video.hidden = true;
    this.#reveal();
    try {
      const [image, isCalled] = await Promise.all([
        this.#portrait.link(),
        this.#place(),
        this.#listen(run),
      ]);
      if (this.#run !== run) return;
      const call = isCalled ? await this.#called(run) : null;
      if (this.#run !== run) return call?.close();
      if (call === null && Source === undefined) throw new Refusal("live_no_player", "");
      this.#hear(run.recorder === null);
      await this.#connect(run, call ?? this.#socket(), image, consent);
    } catch (error) {
      if (this.#run === run) this.stop();
      throw error;
    }
  }

  /** End it. */
  stop() {
    const run = this.#run;
    if (run === null) return;
    this.#run = null;
    run.close();
    const { video } = this.#parts;
    video.pause();
    video.removeAttribute("src");
    video.srcObject = null;
    video.load();
    this.#root.hidden = true;
    this.dispatchEvent(new Event("change"));
  }

  /** Whether it may go over WebRTC. Raises Refusal where no session may be begun; a process is made
   * ready meanwhile. */
  async #place() {
    const { output } = await this.#session.api.call("GET", "live");
    if (output.sessions_left < 1) throw new Refusal("live_taken", "");
    return output.webrtc === true && Call.isPossible && !this.#isUncalled;
  }

  /** A line over WebRTC; null where none comes about. */
  async #called(run) {
    const call = new Call(this.#parts.video, run.recorder?.track ?? null);
    try {
      if (await call.open(this.#session.api)) return call;
    } catch {
      // The WebSocket says what is wrong, if it is not the line.
    }
    call.close();
    this.#isUncalled = true;
    return null;
  }

  /** The microphone, if it may be used; without it there is typing, where that is spoken. */
  async #listen(run) {
    const recorder = new Recorder((block) => this.#heard(run, block), { isLive: true });
    try {
      await recorder.start();
      if (run.isOver) recorder.stop();
      else run.recorder = recorder;
    } catch (error) {
      const why = whyNoDevice(error);
      if (this.#speech === null) throw new Refusal(`live_microphone_${why}`, "");
      run.withoutMicrophone = why;
    }
  }

  #socket() {
    const address = new URL(here("api/v1/live"));
    address.protocol = address.protocol.replace("http", "ws");
    return new Socket(address, this.#session.api.key());
  }

  /** Begin the session over a line: a Call that is open, or a Socket that opens. */
  #connect(run, line, image, consent) {
    run.line = line;
    return new Promise((resolve, reject) => {
      const onOpen = () => {
        const parameters = this.#parameters(this.#offer.options);
        const rate = run.recorder?.rate ?? 48000;
        const agreed = consent === null ? {} : { consent };
        line.tell({ type: "start", image_url: image, sample_rate: rate, parameters, ...agreed });
      };
      const onMessage = (event) => {
        if (this.#run !== run) return;
        if (event.type === "started") resolve(undefined);
        this.#told(run, event);
      };
      const onEnd = () => {
        reject(this.#problem ?? new Refusal("offline", ""));
        if (this.#run === run) this.#ended(run);
      };
      if (line instanceof Call) {
        line.follow({ onMessage, onEnd });
        onOpen();
      } else {
        const onPiece = (piece) => run.player?.take(piece);
        line.follow({ onOpen, onMessage, onPiece, onEnd });
      }
    });
  }

  #told(run, event) {
    switch (event.type) {
      case "started":
        this.#watch(run, event);
        this.#ratio(event);
        break;
      case "cleared":
        run.player?.jump();
        break;
      case "error":
        this.#problem = new Refusal(event.code, event.message, 0, event);
        if (run.isLive) this.#complain(this.#problem);
        break;
      case "closed":
        run.reason = event.reason;
        break;
    }
  }

  #watch(run, event) {
    const { video } = this.#parts;
    const onFrame = () => this.#live(run);
    if (run.line instanceof Call) {
      // Pictures do not wait for messages: the first one may be there already.
      if (video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) onFrame();
      else video.addEventListener("loadeddata", onFrame, { once: true });
      playAnyway(video);
    } else {
      run.player = new Player(video, event.mime_type, onFrame);
    }
  }

  /** The first frame is seen. */
  #live(run) {
    if (this.#run !== run) return;
    run.isLive = true;
    this.#parts.video.hidden = false;
    this.#show("live");
    announce(text("live.announce"));
  }

  /** The server ended it, or the line did. */
  #ended(run) {
    const wasLive = run.isLive;
    const why = DETAILS.includes(run.reason) ? run.reason : "gone";
    this.stop();
    if (wasLive) this.dispatchEvent(new CustomEvent("ended", { detail: new Refusal(`live_${why}`, "") }));
  }

  // ---- what the user does

  #heard(run, block) {
    const { meter } = this.#parts;
    if (this.#run !== run) return;
    const level = run.isMuted ? -60 : dbfs(rms(block));
    const share = Math.max(0, Math.min(1, (level + 60) / 60));
    meter.firstElementChild.style.transform = `scaleX(${share})`;
    meter.setAttribute("aria-valuenow", String(Math.round(Math.max(-60, Math.min(0, level)))));
    if (!run.isLive || run.isMuted || !(run.line instanceof Socket)) return;
    const samples = new Int16Array(block.length);
    for (let n = 0; n < block.length; n++) samples[n] = Math.max(-1, Math.min(1, block[n])) * 32767;
    run.line.send(samples);
  }

  #switchMicrophone() {
    const run = this.#run;
    if (!run?.recorder) return;
    run.isMuted = !run.isMuted;
    if (run.line instanceof Call) run.line.hear(run.isMuted ? null : run.recorder.track);
    if (run.isMuted) run.tell({ type: "flush" });
    this.render();
  }

  #interrupt() {
    this.#run?.tell({ type: "clear" });
  }

  #hear(isHeard) {
    this.#parts.video.muted = !isHeard;
    this.render();
  }

  #sayText() {
    const run = this.#run;
    const { text: field } = this.#parts;
    const words = field.value.trim();
    if (!run?.isLive || words === "") return;
    this.#complain(null);
    if (run.recorder !== null && !run.isMuted) this.#switchMicrophone();
    run.tell({ type: "say", text: words });
    this.#hear(true);
    field.value = "";
  }

  #changeSoon() {
    if (!this.isOn) return;
    clearTimeout(this.#changing);
    this.#changing = setTimeout(() => {
      if (!this.#run?.isLive) return;
      this.#run.tell({ type: "change", parameters: this.#parameters(this.#offer.changeable) });
    }, CHANGE_AFTER_MS);
  }

  /** The choices of these names, as the API takes them, each said. */
  #parameters(names) {
    const parameters = {};
    const ours = {};
    for (const { name, ours: isOurs } of this.#direction.options) {
      const value = this.#direction.values[name];
      if (NEEDS_A_FILE.includes(value)) continue; // the photograph's own background stays
      if (names.includes(name) && value !== null) (isOurs ? ours : parameters)[name] = value;
    }
    return { ...parameters, portravox: ours };
  }

  // ---- what is seen

  #ratio({ width, height }) {
    this.#root.style.setProperty("--result-ratio", `${width} / ${height}`);
  }

  #reveal() {
    this.#root.hidden = false;
    this.dispatchEvent(new Event("change"));
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.#root.scrollIntoView({ block: "nearest", behavior: calm ? "auto" : "smooth" });
    this.#root.focus({ preventScroll: true });
  }

  #show(state) {
    this.#parts.screen.classList.toggle("waiting", state === "connecting");
    say(this.#parts.state, `live.state.${state}`);
    this.#complain(null);
    this.render();
  }

  #complain(problem) {
    const { trouble } = this.#parts;
    trouble.hidden = problem === null;
    trouble.replaceChildren(...(problem === null ? [] : [make("span", { textContent: wordsFor(problem) })]));
  }

  /** Say everything as it is now, in the language of now. */
  render() {
    const run = this.#run;
    const { photograph, video, note, say: form, meter } = this.#parts;
    photograph.alt = text("live.photograph");
    label(video, "live.video");
    this.#parts.text.placeholder = text("live.say.label");
    form.hidden = this.#speech === null;
    const microphone = buttonFor(this.#root, "microphone");
    const isOn = Boolean(run?.recorder) && !run.isMuted;
    microphone.hidden = run === null || run.recorder === null;
    meter.hidden = !isOn;
    microphone.setAttribute("aria-pressed", String(isOn));
    const sound = buttonFor(this.#root, "sound");
    sound.setAttribute("aria-pressed", String(!video.muted));
    showIcon(sound, video.muted ? "silence" : "sound");
    if (run?.withoutMicrophone) say(note, `live.without.${run.withoutMicrophone}`);
    else if (isOn) say(note, video.muted ? "live.note" : "live.note.heard");
    else sayNothing(note);
    note.hidden = note.textContent === "";
    const { background } = this.#direction.values;
    this.#parts.behind.hidden = run === null || !NEEDS_A_FILE.includes(background);
  }
}

/** What one session holds. */
class Run {
  /** @type {Call | Socket | null} */
  line = null;
  /** @type {Recorder | null} */
  recorder = null;
  /** @type {Player | null} */
  player = null;
  isLive = false;
  isMuted = false;
  isOver = false;
  reason = "gone";
  withoutMicrophone = null;

  tell(message) {
    this.line?.tell(message);
  }

  close() {
    this.isOver = true;
    this.recorder?.stop();
    this.recorder = null;
    this.tell({ type: "close" });
    this.line?.close();
  }
}

/** A session over a WebSocket: microphone's samples in, pieces of video out. */
class Socket {
  #socket;

  constructor(address, key) {
    const offered = key === null ? [PROTOCOL] : [PROTOCOL, `bearer.${key}`];
    this.#socket = new WebSocket(address, offered);
    this.#socket.binaryType = "arraybuffer";
  }

  follow({ onOpen, onMessage, onPiece, onEnd }) {
    const socket = this.#socket;
    socket.addEventListener("open", onOpen);
    socket.addEventListener("close", onEnd);
    socket.addEventListener("message", ({ data }) => {
      if (typeof data === "string") onMessage(JSON.parse(data));
      else onPiece(data);
    });
  }

  tell(message) {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  /** Samples that follow; left out where too many wait. */
  send(samples) {
    if (this.#socket.bufferedAmount <= MOST_UNSENT_BYTES) this.#socket.send(samples);
  }

  close() {
    this.#socket.close();
  }
}

/** Pieces of a video that has no end, in an element that stays close behind them. */
class Player {
  #video;
  #buffer = null;
  #waiting = [];
  #onFrame;

  /**
   * @param {HTMLVideoElement} video
   * @param {string} type
   * @param {() => void} onFrame called when the first frame is there
   */
  constructor(video, type, onFrame) {
    this.#video = video;
    this.#onFrame = onFrame;
    const source = new Source();
    video.disableRemotePlayback = true; // a managed source asks for it
    const address = URL.createObjectURL(source);
    source.addEventListener(
      "sourceopen",
      () => {
        URL.revokeObjectURL(address);
        this.#buffer = source.addSourceBuffer(type);
        this.#buffer.addEventListener("updateend", () => this.#taken());
        this.#feed();
      },
      { once: true },
    );
    video.addEventListener("loadeddata", () => this.#onFrame(), { once: true });
    video.src = address;
  }

  /** @param {ArrayBuffer} piece */
  take(piece) {
    this.#waiting.push(new Uint8Array(piece));
    this.#feed();
  }

  /** Go to the end of what has come: what is before it was interrupted. */
  jump() {
    const end = this.#end;
    if (end !== null) this.#video.currentTime = Math.max(0, end - 0.05);
  }

  get #end() {
    const { buffered } = this.#video;
    return buffered.length === 0 ? null : buffered.end(buffered.length - 1);
  }

  #feed() {
    if (this.#buffer === null || this.#buffer.updating || this.#waiting.length === 0) return;
    const pieces = this.#waiting.splice(0);
    try {
      this.#buffer.appendBuffer(pieces.length === 1 ? pieces[0] : joined(pieces));
    } catch {
      this.#waiting = []; // the element was given up
    }
  }

  #taken() {
    const video = this.#video;
    const end = this.#end;
    if (end !== null) {
      const behind = end - video.currentTime;
      if (behind > TOO_FAR_S || video.currentTime < video.buffered.start(0)) {
        video.currentTime = Math.max(video.buffered.start(0), end - BEHIND_S);
      }
      video.playbackRate = behind > 2 * BEHIND_S ? 1.08 : 1;
      if (video.paused && behind >= BEHIND_S) this.#play();
      if (video.currentTime - video.buffered.start(0) > 2 * KEPT_S && !this.#buffer.updating) {
        this.#buffer.remove(0, video.currentTime - KEPT_S);
        return;
      }
    }
    this.#feed();
  }

  #play() {
    playAnyway(this.#video);
  }
}

function playAnyway(video) {
  video.play().catch(() => {
    // With sound it may not, before the page was touched.
    video.muted = true;
    video.play().catch(() => {});
  });
}

function joined(pieces) {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
