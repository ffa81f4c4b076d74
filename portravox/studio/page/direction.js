// The choices about how the person moves: what the API calls `parameters`.
//
// Flow      sliders and choices -> Direction.parameters() -> jobs, request
import { buttonFor, make, partsOf, showIcon } from "./parts.js";
import { label, languageTag, say, text } from "./texts.js";

/** Names, ranges and defaults are the API's; `ours` are not the original's and travel apart. */
const CONTROLS = [
  { name: "template_id", kind: "choice", options: ["calm", "normal", "active"], preset: "normal" },
  { name: "head_move_strength", kind: "slider", min: 0, max: 1, step: 0.05, preset: 0.7 },
  { name: "mouth_move_strength", kind: "slider", min: 0, max: 1.5, step: 0.05, preset: 1 },
  { name: "eye_move_freq", kind: "slider", min: 0, max: 1, step: 0.05, preset: 0.5 },
  { name: "paste_back", kind: "choice", options: [true, false], preset: true },
  { name: "video_fps", kind: "slider", min: 15, max: 30, step: 1, preset: 24 },
  { name: "max_side", kind: "select", options: [null, 2048, 1280, 720, 512], preset: null, advanced: true, ours: true },
  { name: "seed", kind: "number", max: 999999, preset: 0, advanced: true, ours: true },
  { name: "visible_label", kind: "choice", options: [null, "en", "zh"], preset: null, advanced: true, ours: true },
];

/** Starting points; what a preset does not name goes back to the API's default. Our choice. */
const PRESETS = {
  news: { template_id: "calm", head_move_strength: 0.4, eye_move_freq: 0.4, video_fps: 25 },
  story: { template_id: "normal", head_move_strength: 0.8, eye_move_freq: 0.4 },
  song: { template_id: "active", head_move_strength: 1, mouth_move_strength: 1.2, video_fps: 30 },
};

const DEFAULTS = Object.fromEntries(CONTROLS.map(({ name, preset }) => [name, preset]));

export class Direction extends EventTarget {
  #root = document.getElementById("direction");
  #parts = partsOf(this.#root);
  #shows = []; // functions that show the values in the controls
  #presets = {};

  values = { ...DEFAULTS };

