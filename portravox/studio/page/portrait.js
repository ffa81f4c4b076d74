// The portrait's well: takes a picture from anywhere, has it checked at once, shows the face.
//
// Flow      a file, the clipboard, the camera -> picture -> upload, detect -> jobs
import { takePicture } from "./camera.js";
import { cropped } from "./crop.js";
import { exampleFile } from "./examples.js";
import { prepared } from "./picture.js";
import { buttonFor, drawing, onAction, partsOf } from "./parts.js";
import { wordsFor } from "./refusals.js";
import { hasText, percent, text, together } from "./texts.js";
import { VerdictLine } from "./verdict.js";

/** An upload is good for 48 hours; an hour less, so that it does not end on the way. */
const UPLOAD_LIFE_MS = 47 * 3600 * 1000;

export class PortraitWell extends EventTarget {
  #root = document.getElementById("portrait");
  #parts = partsOf(this.#root);
  #verdict = new VerdictLine(this.#parts.verdict);
  #session;
  #turn = null; // aborts what is going on for a picture that was replaced

  /** "empty", "busy", "unchecked", "fits" or "unfit" */
  state = "empty";
  /** What `prepared` gave, with a name. */
  picture = null;
  #upload = null;
  #before = null; // the file that is in the well
  /** What the server found: faces (outlines in pixels), face_reasons, width, height, pass, … */
  #found = null;
  #face = null;

  constructor(session) {
    super();
    this.#session = session;
    onAction(this.#root, {
      choose: () => this.#parts.file.click(),
      replace: () => this.#parts.file.click(),
      camera: async () => {
        if (!navigator.mediaDevices?.getUserMedia) return this.#takeByFile();
        const shot = await takePicture();
        if (shot) this.take(shot);
      },
      example: () => this.takeExample(),
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
    session.addEventListener("change", () => {
      if (session.ready && this.state === "unchecked") this.#check();
    });
  }

  get root() {
    return this.#root;
  }

  /** Where the picture in the well is shown from; null where there is none. */
  get address() {
    return this.picture === null ? null : this.#parts.image.getAttribute("src");
  }

  /** The file in the well, to be remembered; null where there is none that is good. */
  get file() {
    return ["fits", "unchecked"].includes(this.state) ? this.#before : null;
  }

  /** A page on plain http gets no camera; a telephone's file dialog has one all the same. */
  #takeByFile() {
    const { file } = this.#parts;
    file.setAttribute("capture", "user");
    file.click();
    file.removeAttribute("capture");
    this.#verdict.show("note", () => text("camera.insecure"));
  }

  #example = null; // the name of the one that the link in the well takes

