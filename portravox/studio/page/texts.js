// What the page says, in the chosen language.
//
// Elements carry the key of their text (data-text) or of their name for screen readers
// (data-label), so that one pass over the document changes the language.
import en from "./texts/en.js";
import zh from "./texts/zh.js";
import { kept, keep } from "./kept.js";

const LANGUAGES = { en: { texts: en, tag: "en" }, zh: { texts: zh, tag: "zh-CN" } };
const values = new WeakMap(); // element -> { text: …, label: … }: what fills the {gaps}

export const languageChanges = new EventTarget();

let current = kept("language") ?? (isChinese(navigator.languages[0]) ? "zh" : "en");
if (!(current in LANGUAGES)) current = "en";

function isChinese(tag) {
  return (tag ?? "").toLowerCase().startsWith("zh");
}

/** The tag of the language shown, for Intl. */
export function languageTag() {
  return LANGUAGES[current].tag;
}

/** What fills a gap of any text that has one of this name. */
const common = {};

/** From now on `{name}` stands for `value` wherever a text has it. */
export function fillEverywhere(name, value) {
  common[name] = value;
  showTexts();
}

/** A text by its key; `{name}` is filled from `gaps`. */
export function text(key, gaps = {}) {
  const found = LANGUAGES[current].texts[key];
  if (found === undefined) throw new Error(`no text ${key}`);
  return found.replace(/\{(\w+)\}/g, (gap, name) => String(gaps[name] ?? common[name] ?? gap));
}

/** Add texts that the server tells: by key, in all languages, as `{ en, zh }`. */
export function addTexts(added) {
  for (const [key, words] of Object.entries(added)) {
    for (const [language, { texts }] of Object.entries(LANGUAGES)) texts[key] = words[language];
  }
}

/** Whether there is such a text. */
export function hasText(key) {
  return key in en;
}

/** Let an element show a text, now and after the language changes. */
export function say(element, key, gaps = {}) {
  remember(element, "text", gaps);
  element.dataset.text = key;
  showText(element);
}

/** Let an element show nothing. */
export function sayNothing(element) {
  delete element.dataset.text;
  element.textContent = "";
}

/** Name an element for screen readers and, on hover, for all. */
export function label(element, key, gaps = {}) {
  remember(element, "label", gaps);
  element.dataset.label = key;
  showLabel(element);
}

function remember(element, what, gaps) {
  values.set(element, { ...values.get(element), [what]: gaps });
}

function showText(element) {
  const words = text(element.dataset.text, values.get(element)?.text);
  // A button's icon stands before its words and stays.
  const place = element.querySelector(":scope > .words");
  if (place) place.textContent = words;
  else if (element.querySelector(":scope > svg")) {
    const span = document.createElement("span");
    span.className = "words";
    span.textContent = words;
    element.append(span);
  } else element.textContent = words;
}

function showLabel(element) {
  const words = text(element.dataset.label, values.get(element)?.label);
  element.setAttribute("aria-label", words);
  if (element.matches("button, a")) element.title = words;
}

/** Fill the document. */
export function showTexts() {
  document.documentElement.lang = languageTag();
  for (const element of document.querySelectorAll("[data-text]")) showText(element);
  for (const element of document.querySelectorAll("[data-label]")) showLabel(element);
}

/** Change to the other language. */
export function switchLanguage() {
  current = current === "en" ? "zh" : "en";
  keep("language", current);
  showTexts();
  languageChanges.dispatchEvent(new Event("change"));
}

/** Sentences after each other. */
export function together(sentences) {
  return sentences.join(current === "zh" ? "" : " ");
}

/** A span of time in words: seconds, minutes or hours, rounded. */
export function span(seconds) {
  if (seconds < 90) return text("time.seconds", { count: Math.max(1, Math.round(seconds)) });
  if (seconds < 5400) return text("time.minutes", { count: Math.round(seconds / 60) });
  return text("time.hours", { count: Math.round(seconds / 3600) });
}

/** A number with one decimal: `4.2`. */
export function exactNumber(number) {
  const style = { minimumFractionDigits: 1, maximumFractionDigits: 1 };
  return new Intl.NumberFormat(languageTag(), style).format(number);
}

/** Seconds with one decimal: `4.2 s`. */
export function exactSpan(seconds) {
  return text("time.seconds", { count: exactNumber(seconds) });
}

/** A share as a percentage. */
export function percent(share) {
  return new Intl.NumberFormat(languageTag(), { style: "percent" }).format(share);
}