  constructor() {
    super();
    for (const control of CONTROLS) {
      const place = control.advanced ? this.#parts.advanced : this.#parts.parameters;
      place.append(this.#made(control));
    }
    for (const [name, values] of Object.entries(PRESETS)) {
      const button = make("button", { className: "chip", type: "button" });
      say(button, `preset.${name}`);
      button.addEventListener("click", () => this.choose({ ...this.values, ...moods(values) }));
      this.#presets[name] = button;
      this.#parts.presets.append(button);
    }
    const reset = buttonFor(this.#root, "reset");
    reset.addEventListener("click", () => {
      this.choose(DEFAULTS);
      this.#presets.news.focus(); // the button hides
    });
    this.#show();
  }

  /** Take over values; those not named keep what they are. */
  choose(values) {
    this.values = { ...this.values, ...values };
    this.#show();
    this.dispatchEvent(new Event("change"));
  }

  /** As the API takes them: the original's six, and ours beside them where they say something. */
  parameters() {
    return asParameters(this.values);
  }

  #show() {
    for (const show of this.#shows) show();
    for (const [name, values] of Object.entries(PRESETS)) {
      const wanted = moods(values);
      const matches = Object.keys(wanted).every((key) => this.values[key] === wanted[key]);
      this.#presets[name].setAttribute("aria-pressed", matches);
    }
    const changed = CONTROLS.some(({ name, preset }) => this.values[name] !== preset);
    buttonFor(this.#root, "reset").hidden = !changed;
  }

  /** Say everything again, in the language of now. */
  render() {
    this.#show();
  }

  #made(control) {
    const { name, kind } = control;
    const help = make("p", { className: "help", id: `${name}-help` });
    say(help, `${name}.help`);
    const made = {
      slider: () => this.#slider(control),
      choice: () => this.#choice(control),
      select: () => this.#select(control),
      number: () => this.#number(control),
    }[kind]();
    made.append(help);
    made.classList.add("parameter");
    return made;
  }

  #slider({ name, min, max, step }) {
    const title = make("label", { htmlFor: name });
    say(title, name);
    const output = make("output", { htmlFor: name });
    const input = make("input", {
      ...{ type: "range", id: name, name, min, max, step },
      "aria-describedby": `${name}-help`,
    });
    input.addEventListener("input", () => this.choose({ [name]: Number(input.value) }));
    this.#shows.push(() => {
      input.value = this.values[name];
      const share = (this.values[name] - min) / (max - min);
      input.style.setProperty("--share", share);
      const digits = step < 1 ? 2 : 0;
      const style = { minimumFractionDigits: digits, maximumFractionDigits: digits };
      output.textContent = new Intl.NumberFormat(languageTag(), style).format(this.values[name]);
    });
    return make("div", {}, make("div", { className: "title" }, title, output), input);
  }

  #choice({ name, options }) {
    const title = make("legend");
    say(title, name);
    const bar = make("div", { className: "segments" });
    for (const option of options) {
      const input = make("input", { type: "radio", name, value: String(option ?? "none") });
      input.addEventListener("change", () => this.choose({ [name]: option }));
      this.#shows.push(() => (input.checked = this.values[name] === option));
      const words = make("span");
      say(words, `${name}.${option ?? "none"}`);
      bar.append(make("label", {}, input, words));
    }
    return make("fieldset", { "aria-describedby": `${name}-help` }, title, bar);
  }

  #select({ name, options }) {
    const title = make("label", { htmlFor: name });
    say(title, name);
    const input = make("select", { id: name, name, "aria-describedby": `${name}-help` });
    for (const option of options) {
      const choice = make("option", { value: String(option) });
      say(choice, option === null ? `${name}.own` : `${name}.px`, { side: option });
      input.append(choice);
    }
    input.addEventListener("change", () =>
      this.choose({ [name]: input.value === "null" ? null : Number(input.value) }),
    );
    this.#shows.push(() => (input.value = String(this.values[name])));
    return make("div", {}, make("div", { className: "title" }, title), input);
  }

  #number({ name, max }) {
    const title = make("label", { htmlFor: name });
    say(title, name);
    const input = make("input", {
      ...{ type: "number", id: name, name, min: 0, max, step: 1, inputMode: "numeric" },
      "aria-describedby": `${name}-help`,
    });
    const dice = make("button", { className: "soft icon-only", type: "button" });
    showIcon(dice, "dice");
    label(dice, `${name}.dice`);
    dice.addEventListener("click", () =>
      this.choose({ [name]: 1 + Math.floor(Math.random() * max) }),
    );
    input.addEventListener("change", () => {
      const whole = Math.round(Number(input.value));
      this.choose({ [name]: Math.max(0, Math.min(max, whole || 0)) });
    });
    this.#shows.push(() => (input.value = this.values[name]));
    const row = make("div", { className: "with-button" }, input, dice);
    return make("div", {}, make("div", { className: "title" }, title), row);
  }
}

/** A preset's values, with defaults for the rest of what presets are about. */
function moods(values) {
  const about = CONTROLS.filter(({ name, ours }) => !ours && name !== "paste_back");
  return { ...Object.fromEntries(about.map(({ name, preset }) => [name, preset])), ...values };
}

/** Values as the API's `parameters`. */
export function asParameters(values) {
  const parameters = {};
  const ours = {};
  for (const { name, preset, ours: isOurs } of CONTROLS) {
    if (!isOurs) parameters[name] = values[name];
    else if (values[name] !== preset) ours[name] = values[name];
  }
  return Object.keys(ours).length > 0 ? { ...parameters, portravox: ours } : parameters;
}

/** Values that are not the default, as options of the command line. */
export function asOptions(values) {
  return CONTROLS.filter(({ name, preset }) => values[name] !== preset).map(({ name }) => {
    const option = name.replaceAll("_", "-");
    if (name === "paste_back") return `--no-${option}`;
    return `--${option} ${values[name]}`;
  });
}
