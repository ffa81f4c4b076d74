// What an empty page has to show: one video that plays, and examples to take.
//
// Flow      studio/about: examples -> cards -> both wells and a preset
import { here } from "./api.js";
import { buttonFor, make, onAction, partsOf, showIcon } from "./parts.js";
import { say } from "./texts.js";

/** A file of an example; null where the server cannot be reached. */
export async function exampleFile(name, kind) {
  try {
    const response = await fetch(here(`studio/examples/${name}/${kind}`));
    if (!response.ok) return null;
    const blob = await response.blob();
    const ending = { "image/png": "png", "image/jpeg": "jpg", "audio/wav": "wav" }[blob.type] ?? "mp3";
    return new File([blob], `${name}.${ending}`, { type: blob.type });
  } catch {
    return null; // the page says elsewhere that the server is away
  }
}

export class Examples {
  #root = document.getElementById("examples");
  #parts = partsOf(this.#root);
  #choose;

  /** `choose({ name, preset })` takes an example. */
  constructor(choose) {
    this.#choose = choose;
  }

  /** Show a card for each example. */
  offer(examples) {
    this.#root.hidden = examples.length === 0;
    this.#parts.cards.replaceChildren(...examples.map((example) => this.#card(example)));
  }

  #card(example) {
    const src = new URL(`./examples/${example.name}.webp`, import.meta.url).href;
    const picture = make("img", { alt: "", width: 56, height: 56, src });
    const name = make("span", { className: "example-name" });
    const about = make("span", { className: "example-about" });
    say(name, `example.${example.name}`);
    say(about, `example.${example.name}.about`);
    const words = make("span", { className: "example-words" }, name, about);
    const card = make("button", { className: "example", type: "button" }, picture, words);
    card.dataset.example = example.name;
    card.addEventListener("click", () => this.#choose(example));
    return card;
  }
}

/** The clip of an empty page: silent until somebody asks for its sound. */
export class Sample {
  #root = document.getElementById("sample");
  #parts = partsOf(this.#root);

  constructor() {
    const { clip } = this.#parts;
    onAction(this.#root, { sound: () => this.#switchSound() });
    clip.addEventListener("click", () => this.#switchSound());
    for (const name of ["play", "pause", "volumechange"]) {
      clip.addEventListener(name, () => this.#showSound());
    }
  }

  /** Fetch it and let it play: only where there is nothing of one's own to see. */
  async show() {
    if (!this.#root.hidden) return;
    const { clip } = this.#parts;
    try {
      const response = await fetch(new URL("./clips/sample.mp4", import.meta.url));
      if (!response.ok) return;
      clip.src = URL.createObjectURL(await response.blob());
    } catch {
      return; // the page says elsewhere that the server is away
    }
    this.#root.hidden = false;
    clip.muted = true;
    clip.preload = "auto";
    if (!matchMedia("(prefers-reduced-motion: reduce)").matches) clip.play().catch(() => {});
  }

  /** Nobody looks at it any more. */
  hold() {
    this.#parts.clip.pause();
  }

  get #isHeard() {
    const { clip } = this.#parts;
    return !clip.paused && !clip.muted;
  }

  #switchSound() {
    const { clip } = this.#parts;
    if (this.#isHeard) return clip.pause();
    clip.muted = false;
    clip.currentTime = 0;
    clip.play().catch(() => {});
  }

  #showSound() {
    const button = buttonFor(this.#root, "sound");
    showIcon(button, this.#isHeard ? "pause" : "play");
    say(button, this.#isHeard ? "sample.hold" : "sample.sound");
    button.setAttribute("aria-pressed", String(this.#isHeard));
  }
}
