// The voice's well: a recording from a file or the microphone, shown, trimmed and heard again.
//
// Flow      a file, recorder -> decode -> waveform, level, trim -> wav -> upload -> jobs
import { exampleFile } from "./examples.js";
import { dbfs, levelOf, peaks, rms } from "./levels.js";
import { announce, buttonFor, onAction, partsOf, showIcon } from "./parts.js";
import { Recorder, whyNoDevice } from "./recorder.js";
import { Unfit, wordsFor } from "./refusals.js";
import { exactSpan, label, text } from "./texts.js";
import { TypedVoice } from "./typed.js";
import { VerdictLine } from "./verdict.js";
import { excerpt, wav } from "./wav.js";
import { drawLive, drawWave, HANDLE_PX } from "./waveform.js";

const UPLOAD_LIFE_MS = 47 * 3600 * 1000;

export class VoiceWell extends EventTarget {
  #root = document.getElementById("voice");
  #parts = partsOf(this.#root);
  #verdict = new VerdictLine(this.#parts.verdict);
  #session;
  #turn = 0;
  #recorder = null;
  #recent = []; // loudness of the latest blocks, for the moving picture of a recording
  #upload = null;
  #example = null; // the name of the one that the link in the well takes
  #file = null; // what was taken, before the server opened it
  #typed = new TypedVoice(this.#parts.typed);

  /** "empty", "busy", "recording", "fits" or "unfit" */
  state = "empty";
  /** {blob, name, buffer, plain}; plain: the service takes the file as it is */
  recording = null;
  /** Whether a text is typed in place of a recording. */
  types = false;
  from_s = 0;
  to_s = 0;

