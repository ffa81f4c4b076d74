// The choices about the video: what the API calls `parameters`.
//
// Flow      studio/about: options, presets -> cards, controls -> Direction.parameters() -> jobs, request
import { kept, keep } from "./kept.js";
import { buttonFor, make, partsOf, showIcon } from "./parts.js";
import { prepared } from "./picture.js";
import { wordsFor } from "./refusals.js";
import { addTexts, label, languageTag, say, sayNothing, text } from "./texts.js";

/** What a colour begins with. */
const COLOUR = "#f4f1ea";

/** An upload is good for 48 hours; an hour less, so that it does not end on the way. */
const UPLOAD_LIFE_MS = 47 * 3600 * 1000;

export class Direction extends EventTarget {
  #root = document.getElementById("direction");
  #parts = partsOf(this.#root);
  #shows = []; // functions that show the values in the controls
  #cards = {}; // preset -> button

  /** As the server defines them: name, default, control, texts, range or values, `ours`. */
  options = [];
  /** As the server defines them: name and values. */
  presets = [];
  values = {};
  /** The picture behind the person, as `prepared` gave it, with a name; null: none was chosen. */
  backdrop = null;
  #backdropLink = null; // {of, at, made}
  #session;

  constructor(session) {
    super();
    this.#session = session;
  }

  /** Make a card for each preset and a control for each option. */
  build(options, presets) {
    this.options = options;
    this.presets = presets;
    this.values = { ...this.start, ...this.values };
    for (const option of options) {
      addTexts(textsOf(option));
      if (["picture", "voice"].includes(option.control)) continue; // chosen in the wells
      const place = option.advanced ? this.#parts.advanced : this.#parts.parameters;
      place.append(this.#made(option));
    }
    for (const preset of presets) this.#parts.presets.append(this.#card(preset));
    const natural = this.#cards[presets[0]?.name];
    buttonFor(this.#root, "reset").addEventListener("click", () => {
      this.choose(this.start);
      natural?.focus(); // the button hides
    });
    buttonFor(this.#root, "save").addEventListener("click", () => this.#save(this.values));
    buttonFor(this.#root, "unsave").addEventListener("click", () => {
      this.#save(null);
      this.choose(this.start);
    });
    this.#openTips();
    this.#show();
    this.dispatchEvent(new Event("change"));
  }

  get defaults() {
    return Object.fromEntries(this.options.map((option) => [option.name, option.default]));
  }

  /** What a new video starts with: the server's defaults, or what was saved as one's own. */
  get start() {
    let saved = {};
    try {
      saved = JSON.parse(kept("defaults") ?? "{}");
    } catch {
      // Not ours: as if nothing had been saved.
    }
    const known = Object.entries(saved).filter(([name]) => name in this.defaults);
    return { ...this.defaults, ...Object.fromEntries(known) };
  }

  #save(values) {
    // What is said and who says it are of one picture and one voice.
    const general = values === null ? null : { ...values, face: null, transcript: null };
    if (general?.background === "picture") delete general.background; // it is not kept
    keep("defaults", general === null ? null : JSON.stringify(general));
    this.#show();
    buttonFor(this.#root, values === null ? "reset" : "unsave").focus();
  }

  /** Take over values; those not named keep what they are. */
  choose(values) {
    this.values = { ...this.values, ...values };
    if (this.values.background === "picture" && this.backdrop === null) {
      this.values.background = "keep"; // it was not remembered
    }
    this.#show();
    this.dispatchEvent(new Event("change"));
  }

  /** What has to be uploaded first, by the name of its option. Raises Refusal. */
  async links() {
    if (this.values.background !== "picture" || this.backdrop === null) return {};
    let link = this.#backdropLink;
    if (link?.of !== this.backdrop || Date.now() - link.at > UPLOAD_LIFE_MS) {
      const { blob, ending } = this.backdrop;
      const made = this.#session.api.upload(blob, `background.${ending}`);
      link = this.#backdropLink = { of: this.backdrop, at: Date.now(), made };
    }
    try {
      return { background: await link.made };
    } catch (error) {
      this.#backdropLink = null;
      throw error;
    }
  }

  /** Upload again when it is asked for: the link is another account's, or has gone. */
  forgetUpload() {
    this.#backdropLink = null;
  }

  /** As the API takes them: the original's six, and ours beside them where they say something;
   * `more`: what is chosen elsewhere. */
  parameters(more = {}) {
    return asParameters({ ...this.values, ...more }, this.options);
  }