  /** Offer an example of the package; the server has it. */
  offerExample(name) {
    this.#example = name;
    buttonFor(this.#root, "example").hidden = false;
  }

  async takeExample(name = this.#example) {
    const file = await exampleFile(name, "portrait");
    if (file) await this.take(file);
  }

  /** Take a file. */
  async take(file) {
    const before = this.state === "fits" ? this.#before : null;
    this.#begin("busy");
    const turn = this.#turn;
    this.#verdict.show("wait", () => text("portrait.checking"));
    try {
      const picture = await prepared(file, this.#session.limits.picture, (unopened) => {
        this.#session.requireFor("picture");
        return this.#session.api.plain("image", unopened, { signal: turn.signal });
      });
      if (turn.signal.aborted) return;
      this.picture = { ...picture, name: file.name || `portrait.${picture.ending}` };
      this.#before = file;
      this.#show(URL.createObjectURL(picture.blob));
      if (this.#session.ready) return this.#check();
      this.#end("unchecked", "note", () => text("portrait.unchecked"));
    } catch (error) {
      if (turn.signal.aborted) return;
      if (before !== null && this.picture === null) {
        // What was replaced was good: it comes back, and what was wrong with the new one is said.
        await this.take(before);
        if (this.state === "fits") {
          this.#verdict.show("bad", () => wordsFor(error), () => text("kept.before"));
          this.#offerFor(error, file);
        }
        return;
      }
      this.#end(this.picture ? "unfit" : "empty", "bad", () => wordsFor(error));
      this.#offerFor(error, file);
    }
  }

  // What mends a refusal, at the refusal.
  #offerFor({ code, status }, file) {
    const another = { key: "mend.another", icon: "folder", run: () => this.#parts.file.click() };
    const crop = { key: "mend.crop", icon: "crop", run: () => this.#crop(file) };
    const again = { key: "mend.again", icon: "undo", run: () => this.take(file) };
    const signIn = { key: "account.out", icon: "key", run: () => this.#session.ask() };
    const mends = {
      picture_too_narrow: [crop, another],
      face_too_small: [crop, another],
      face_unclear: [crop, another],
      no_face_found: [crop, another],
      picture_signed_out: [signIn, another],
      offline: [again],
    }[code];
    if (mends) this.#verdict.offer(...mends);
    else if (status === 401) this.#verdict.offer(signIn);
    else if (status === 429) this.#verdict.offer(again);
    else this.#verdict.offer(another);
  }

  async #crop(file) {
    const chosen = await cropped(this.picture?.blob ?? file, this.#found?.faces[this.#index] ?? null);
    if (chosen !== null) this.take(chosen);
  }

  async #check() {
    const { signal } = this.#turn;
    this.#set("busy");
    try {
      const onProgress = (share) =>
        this.#verdict.show("wait", () => text("portrait.uploading", { percent: percent(share) }));
      const link = await this.link({ onProgress });
      this.#verdict.show("wait", () => text("portrait.checking"));
      const found = await this.#session.api.detect(link, { signal });
      if (signal.aborted) return;
      this.#found = found;
      this.#root.classList.toggle("has-several", found.faces.length > 1);
      this.#judge();
    } catch (error) {
      if (signal.aborted) return;
      const unchecked = error.status === 401 || error.code === "offline" || error.status === 429;
      this.#end(unchecked ? "unchecked" : "unfit", "bad", () => wordsFor(error));
      this.#offerFor(error, this.#before);
    }
  }

  /** Which face is to speak, as the option `face` has it: null for the largest. */
  get face() {
    return this.#face;
  }

  set face(face) {
    if (face === this.#face) return;
    this.#face = face;
    if (this.#found !== null) this.#judge();
  }

  get #index() {
    const place = this.#face === null ? 1 : Number(this.#face);
    return Number.isInteger(place) ? place - 1 : 0;
  }

  // Say whether the face that is to speak will do; where there are several, each can be chosen.
  #judge() {
    const { faces, face_reasons: reasons = [], pass, reason } = this.#found;
    const several = faces.length > 1;
    this.#outline(this.#found);
    const code = this.#face === null || !several ? (pass ? "ok" : reason) : reasons[this.#index];
    if (code === "ok") return this.#end("fits", "good", () => this.#remarks(this.#found));
    const known = hasText(`refusal.${code}`) ? code : "no_face_found";
    const other = several && reasons.some((found) => found === "ok");
    this.#end("unfit", "bad", () =>
      together([wordsFor({ code: known }), ...(other ? [text("portrait.pick")] : [])]),
    );
    this.#offerFor({ code: known, status: 200 }, this.#before);
  }

  #choose(index) {
    this.face = index === 0 ? null : String(index + 1);
    this.dispatchEvent(new Event("face"));
    /** @type {NodeListOf<SVGElement>} */
    const shapes = this.#parts.outline.querySelectorAll("polygon");
    shapes[index].focus({ preventScroll: true });
  }

  #remarks({ faces, notices = [] }) {
    const { changes, width, height } = this.picture;
    const place = { face: this.#index + 1, faces: faces.length };
    return together([
      text(faces.length > 1 ? "portrait.several" : "portrait.fits", place),
      ...changes.map((change) => text(`portrait.${change}`, { width, height })),
      ...notices.map((notice) => text("portrait.notice", { notice })),
    ]);
  }

