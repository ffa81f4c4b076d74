// A text in place of a recording: typed in the voice's well, spoken by the server's provider.
//
// Flow      studio/about: speech -> TypedVoice -> VoiceWell
import { make, partsOf } from "./parts.js";
import { exactSpan, languageChanges, say, text } from "./texts.js";

/** Letters spoken in a second, of Chinese and Japanese and of all others; for an estimate. */
const WIDE_PER_S = 4;
const OTHERS_PER_S = 14;
const WIDE = /[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]/gu;

const SPOKEN = /[\p{L}\p{N}]/u;

export class TypedVoice extends EventTarget {
  #parts;
  /** {voices, max_characters, is_sent}; null: this server speaks no texts */
  #speech = null;

  constructor(root) {
    super();
    this.#parts = partsOf(root);
    const { text: area, voices } = this.#parts;
    for (const [input, event] of [
      [area, "input"],
      [voices, "change"],
    ]) {
      input.addEventListener(event, () => {
        this.render();
        this.dispatchEvent(new Event("change"));
      });
    }
    languageChanges.addEventListener("change", () => this.render());
  }

  /** Take over what the server says of itself. */
  offer(speech) {
    this.#speech = speech;
    const { text: area, voices, voice, speaks, none, sent } = this.#parts;
    speaks.hidden = speech === null;
    none.hidden = speech !== null;
    if (speech === null) return;
    area.maxLength = speech.max_characters;
    const first = make("option", { value: "" });
    say(first, "typed.voice.usual");
    voices.replaceChildren(first, ...speech.voices.map((name) => make("option", { value: name, textContent: name })));
    sent.hidden = !speech.is_sent;
    voice.hidden = speech.voices.length === 0;
    this.render();
  }

  /** What is typed, as options of the API: {text, voice_name}. */
  get values() {
    return { text: this.#parts.text.value, voice_name: this.#parts.voices.value || null };
  }

  /** Put a text and a voice into the fields. */
  fill({ text: words, voice_name: name }) {
    const { text: area, voices } = this.#parts;
    area.value = words;
    voices.value = name ?? "";
    if (voices.selectedIndex < 0) voices.value = ""; // it is not offered any more
    this.render();
  }

  get fits() {
    return this.#speech !== null && SPOKEN.test(this.values.text);
  }

  /** About how long it takes to say, in seconds. */
  get seconds() {
    const words = this.values.text;
    const wide = words.match(WIDE)?.length ?? 0;
    return Math.max(1, wide / WIDE_PER_S + (words.length - wide) / OTHERS_PER_S);
  }

  /** The first words, as a name. */
  get name() {
    const words = this.values.text.trim().replace(/\s+/g, " ");
    return words.length > 32 ? `${words.slice(0, 31)}…` : words;
  }

  focus() {
    this.#parts[this.#speech === null ? "none" : "text"].focus();
  }

  /** Say how much it is, in the language of now. */
  render() {
    const { count } = this.#parts;
    const most = this.#speech?.max_characters ?? 0;
    const letters = this.values.text.length;
    count.textContent = this.fits
      ? text("typed.length", { time: exactSpan(this.seconds), letters, most })
      : text("typed.most", { most });
  }
}