  /** Values in words: the preset that they are, and what else differs from the defaults. */
  describe(values) {
    const preset = this.#presetOf(values);
    const base = { ...this.defaults, ...preset?.values };
    const changed = this.options
      .filter(({ name, default: preset_value }) => (values[name] ?? preset_value) !== base[name])
      .map((option) => this.#inWords(option, values[option.name]));
    return [text(preset ? `preset.${preset.name}` : "preset.own"), ...changed].join(" · ");
  }

  #inWords({ name, control, values: choices = [] }, value) {
    if (["line", "lines"].includes(control)) return text(name);
    const title = choices.some((choice) => choice.value === value) ? text(`${name}.${value}`) : value;
    return text("option.is", { name: text(name), value: title ?? text(`${name}.none`) });
  }

  #presetOf(values) {
    return this.presets.find((preset) =>
      Object.entries(preset.values).every(([name, value]) => values[name] === value),
    );
  }

  #show() {
    if (this.options.length === 0) return; // the server has not been reached yet
    for (const show of this.#shows) show();
    const chosen = this.#presetOf(this.values);
    for (const [name, card] of Object.entries(this.#cards)) {
      const pressed = name === chosen?.name;
      card.setAttribute("aria-pressed", String(pressed));
      if (pressed) play(card);
      else card.querySelector("video").pause();
    }
    const differsFrom = (other) => this.options.some(({ name }) => this.values[name] !== other[name]);
    const saved = kept("defaults") !== null;
    buttonFor(this.#root, "reset").hidden = !differsFrom(this.start);
    buttonFor(this.#root, "save").hidden = !differsFrom(this.start);
    buttonFor(this.#root, "unsave").hidden = !saved;
    const { changed } = this.#parts;
    const base = { ...this.defaults, ...chosen?.values };
    changed.hidden = !differsFrom(base);
    if (changed.hidden) sayNothing(changed);
    else changed.textContent = this.describe(this.values);
  }

  /** Say everything again, in the language of now. */
  render() {
    this.#show();
  }

  #card({ name, values }) {
    const clip = make("video", { muted: true, loop: true, playsInline: true, preload: "none" });
    clip.setAttribute("aria-hidden", "true");
    clip.tabIndex = -1;
    const title = make("span", { className: "preset-name" });
    const about = make("span", { className: "preset-about" });
    say(title, `preset.${name}`);
    say(about, `preset.${name}.about`);
    const card = make("button", { className: "preset", type: "button" }, clip, title, about);
    card.addEventListener("click", () => this.choose(values));
    card.addEventListener("pointerenter", () => play(card));
    card.addEventListener("pointerleave", () => this.#show());
    this.#cards[name] = card;
    showClip(clip, name, () => card.getAttribute("aria-pressed") === "true" && play(card));
    return card;
  }

  // ---- the controls

  #made(option) {
    const { name, control } = option;
    const help = make("p", { className: "help", id: `${name}-help`, role: "tooltip" });
    say(help, `${name}.help`);
    const made = {
      slider: () => this.#slider(option),
      choice: () => this.#choice(option),
      select: () => this.#select(option),
      number: () => this.#number(option),
      line: () => this.#text(option, make("input", { type: "text", spellcheck: false })),
      lines: () => this.#text(option, make("textarea", { rows: 3 })),
      background: () => this.#background(option),
    }[control]();
    made.append(help);
    made.classList.add("parameter");
    return made;
  }

  /** What opens the help of an option. */
  #tip(name) {
    const tip = make("button", { className: "tip", type: "button" });
    tip.setAttribute("aria-expanded", "false");
    tip.setAttribute("aria-controls", `${name}-help`);
    showIcon(tip, "info");
    this.#shows.push(() => tip.setAttribute("aria-label", text("option.about", { name: text(name) })));
    return tip;
  }

  // One is open at a time; Escape, leaving it or pressing elsewhere closes it.
  #openTips() {
    const open = (chosen) => {
      for (const tip of this.#root.querySelectorAll(".tip")) {
        tip.setAttribute("aria-expanded", String(tip === chosen));
      }
    };
    addEventListener("click", ({ target }) => {
      const tip = target instanceof Element ? target.closest(".tip") : null;
      open(tip?.getAttribute("aria-expanded") === "true" ? null : tip);
    });
    this.#root.addEventListener("keydown", (event) => event.key === "Escape" && open(null));
    this.#root.addEventListener("focusout", () => open(null));
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
    const head = make("div", { className: "title" }, title, this.#tip(name), output);
    return make("div", {}, head, input);
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
    return make("fieldset", { "aria-describedby": `${name}-help` }, title, this.#tip(name), bar);
  }

  // Some names, a colour, or a picture: what the last two need shows once they are chosen.
  #background({ name, values }) {
    const kindOf = (value) => (value.startsWith("#") ? "colour" : value);
    const colour = make("input", { type: "color", value: COLOUR });
    label(colour, `${name}.colour`);
    const file = make("input", { type: "file", accept: "image/*", hidden: true });
    const picture = make("button", { className: "soft", type: "button" });
    const trouble = make("p", { className: "bad", role: "status", hidden: true });
    const choose = (kind) => {
      if (kind === "picture" && this.backdrop === null) {
        this.#show(); // until there is one, all stays as it is
        file.click();
      } else this.choose({ [name]: kind === "colour" ? colour.value : kind });
    };
    const title = make("legend");
    say(title, name);
    const bar = make("div", { className: "segments" });
    for (const { value } of values) {
      const input = make("input", { type: "radio", name, value });
      input.addEventListener("change", () => choose(value));
      this.#shows.push(() => (input.checked = kindOf(this.values[name]) === value));
      const words = make("span");
      say(words, `${name}.${value}`);
      bar.append(make("label", {}, input, words));
    }
    colour.addEventListener("input", () => this.choose({ [name]: colour.value }));
    picture.addEventListener("click", () => file.click());
    file.addEventListener("change", async () => {
      const [chosen] = file.files;
      file.value = "";
      if (!chosen) return;
      trouble.hidden = true;
      try {
        await this.takeBackdrop(chosen);
      } catch (error) {
        trouble.textContent = wordsFor(error);
        trouble.hidden = false;
      }
    });
    const more = make("div", { className: "with-button" }, colour, picture, file);
    this.#shows.push(() => {
      const kind = kindOf(this.values[name]);
      more.hidden = !["colour", "picture"].includes(kind);
      colour.hidden = kind !== "colour";
      if (kind === "colour") colour.value = this.values[name];
      picture.hidden = kind !== "picture";
      say(picture, "background.replace", { name: this.backdrop?.name ?? "" });
    });
    const about = { "aria-describedby": `${name}-help` };
    return make("fieldset", about, title, this.#tip(name), bar, more, trouble);
  }

  /** Take a file as the picture behind the person. Raises Unfit and Refusal. */
  async takeBackdrop(file) {
    const { limits, api } = this.#session;
    const found = await prepared(file, limits.picture, (unopened) => api.plain("image", unopened));
    this.backdrop = { ...found, name: file.name };
    this.choose({ background: "picture" });
  }

  /** Take up what an earlier video had behind it; null: nothing is left of it. */
  restoreBackdrop(backdrop) {
    this.backdrop = backdrop ?? null;
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
    return make("div", { className: "title" }, title, this.#tip(name));
  }
}

/** Fetched whole and by script, since some browsers play only what a server sends in pieces. */
async function showClip(clip, name, onReady) {
  try {
    const response = await fetch(new URL(`./clips/${name}.mp4`, import.meta.url));
    if (!response.ok) return;
    clip.src = URL.createObjectURL(await response.blob());
    clip.preload = "auto";
    onReady();
  } catch {
    // The card says in words what it is.
  }
}

function play(card) {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  const clip = card.querySelector("video");
  if (clip.src) clip.play().catch(() => {});
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
  const hasWords = Boolean(values.text || values.transcript);
  for (const { name, default: preset, ours: isOurs } of options) {
    if (!isOurs) parameters[name] = values[name];
    else if (name === "captions" && !hasWords) continue; // nothing is known that could be written
    else if (values[name] !== preset) ours[name] = values[name];
  }
  return Object.keys(ours).length > 0 ? { ...parameters, portravox: ours } : parameters;
}

/** Values that are not the default, as options of the command line: [flag] or [flag, value]. */
export function asOptions(values, options) {
  return options
    .filter(({ name, default: preset }) => values[name] !== preset)
    .map(({ name, default: preset, flag: word }) => {
      const flag = word ?? name.replaceAll("_", "-");
      if (typeof preset === "boolean") return [values[name] ? `--${flag}` : `--no-${flag}`];
      return [`--${flag}`, String(values[name])];
    });
}