  /**
   * Its oss:// link; uploaded the first time it is asked for.
   * @param {{onProgress?: (share: number) => void}} how
   */
  async link({ onProgress } = {}) {
    if (this.#upload === null || Date.now() - this.#upload.at > UPLOAD_LIFE_MS) {
      const { blob, ending } = this.picture;
      const { signal } = this.#turn;
      const made = this.#session.api.upload(blob, `portrait.${ending}`, { onProgress, signal });
      this.#upload = { at: Date.now(), made };
    }
    const mine = this.#upload;
    try {
      return await mine.made;
    } catch (error) {
      if (this.#upload === mine) this.#upload = null;
      throw error;
    }
  }

  /** Upload again when it is asked for: the link is another account's, or has gone. */
  forgetUpload() {
    this.#upload = null;
  }

  clear() {
    this.#begin("empty");
    this.#verdict.clear();
  }

  /** Say everything again, in the language of now. */
  render() {
    this.#verdict.render();
    if (this.#found !== null) this.#outline(this.#found);
  }

  #begin(state) {
    this.#turn?.abort();
    this.#turn = new AbortController();
    this.#upload = null;
    if (this.picture) URL.revokeObjectURL(this.#parts.image.src);
    this.picture = null;
    this.#found = null;
    this.#parts.outline.replaceChildren();
    this.#root.classList.remove("has-several");
    if (this.#face !== null) {
      this.#face = null;
      this.dispatchEvent(new Event("face"));
    }
    this.#set(state);
  }

  #end(state, tone, line) {
    this.#verdict.show(tone, line);
    this.#set(state);
  }

  #set(state) {
    this.state = state;
    const filled = this.picture !== null;
    const focused = this.#root.contains(document.activeElement);
    this.#parts.empty.hidden = filled;
    this.#parts.filled.hidden = !filled;
    this.#parts.actions.hidden = !filled;
    this.#root.classList.toggle("has-content", filled);
    // What had the focus may be gone: then it goes on at what took its place.
    if (focused && !document.activeElement.checkVisibility()) {
      buttonFor(this.#root, filled ? "replace" : "choose").focus();
    }
    this.dispatchEvent(new Event("change"));
  }

  #show(address) {
    this.#parts.image.src = address;
    this.#parts.image.alt = text("portrait.alt");
    this.#set("busy");
  }

  /** The outlines of faces, in pixels of a picture of this size; of several each is a button. */
  #outline({ faces, width, height, face_reasons: reasons = [] }) {
    const { outline } = this.#parts;
    const several = faces.length > 1;
    outline.setAttribute("viewBox", `0 0 ${width} ${height}`);
    if (several) outline.removeAttribute("aria-hidden");
    else outline.setAttribute("aria-hidden", "true");
    const shapes = faces.map((face, index) => {
      const isSpeaker = index === this.#index;
      const shape = drawing("polygon", {
        points: face.map((point) => point.join(",")).join(" "),
        class: `${isSpeaker ? "speaker" : "other"} ${(reasons[index] ?? "ok") === "ok" ? "" : "unfit"}`,
        "vector-effect": "non-scaling-stroke",
      });
      if (!several) return shape;
      for (const [name, value] of Object.entries({
        role: "button",
        tabindex: "0",
        "aria-pressed": String(isSpeaker),
        "aria-label": text("portrait.face", { face: index + 1 }),
      })) {
        shape.setAttribute(name, value);
      }
      shape.addEventListener("click", () => this.#choose(index));
      shape.addEventListener("keydown", (event) => {
        if (![" ", "Enter"].includes(event.key)) return;
        event.preventDefault();
        this.#choose(index);
      });
      return shape;
    });
    outline.replaceChildren(...shapes);
  }
}