  constructor(session) {
    super();
    this.#session = session;
    onAction(this.#root, {
      choose: () => this.#parts.file.click(),
      replace: () => this.#parts.file.click(),
      example: () => this.takeExample(),
      record: () => this.#record(),
      type: () => {
        this.type(this.#typed.values);
        this.#typed.focus();
      },
      untype: () => {
        this.clear();
        buttonFor(this.#root, "type").focus();
      },
      stop: () => this.#stopRecording(),
      discard: () => this.#discard(),
      play: () => this.#playOrPause(),
      untrim: () => this.select(0, this.#whole()),
      remove: () => {
        this.clear();
        buttonFor(this.#root, "choose").focus();
      },
    });
    this.#parts.file.addEventListener("change", () => {
      const files = [...this.#parts.file.files];
      this.#parts.file.value = "";
      if (files.length > 1) this.dispatchEvent(new CustomEvent("several", { detail: files }));
      else if (files.length === 1) this.take(files[0]);
    });
    this.#typed.addEventListener("change", () => this.#judgeText());
    const { from, to, audio } = this.#parts;
    from.addEventListener("input", () => this.select(Number(from.value), this.to_s, "from"));
    to.addEventListener("input", () => this.select(this.from_s, Number(to.value), "to"));
    for (const name of ["play", "pause", "ended"]) {
      audio.addEventListener(name, () => this.#showPlaying());
    }
    this.#trimByPointer();
    new ResizeObserver(() => this.#draw()).observe(this.#parts.waveform);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
  }

  // The two sliders lie over each other; which handle is meant is found here, in every browser alike.
  #trimByPointer() {
    const { waveform, from, to } = this.#parts;
    let moved = null;
    const at = ({ clientX }) => {
      const { left, width } = waveform.getBoundingClientRect();
      const share = (clientX - left - HANDLE_PX / 2) / (width - HANDLE_PX);
      return Math.max(0, Math.min(1, share)) * this.recording.buffer.duration;
    };
    waveform.addEventListener("pointerdown", (event) => {
      if (this.recording === null || event.button !== 0) return;
      const second = at(event);
      moved = Math.abs(second - this.from_s) < Math.abs(second - this.to_s) ? "from" : "to";
      waveform.setPointerCapture(event.pointerId);
      (moved === "from" ? from : to).focus({ preventScroll: true });
      event.preventDefault();
    });
    waveform.addEventListener("pointermove", (event) => {
      if (moved === "from") this.select(at(event), this.to_s, "from");
      else if (moved === "to") this.select(this.from_s, at(event), "to");
    });
    for (const end of ["pointerup", "pointercancel"]) {
      waveform.addEventListener(end, () => (moved = null));
    }
  }

  get root() {
    return this.#root;
  }

  /** What is in the well, to be remembered; null where there is nothing. */
  get kept() {
    if (this.types) return { typed: this.#typed.values };
    return this.recording === null ? null : { file: this.#file, selection: [this.from_s, this.to_s] };
  }

  /** What a finished video remembers of its voice, to be made again. */
  get record() {
    if (this.types) return { name: this.#typed.name, typed: this.#typed.values };
    const { blob, name } = this.recording;
    return { blob, name, selection: [this.from_s, this.to_s] };
  }

  /** What tells this voice from others; null where there is none. */
  get identity() {
    if (this.types) return this.#typed.values;
    if (this.recording === null) return null;
    const { blob, name } = this.recording;
    return [blob.size, name, this.from_s, this.to_s];
  }

  /** The options that say what is spoken: of a recording none. */
  get values() {
    return this.types ? this.#typed.values : {};
  }

  /** What the server takes, as it said. */
  get #limits() {
    return this.#session.limits.voice;
  }

  /** Seconds that will be spoken; of a text an estimate. */
  get seconds() {
    return this.types ? this.#typed.seconds : this.to_s - this.from_s;
  }

  get trimmed() {
    return this.recording !== null && this.seconds < this.recording.buffer.duration - 0.005;
  }

  /** Take over who speaks texts on the server; null: nobody. */
  offerSpeech(speech) {
    this.#typed.offer(speech);
    if (this.types) this.#judgeText();
  }

  /** Put back what `kept` or `record` gave. */
  restore({ typed, file, blob, name, selection }) {
    if (typed) return this.type(typed);
    return this.take(file ?? new File([blob], name, { type: blob.type }), selection);
  }

  /** Take a text and the name of a voice in place of a recording. */
  type(values) {
    this.#begin("empty");
    this.#verdict.clear();
    this.types = true;
    this.#typed.fill(values);
    this.#judgeText();
  }

  #judgeText() {
    if (this.types) this.#set(this.#typed.fits ? "fits" : "empty");
  }

  /** Offer an example of the package; the server has it. */
  offerExample(name) {
    this.#example = name;
    buttonFor(this.#root, "example").hidden = false;
  }

  async takeExample(name = this.#example) {
    const file = await exampleFile(name, "voice");
    if (file) await this.take(file);
  }

  /** Take a file; `selection` is [from_s, to_s]. */
  async take(file, selection = null) {
    /** @type {[File, [number, number]] | null} */
    const before = this.recording !== null && this.state === "fits" ? [this.#file, [this.from_s, this.to_s]] : null;
    this.#begin("busy");
    const turn = this.#turn;
    this.#verdict.show("wait", () => text("voice.reading"));
    try {
      const recording = await openedVoice(file, this.#session);
      if (turn !== this.#turn) return;
      const { buffer, blob, name } = recording;
      this.recording = recording;
      this.#file = file;
      this.#parts.name.textContent = name;
      this.#parts.audio.src = URL.createObjectURL(blob);
      const end = buffer.duration;
      for (const handle of [this.#parts.from, this.#parts.to]) {
        Object.assign(handle, { min: 0, max: end, step: 0.01 });
      }
      this.select(...(selection ?? [0, this.#whole()]));
    } catch (error) {
      if (turn !== this.#turn) return;
      if (before !== null) {
        await this.take(...before);
        this.#verdict.show("bad", () => wordsFor(error), () => text("kept.before"));
        return this.#offerFor(error, file);
      }
      this.#verdict.show("bad", () => wordsFor(error));
      this.#set("empty");
      this.#offerFor(error, file);
    }
  }

  // What mends a refusal, at the refusal.
  #offerFor({ code, status }, file) {
    const another = { key: "mend.another", icon: "folder", run: () => this.#parts.file.click() };
    const again = { key: "mend.again", icon: "undo", run: () => this.take(file) };
    const signIn = { key: "account.out", icon: "key", run: () => this.#session.ask() };
    if (code === "voice_signed_out" || status === 401) this.#verdict.offer(signIn, another);
    else if (code === "offline" || status === 429) this.#verdict.offer(again);
    else this.#verdict.offer(another);
  }

  #whole() {
    return Math.min(this.recording.buffer.duration, this.#limits.max_s);
  }

  /** Choose what will be spoken; `moved` is the end that gives way where they come too close. */
  select(from_s, to_s, moved = "to") {
    const { buffer } = this.recording;
    if (moved === "from") from_s = Math.max(0, Math.min(from_s, to_s - this.#limits.min_s));
    else to_s = Math.min(buffer.duration, Math.max(to_s, from_s + this.#limits.min_s));
    this.from_s = from_s;
    this.to_s = to_s;
    this.#upload = null;
    this.#parts.audio.pause();
    this.#showSelection();
    this.#judge();
  }

  #judge() {
    const { buffer } = this.recording;
    const samples = buffer
      .getChannelData(0)
      .subarray(Math.floor(this.from_s * buffer.sampleRate), Math.ceil(this.to_s * buffer.sampleRate));
    const level = levelOf(samples, buffer.sampleRate);
    const another = { key: "mend.another", icon: "folder", run: () => this.#parts.file.click() };
    if (this.seconds > this.#limits.max_s + 0.005) {
      this.#end("unfit", "bad", "refusal.voice_too_long");
      const run = () => this.select(this.from_s, this.from_s + this.#limits.max_s);
      this.#verdict.offer({ key: "mend.shorten", icon: "crop", run });
    } else if (level === "silent") {
      this.#end("unfit", "bad", "voice.level.silent");
      this.#verdict.offer(another);
    } else if (buffer.duration > this.#limits.max_s && this.seconds > this.#limits.max_s - 0.01) {
      const total = exactSpan(buffer.duration);
      this.#verdict.show("note", () => text("voice.cut", { total }));
      this.#set("fits");
    } else if (level === "good") this.#end("fits", "good", "voice.level.good", "voice.trimmed");
    else this.#end("fits", "note", `voice.level.${level}`);
  }

  #end(state, tone, ...keys) {
    this.#verdict.show(tone, ...keys.map((key) => () => text(key)));
    this.#set(state);
  }

  /**
   * The oss:// link of the selection, uploaded the first time it is asked for; null of a text.
   * @param {{onProgress?: (share: number) => void}} how
   */
  async link({ onProgress } = {}) {
    if (this.types) return null;
    if (this.#upload === null || Date.now() - this.#upload.at > UPLOAD_LIFE_MS) {
      this.#upload = { at: Date.now(), made: this.#sent(onProgress) };
    }
    const mine = this.#upload;
    try {
      return await mine.made;
    } catch (error) {
      if (this.#upload === mine) this.#upload = null;
      throw error;
    }
  }

  #sent(onProgress) {
    const { from_s, to_s } = this;
    return sentVoice(this.recording, [from_s, to_s], this.#session, { onProgress });
  }

  /** Upload again when it is asked for: the link is another account's, or has gone. */
  forgetUpload() {
    this.#upload = null;
  }

  clear() {
    this.#begin("empty");
    this.#verdict.clear();
  }

  #begin(state) {
    this.#turn += 1;
    this.#upload = null;
    if (this.#recorder) this.#recorder.stop();
    this.#recorder = null;
    const { audio } = this.#parts;
    if (audio.src) {
      audio.pause();
      URL.revokeObjectURL(audio.src);
      audio.removeAttribute("src");
    }
    this.recording = null;
    this.types = false;
    this.#set(state);
  }

  #set(state) {
    this.state = state;
    const { empty, filled, actions, recording, typed } = this.#parts;
    const focused = this.#root.contains(document.activeElement);
    const has = this.recording !== null;
    recording.hidden = state !== "recording";
    typed.hidden = !this.types;
    empty.hidden = has || this.types || state === "recording";
    filled.hidden = !has;
    actions.hidden = !has;
    this.#root.classList.toggle("has-content", has || this.types || state === "recording");
    if (has) this.#draw();
    // What had the focus may be gone: then it goes on at what took its place.
    if (focused && !document.activeElement.checkVisibility()) {
      buttonFor(this.#root, has ? "play" : "choose").focus();
    }
    this.dispatchEvent(new Event("change"));
  }

  // ---- the microphone

  async #record() {
    this.#begin("busy");
    this.#verdict.clear();
    this.#recent = [];
    const recorder = new Recorder((samples, seconds) => this.#hear(samples, seconds));
    try {
      await recorder.start();
    } catch (error) {
      return this.#end("empty", "bad", `record.${whyNoDevice(error)}`);
    }
    this.#recorder = recorder;
    this.#set("recording");
    this.#parts.clock.textContent = "0:00";
    announce(text("record.begun"));
    buttonFor(this.#root, "stop").focus();
  }

  #hear(samples, seconds) {
    const level = dbfs(rms(samples));
    const share = Math.max(0, Math.min(1, (level + 60) / 60));
    const { meter, clock, live } = this.#parts;
    meter.setAttribute("aria-valuenow", Math.round(Math.max(-60, level)));
    meter.setAttribute("aria-valuetext", text("record.level.words", { db: Math.round(level) }));
    meter.firstElementChild.style.transform = `scaleX(${share})`;
    meter.dataset.level = level > -3 ? "loud" : level < -42 ? "quiet" : "good";
    clock.textContent = `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
    this.#recent.push(Math.max(...peaks(samples, 1)));
    drawLive(live, this.#recent);
    if (seconds >= this.#limits.max_s) this.#stopRecording();
  }

  #stopRecording() {
    const { samples, rate } = this.#recorder.stop();
    this.#recorder = null;
    const blob = wav([samples], rate);
    this.take(new File([blob], text("voice.recorded"), { type: "audio/wav" }));
  }

  #discard() {
    this.clear();
    buttonFor(this.#root, "record").focus();
  }

  // ---- hearing and seeing it

  #playOrPause() {
    const { audio } = this.#parts;
    if (!audio.paused) return audio.pause();
    if (audio.currentTime < this.from_s || audio.currentTime >= this.to_s - 0.05) {
      audio.currentTime = this.from_s;
    }
    audio.play();
  }

  #showPlaying() {
    const { audio } = this.#parts;
    const button = buttonFor(this.#root, "play");
    showIcon(button, audio.paused ? "play" : "pause");
    label(button, audio.paused ? "voice.play" : "voice.pause");
    const step = () => {
      if (audio.currentTime >= this.to_s) audio.pause();
      this.#draw();
      if (!audio.paused) requestAnimationFrame(step);
    };
    step();
  }

  #showSelection() {
    const { from, to, length, range } = this.#parts;
    from.value = this.from_s;
    to.value = this.to_s;
    from.setAttribute("aria-valuetext", exactSpan(this.from_s));
    to.setAttribute("aria-valuetext", exactSpan(this.to_s));
    length.textContent = exactSpan(this.seconds);
    const total = exactSpan(this.recording.buffer.duration);
    range.textContent = this.trimmed ? text("voice.of", { total }) : "";
    buttonFor(this.#root, "untrim").hidden = this.seconds >= this.#whole() - 0.005;
    this.#draw();
  }

  #draw() {
    if (this.recording === null) return;
    const { audio, wave } = this.#parts;
    drawWave(wave, this.recording.buffer, {
      from_s: this.from_s,
      to_s: this.to_s,
      at_s: audio.paused ? null : audio.currentTime,
      margin_px: HANDLE_PX / 2,
    });
  }

  /** Say everything again, in the language of now. */
  render() {
    this.#verdict.render();
    if (this.recording !== null) this.#showSelection();
  }

  /** Draw again, in the colours of now. */
  repaint() {
    this.#draw();
  }
}

/** A recording of any kind that this browser or the server opens: {blob, name, buffer, plain}. */
export async function openedVoice(file, session) {
  let blob = file;
  let buffer = await decoded(blob);
  if (buffer === null) {
    session.requireFor("voice");
    blob = await session.api.plain("audio", file);
    buffer = await decoded(blob);
    if (buffer === null) throw new Unfit("voice_unreadable");
  }
  if (buffer.duration < session.limits.voice.min_s) throw new Unfit("voice_too_short");
  return { blob, name: file.name || text("voice.recorded"), buffer, plain: await isPlain(blob) };
}

/**
 * Upload a part of a recording, as the service takes it; its oss:// link.
 * @param {{onProgress?: (share: number) => void}} how
 */
export async function sentVoice(recording, selection, session, how = {}) {
  const { blob, buffer, plain } = recording;
  const [from_s, to_s] = selection;
  const { max_bytes: most } = session.limits.voice;
  const whole = to_s - from_s >= buffer.duration - 0.005;
  const asItIs = plain !== null && whole && blob.size <= most;
  const sent = asItIs ? blob : await excerpt(buffer, from_s, to_s, most);
  return session.api.upload(sent, `voice.${asItIs ? plain : "wav"}`, how);
}

/** A file as sound, or null; a context that renders nothing decodes without asking to play. */
async function decoded(file) {
  try {
    const context = new OfflineAudioContext(1, 1, 48000);
    return await context.decodeAudioData(await file.arrayBuffer());
  } catch {
    return null;
  }
}

/** "wav" or "mp3" for what the service takes as it is, else null: by the first bytes. */
async function isPlain(file) {
  const head = new Uint8Array(await file.slice(0, 12).arrayBuffer());
  const letters = String.fromCharCode(...head);
  if (letters.startsWith("RIFF") && letters.slice(8) === "WAVE") return "wav";
  const isFrame = head[0] === 0xff && (head[1] & 0xe6) === 0xe2; // MPEG audio, layer III
  return letters.startsWith("ID3") || isFrame ? "mp3" : null;
}
