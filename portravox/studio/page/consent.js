// The statement that whoever runs this server asks for with each video: shown and ticked.
//
// Flow      studio/about: consent -> Consent -> the id that is sent with a submission
const FIELDS = ["consent", "batch-consent"];

/** Tells "change" when it was ticked or is to be ticked anew. */
export class Consent extends EventTarget {
  #boxes = FIELDS.map((id) => document.getElementById(id));
  #inputs = this.#boxes.map((box) => box.querySelector("input"));
  /** @type {{id: string, text: string} | null} */
  #asked = null;

  constructor() {
    super();
    for (const input of this.#inputs) {
      input.addEventListener("change", () => this.#tick(input.checked));
    }
  }

  /** Show the statement; null: none is asked for. */
  offer(asked) {
    this.#asked = asked;
    for (const box of this.#boxes) {
      box.hidden = asked === null;
      box.querySelector("span").textContent = asked?.text ?? "";
    }
    this.#tick(false);
  }

  /** The id to be sent; null where none is asked for. */
  get id() {
    return this.#asked?.id ?? null;
  }

  get isMissing() {
    return this.#asked !== null && !this.#inputs[0].checked;
  }

  /** Another person is seen or heard: it has to be ticked anew. */
  withdraw() {
    if (this.#inputs[0].checked) this.#tick(false);
  }

  /** Lead to where it is ticked. */
  show() {
    this.#inputs[0].focus();
    this.#boxes[0].scrollIntoView({ block: "nearest" });
  }

  #tick(checked) {
    for (const input of this.#inputs) input.checked = checked;
    this.dispatchEvent(new Event("change"));
  }
}
