// The choices about the video: what the API calls `parameters`.
//
// Flow      studio/about: options -> controls -> Direction.parameters() -> jobs, request
import { buttonFor, make, partsOf, showIcon } from "./parts.js";
import { addTexts, label, languageTag, say, text } from "./texts.js";

/** Starting points; what a preset does not name goes back to the API's default. Our choice. */
const PRESETS = {
  news: { template_id: "calm", head_move_strength: 0.4, eye_move_freq: 0.4, video_fps: 25 },
  story: { template_id: "normal", head_move_strength: 0.8, eye_move_freq: 0.4 },
  song: { template_id: "active", head_move_strength: 1, mouth_move_strength: 1.2, video_fps: 30 },
};

export class Direction extends EventTarget {
  #root = document.getElementById("direction");
  #parts = partsOf(this.#root);
  #shows = []; // functions that show the values in the controls
  #presets = {};

  /** As the server defines them: name, default, control, texts, range or values, `ours`. */
  options = [];
  values = {};

  /** Make a control for each option. */
  build(options) {
    this.options = options;
    this.values = { ...this.defaults, ...this.values };
    for (const option of options) {
      addTexts(textsOf(option));
      const place = option.advanced ? this.#parts.advanced : this.#parts.parameters;
      place.append(this.#made(option));
    }
    for (const [name, values] of Object.entries(PRESETS)) {
      const button = make("button", { className: "chip", type: "button" });
      say(button, `preset.${name}`);
      button.addEventListener("click", () => this.choose(this.#mood(values)));
      this.#presets[name] = button;
      this.#parts.presets.append(button);
    }
    const reset = buttonFor(this.#root, "reset");
    reset.addEventListener("click", () => {
      this.choose(this.defaults);
      this.#presets.news.focus(); // the button hides
    });
    this.#show();
    this.dispatchEvent(new Event("change"));
  }

  get defaults() {
    return Object.fromEntries(this.options.map((option) => [option.name, option.default]));
  }

  /** A preset's values, with defaults for the rest of what presets are about. */
  #mood(values) {
    const about = this.options.filter(({ name, ours }) => !ours && name !== "paste_back");
    const defaults = Object.fromEntries(about.map((option) => [option.name, option.default]));
    return { ...defaults, ...values };
  }

  /** Take over values; those not named keep what they are. */
  choose(values) {
    this.values = { ...this.values, ...values };
    this.#show();
    this.dispatchEvent(new Event("change"));
  }

  /** As the API takes them: the original's six, and ours beside them where they say something. */
  parameters() {
    return asParameters(this.values, this.options);
  }

  #show() {
    if (this.options.length === 0) return; // the server has not been reached yet
    for (const show of this.#shows) show();
    for (const [name, values] of Object.entries(PRESETS)) {
      const wanted = this.#mood(values);
      const matches = Object.keys(wanted).every((key) => this.values[key] === wanted[key]);
      this.#presets[name].setAttribute("aria-pressed", matches);
    }
    const changed = this.options.some((option) => this.values[option.name] !== option.default);
    buttonFor(this.#root, "reset").hidden = !changed;
  }

  /** Say everything again, in the language of now. */
  render() {
    this.#show();
  }

  #made(option) {
    const { name, control } = option;
    const help = make("p", { className: "help", id: `${name}-help` });
    say(help, `${name}.help`);
    const made = {
      slider: () => this.#slider(option),
      choice: () => this.#choice(option),
      select: () => this.#select(option),
      number: () => this.#number(option),
      line: () => this.#text(option, make("input", { type: "text", spellcheck: false })),
      lines: () => this.#text(option, make("textarea", { rows: 3 })),
    }[control]();
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

  #choice({ name, none, values }) {
    const title = make("legend");
    say(title, name);
    const bar = make("div", { className: "segments" });
    const choices = [...(none ? [null] : []), ...values.map(({ value }) => value)];
    for (const choice of choices) {
      const input = make("input", { type: "radio", name, value: String(choice ?? "none") });
      input.addEventListener("change", () => this.choose({ [name]: choice }));
      this.#shows.push(() => (input.checked = this.values[name] === choice));
      const words = make("span");
      say(words, `${name}.${choice ?? "none"}`);
      bar.append(make("label", {}, input, words));
    }
    return make("fieldset", { "aria-describedby": `${name}-help` }, title, bar);
  }

  #select({ name, suggestions, unit }) {
    const title = this.#title(name);
    const input = make("select", { id: name, name, "aria-describedby": `${name}-help` });
    input.append(make("option", { value: "null" }));
    say(input.lastChild, `${name}.none`);
    for (const value of suggestions) {
      const choice = make("option", { value: String(value) });
      this.#shows.push(() =>
        say(choice, "option.value", { value, unit: unit ? text(`${name}.unit`) : "" }),
      );
      input.append(choice);
    }
    input.addEventListener("change", () =>
      this.choose({ [name]: input.value === "null" ? null : Number(input.value) }),
    );
    this.#shows.push(() => (input.value = String(this.values[name])));
    return make("div", {}, title, input);
  }

  #number({ name, min, max, random_below: below }) {
    const input = make("input", {
      ...{ type: "number", id: name, name, min, max, step: 1, inputMode: "numeric" },
      "aria-describedby": `${name}-help`,
    });
    input.addEventListener("change", () => {
      const whole = Math.round(Number(input.value));
      this.choose({ [name]: Math.max(min, Math.min(max, whole || 0)) });
    });
    this.#shows.push(() => (input.value = this.values[name]));
    const row = make("div", { className: "with-button" }, input);
    if (below) {
      const dice = make("button", { className: "soft icon-only", type: "button" });
      showIcon(dice, "dice");
      label(dice, "option.random");
      dice.addEventListener("click", () =>
        this.choose({ [name]: 1 + Math.floor(Math.random() * (below - 1)) }),
      );
      row.append(dice);
    }
    return make("div", {}, this.#title(name), row);
  }

  #text({ name, max_characters: maxLength }, input) {
    Object.assign(input, { id: name, name, maxLength });
    input.setAttribute("aria-describedby", `${name}-help`);
    input.addEventListener("input", () => this.choose({ [name]: input.value.trim() || null }));
    this.#shows.push(() => {
      const shown = this.values[name] ?? "";
      if (input.value.trim() !== shown) input.value = shown; // what is being typed stays
    });
    return make("div", {}, this.#title(name), input);
  }

  #title(name) {
    const title = make("label", { htmlFor: name });
    say(title, name);
    return make("div", { className: "title" }, title);
  }
}

/** What the page says about an option, by key. */
function textsOf({ name, title, help, none, unit, values = [] }) {
  const texts = { [name]: title, [`${name}.help`]: help };
  if (none) texts[`${name}.none`] = none;
  if (unit) texts[`${name}.unit`] = unit;
  for (const { value, title: words } of values) texts[`${name}.${value}`] = words;
  return texts;
}

/** Values as the API's `parameters`: the original's, and ours apart where they say something. */
function asParameters(values, options) {
  const parameters = {};
  const ours = {};
  for (const { name, default: preset, ours: isOurs } of options) {
    if (!isOurs) parameters[name] = values[name];
    else if (values[name] !== preset) ours[name] = values[name];
  }
  return Object.keys(ours).length > 0 ? { ...parameters, portravox: ours } : parameters;
}

/** Values that are not the default, as options of the command line: [flag] or [flag, value]. */
export function asOptions(values, options) {
  return options
    .filter(({ name, default: preset }) => values[name] !== preset)
    .map(({ name, default: preset }) => {
      const flag = name.replaceAll("_", "-");
      if (typeof preset === "boolean") return [values[name] ? `--${flag}` : `--no-${flag}`];
      return [`--${flag}`, String(values[name])];
    });
}
