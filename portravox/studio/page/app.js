// The page: makes the parts and connects them.
//
// Flow      portrait, voice, direction -> make -> jobs -> stage, history
import { here } from "./api.js";
import { Batch } from "./batch.js";
import { Consent } from "./consent.js";
import { prepared } from "./picture.js";
import { appearanceButton } from "./appearance.js";
import { Direction } from "./direction.js";
import { Examples, Sample } from "./examples.js";
import { History } from "./history.js";
import { Jobs } from "./jobs.js";
import { listenForKeys } from "./keys.js";
import { Live } from "./live.js";
import { askToNotify, notice } from "./notices.js";
import { announce, make, showIcons } from "./parts.js";
import { PortraitWell } from "./portrait.js";
import { wordsFor } from "./refusals.js";
import { RequestDialog } from "./request.js";
import { Session } from "./session.js";
import { Stage } from "./stage.js";
import { Store } from "./store.js";
import { exactSpan, fillEverywhere, label, languageChanges, percent, say, showTexts, switchLanguage, text } from "./texts.js";
import { mendButton } from "./verdict.js";
import { openedVoice, sentVoice, VoiceWell } from "./voice.js";

const TIDY_APART_MS = 60000;

/** Until a server that could not be reached is asked again. */
const ASK_AGAIN_MS = 2000;

/** From the latest change to a well or a choice until it is remembered. */
const REMEMBER_AFTER_MS = 400;

showIcons();
showTexts();

const session = new Session();
fillEverywhere("longest", session.limits.voice.max_s); // until the server has said it
const portrait = new PortraitWell(session);
const voice = new VoiceWell(session);
const direction = new Direction(session);
const consent = new Consent();
const store = new Store();
const jobs = new Jobs(session.api, store);
const stage = new Stage(session.api, { remake, cancel, notify });
const history = new History(jobs, {
  choose: (job) => show(job, { plays: true }),
  onForgotten: forgotten,
  describe: (values) => (direction.options.length > 0 ? direction.describe(values) : ""),
});
const request = new RequestDialog();
const live = new Live(session, { portrait, direction });
const examples = new Examples(takeExample);
const sample = new Sample();

const makeButton = document.getElementById("make");
const liveButton = document.getElementById("go-live");
const summary = document.getElementById("make-summary");
const trouble = document.getElementById("trouble");
const languageButton = document.getElementById("language");

const main = document.getElementById("main");
const desk = document.getElementById("desk");
const view = document.getElementById("view");
const intro = document.getElementById("intro");
const introPicture = /** @type {HTMLImageElement} */ (document.getElementById("intro-picture"));

let uploading = false;
let asked = null; // what the latest video was asked for with
let sent = 0; // share of the voice; the portrait was sent when it was checked
let problem = null;
let opened = false; // what was in the wells is there again

// ---- one button

function whatIsMissing() {
  if (portrait.state === "empty" && voice.state === "empty") return "both";
  if (portrait.state === "empty") return "portrait";
  if (portrait.state === "unfit") return "face";
  if (["empty", "recording"].includes(voice.state)) return "voice";
  if (voice.state === "unfit") return "sound";
  if ([portrait.state, voice.state].includes("busy")) return "check";
  return consent.isMissing ? "consent" : null;
}

function showButton() {
  const missing = whatIsMissing();
  liveButton.hidden = !live.isOffered;
  const fits = ["fits", "unchecked"].includes(portrait.state);
  liveButton.setAttribute("aria-disabled", String(!fits || live.isOn));
  // It stays in the order of the keys: what is missing is said when it is pressed, too.
  makeButton.setAttribute("aria-disabled", String(missing !== null || uploading));
  makeButton.classList.toggle("busy", uploading);
  say(makeButton, uploading ? "make.uploading" : "make", { percent: percent(sent) });
  if (missing !== null) say(summary, `make.needs.${missing}`);
  else {
    const frames = Math.max(1, Math.round(voice.seconds * direction.values.video_fps));
    const key = voice.types ? "make.summary.text" : "make.summary";
    say(summary, key, { length: exactSpan(voice.seconds), frames });
  }
}

function showSent(share) {
  sent = share;
  showButton();
}

function complain(error) {
  problem = error;
  trouble.hidden = error === null;
  trouble.classList.toggle("bad", !error?.several); // that is an offer
  if (error === null) return trouble.replaceChildren();
  const mend = mendFor(error);
  const button = mend === null ? [] : [mendButton(mend)];
  trouble.replaceChildren(make("span", { textContent: wordsFor(error) }), ...button);
}

/** What the button beside a problem does; null where there is none that would help. */
function mendFor({ code, status, several }) {
  if (several) return { key: "batch.offer", icon: "spark", run: () => offerBatch(several) };
  if (status === 401) return { key: "account.out", icon: "key", run: () => session.ask() };
  const passes = status === 429 || status >= 500 || ["offline", "RequestTimeOut"].includes(code);
  return passes ? { key: "mend.again", icon: "undo", run: () => makeButton.click() } : null;
}

/** All that a video is made of, as one text: the same text, the same video. */
function wish() {
  const [picture, sound] = [portrait.picture, voice.identity];
  if (!picture || !sound) return null;
  const { backdrop } = direction;
  const behind = backdrop && [backdrop.blob.size, backdrop.name];
  return JSON.stringify([picture.blob.size, picture.name, sound, direction.parameters(), behind]);
}

makeButton.addEventListener("click", async () => {
  if (uploading) return;
  complain(null);
  const missing = whatIsMissing();
  if (missing !== null) {
    announce(summary.textContent);
    if (missing === "consent") return consent.show();
    return (["voice", "sound"].includes(missing) ? voice : portrait).root.scrollIntoView({ block: "nearest" });
  }
  if (!(await session.require())) return;
  uploading = true;
  showSent(0);
  try {
    const wished = wish();
    show(await submitted());
    asked = wished;
    announce(text("stage.announce.started"));
  } catch (error) {
    complain(error);
  } finally {
    uploading = false;
    showButton();
  }
});

/** Upload what is new, submit, and remember. */
async function submitted() {
  const voiceLink = voice.link({ onProgress: showSent });
  const links = [portrait.link(), voiceLink, direction.links()];
  const [image, audio, behind] = await Promise.all(links);
  showSent(1);
  const id = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
  const parameters = direction.parameters({ ...voice.values, ...behind });
  const agreed = consent.id;
  const taskId = await session.api.submit({ image, audio, parameters, consent: agreed, once: id });
  const { blob, name, width, height, thumbnail } = portrait.picture;
  return jobs.add({
    id,
    taskId,
    values: { ...direction.values },
    seconds: voice.seconds,
    backdrop: direction.backdrop,
    portrait: { blob, name, width, height, thumbnail },
    voice: voice.record,
  });
}

portrait.addEventListener("change", () => {
  const address = portrait.address;
  introPicture.hidden = address === null;
  if (address !== null) introPicture.src = address;
  showIntro();
});

consent.addEventListener("change", () => (showButton(), batch.render()));

// Who agreed did so for the person that is seen and the voice that is heard.
let agreedFor = [null, null];
for (const well of [portrait, voice]) {
  well.addEventListener("change", () => {
    const now = [portrait.file, voice.recording];
    if (now.some((part, place) => part !== agreedFor[place])) consent.withdraw();
    agreedFor = now;
  });
}

portrait.addEventListener("face", () => direction.choose({ face: portrait.face }));
direction.addEventListener("change", () => (portrait.face = direction.values.face ?? null));

for (const part of [portrait, voice, direction]) {
  part.addEventListener("change", () => {
    if (problem !== null && !problem.several && !uploading) complain(null);
    showButton();
    rememberSoon();
  });
}

// ---- live

liveButton.addEventListener("click", async () => {
  if (live.isOn) return;
  complain(null);
  const missing = { empty: "portrait", unfit: "face", busy: "check" }[portrait.state];
  if (missing !== undefined) {
    announce(text(`make.needs.${missing}`));
    return portrait.root.scrollIntoView({ block: "nearest" });
  }
  if (consent.isMissing) {
    announce(text("make.needs.consent"));
    return consent.show();
  }
  if (!(await session.require())) return;
  try {
    await live.start(consent.id);
  } catch (error) {
    complain(error);
  }
});

live.addEventListener("ended", (event) => complain(/** @type {CustomEvent} */ (event).detail));
live.addEventListener("change", () => {
  stage.stepAside(live.isOn);
  showIntro();
  showButton();
});

// ---- many videos at once

const batch = new Batch({ jobs, made: madeOf, missing: missingFor });

/** A row of a batch becomes a video: a file in place of what is in its well. */
async function madeOf(file, kind) {
  const { api } = session;
  const id = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
  let face = direction.values.face;
  let picture = portrait.picture;
  let sound = voice.record;
  let seconds = voice.seconds;
  let links;
  if (kind === "portrait") {
    face = null; // that was of another picture
    const found = await prepared(file, session.limits.picture, (unopened) => api.plain("image", unopened));
    picture = { ...found, name: file.name };
    links = [api.upload(found.blob, `portrait.${found.ending}`), voice.link()];
  } else {
    const recording = await openedVoice(file, session);
    seconds = Math.min(recording.buffer.duration, session.limits.voice.max_s);
    sound = { blob: recording.blob, name: recording.name, selection: [0, seconds] };
    links = [portrait.link(), sentVoice(recording, [0, seconds], session)];
  }
  const [image, audio, behind] = await Promise.all([...links, direction.links()]);
  const values = { ...direction.values, face };
  const spoken = kind === "portrait" ? voice.values : { transcript: null };
  const parameters = direction.parameters({ face, ...spoken, ...behind });
  const taskId = await api.submit({ image, audio, parameters, consent: consent.id, once: id });
  const { blob, name, width, height, thumbnail } = picture;
  const { backdrop } = direction;
  const made = { id, taskId, values, seconds, backdrop, portrait: { blob, name, width, height, thumbnail }, voice: sound };
  return jobs.add(kind === "portrait" ? { ...made, title: file.name.replace(/\.\w{1,5}$/, "") } : made);
}

/** What a batch still needs from the other well; null where it may begin. */
function missingFor(kind) {
  const other = kind === "portrait" ? voice : portrait;
  if (other.state === "busy") return "check";
  if (["fits", "unchecked"].includes(other.state)) return consent.isMissing ? "consent" : null;
  if (kind === "portrait") return voice.state === "unfit" ? "sound" : "voice";
  return portrait.state === "unfit" ? "face" : "portrait";
}

async function offerBatch(files) {
  if (!(await session.require())) return;
  complain(null);
  const pictures = files.filter(isPicture);
  if (pictures.length > 1) batch.take(pictures, "portrait");
  else batch.take(files.filter(isSound), "voice");
}

for (const well of [portrait, voice]) {
  well.addEventListener("change", () => batch.render());
  well.addEventListener("several", (event) => takeAll(/** @type {CustomEvent} */ (event).detail));
}

document.getElementById("show-request").addEventListener("click", async () => {
  const filled = whatIsMissing() === null && session.ready;
  let [image, audio] = ["https://example.com/face.jpg", "https://example.com/voice.wav"];
  const { backdrop, values } = direction;
  const hasBackdrop = values.background === "picture";
  let behind = hasBackdrop ? { background: "https://example.com/wall.jpg" } : {};
  if (voice.types) audio = null;
  if (filled) {
    try {
      const links = [portrait.link(), voice.link(), direction.links()];
      [image, audio, behind] = await Promise.all(links);
    } catch (error) {
      return complain(error);
    }
  }
  request.open({
    image,
    audio,
    imageName: portrait.picture?.name ?? "face.jpg",
    audioName: voice.types ? null : (voice.recording?.name ?? "voice.wav"),
    parameters: direction.parameters({ ...voice.values, ...behind }),
    values: { ...values, ...voice.values, ...(hasBackdrop && { background: backdrop?.name }) },
    options: direction.options,
    consent: consent.id,
  });
});

// ---- jobs

/**
 * Put a job on the stage and the stage into view.
 * @param {import("./jobs.js").Job | null} job
 * @param {{plays?: boolean}} how
 */
function show(job, how = {}) {
  live.stop();
  stage.show(job, how);
  history.mark(job);
  showIntro();
  if (job !== null) stage.reveal();
}

/** The headline, a sample and examples, until there is something of one's own to see. */
function showIntro() {
  intro.hidden = live.isOn || stage.job !== null || jobs.list.length > 0;
  if (intro.hidden || portrait.picture !== null) sample.hold();
  else if (opened) sample.show();
}

/** Both wells and the choices become those of an example. */
async function takeExample({ name, preset }) {
  complain(null);
  const { values } = direction.presets.find((each) => each.name === preset);
  await Promise.all([portrait.takeExample(name), voice.takeExample(name)]);
  direction.choose({ ...direction.start, ...values });
}

// A reader by keyboard or by ear comes to things in the order in which they are seen.
const twoPanes = matchMedia("(min-width: 1100px)");
function arrange() {
  if (twoPanes.matches && main.firstElementChild !== desk) main.prepend(desk);
  if (!twoPanes.matches && main.firstElementChild !== view) main.prepend(view);
}
twoPanes.addEventListener("change", arrange);
arrange();

listenForKeys(stage, { makes: makeButton, unchanged: () => asked !== null && asked === wish() });

async function notify(job) {
  job.notifies = await askToNotify();
  job.changed();
}

async function cancel(job) {
  try {
    await jobs.cancel(job);
  } catch (error) {
    complain(error);
  }
}

function remake(job) {
  const { portrait: picture, voice: sound, values } = job.record;
  portrait.take(new File([picture.blob], picture.name, { type: picture.blob.type }));
  voice.restore(sound);
  direction.restoreBackdrop(job.record.backdrop);
  direction.choose({ ...direction.defaults, ...values });
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  desk.scrollIntoView({ block: "start", behavior: calm ? "auto" : "smooth" });
  portrait.root.scrollIntoView({ block: "nearest" });
  desk.focus({ preventScroll: true });
}

function forgotten(job) {
  if (stage.job === job) show(null);
  if (jobs.list.length === 0) document.getElementById("make").focus({ preventScroll: true });
}

jobs.addEventListener("change", showTitle);
jobs.addEventListener("change", showIntro);
jobs.addEventListener("progress", showTitle);
jobs.addEventListener("ended", (event) => {
  const { detail: job } = /** @type {CustomEvent} */ (event);
  if (document.hidden) unseen = job.status;
  showTitle();
  if (job.notifies && job.status !== "CANCELED") notice(job, () => show(job, { plays: true }));
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  unseen = null;
  showTitle();
});

let unseen = null; // how the latest video ended that nobody has looked at yet

/** How far it is, or that it is ready, for who looks at another tab. */
function showTitle() {
  const running = jobs.list.filter((job) => !job.ended);
  const share = Math.max(0, ...running.map((job) => job.done));
  const ready = unseen === null ? null : text(unseen === "SUCCEEDED" ? "title.ready" : "title.failed");
  const words = running.length > 0 ? percent(share) : ready;
  document.title = words === null ? "Portravox" : `${words} · Portravox`;
}

// ---- what is in the wells and chosen outlives a reload

let remembering = null;
let restored = false;

function rememberSoon() {
  if (!restored) return;
  clearTimeout(remembering);
  remembering = setTimeout(remember, REMEMBER_AFTER_MS);
}

async function remember() {
  if ([portrait.state, voice.state].includes("busy")) return; // it changes again, soon
  try {
    await store.keepOnDesk("portrait", portrait.file);
    await store.keepOnDesk("voice", voice.kept);
    if (direction.options.length > 0) await store.keepOnDesk("values", direction.values);
  } catch {
    // No room left: it lives as long as the page.
  }
}

async function restore() {
  const { portrait: picture, voice: sound, values } = await store.desk();
  if (picture && portrait.state === "empty") portrait.take(picture);
  if (values) direction.choose({ ...direction.start, ...values }); // which face, too: after the picture
  if (sound && voice.state === "empty") voice.restore(sound);
  restored = true;
}

setInterval(() => {
  jobs.tidy();
  history.render();
  if (stage.job?.ended) stage.render();
}, TIDY_APART_MS);

// ---- files from anywhere

// Systems do not know the type of every kind; its name says more then.
const isPicture = ({ type, name }) => type.startsWith("image/") || /\.(hei[cf]|avif)$/i.test(name);
const isSound = ({ type, name }) =>
  /^(audio|video)\//.test(type) || /\.(amr|caf|aac|opus|oga|flac|m4a|3gpp?|aiff?|w64)$/i.test(name);

function takeAny(file) {
  if (isPicture(file)) portrait.take(file);
  else if (isSound(file)) voice.take(file);
  else complain({ code: "not_media" });
}

/** The first picture and the first recording; of more, what makes many videos is named. */
function takeAll(files) {
  const all = [...files];
  const picture = all.find(isPicture);
  const sound = all.find(isSound);
  if (all.length > 0 && !picture && !sound) return takeAny(all[0]);
  for (const file of [picture, sound]) if (file) takeAny(file);
  if (all.length > Number(Boolean(picture)) + Number(Boolean(sound))) {
    complain({ code: "one_each", several: all });
  }
}

const curtain = document.getElementById("curtain");
let depth = 0;

addEventListener("dragenter", (event) => {
  if (!event.dataTransfer?.types.includes("Files")) return;
  depth += 1;
  curtain.hidden = false;
});
addEventListener("dragleave", () => {
  depth = Math.max(0, depth - 1);
  curtain.hidden = depth === 0;
});
addEventListener("dragover", (event) => {
  event.preventDefault();
  const over = event.target instanceof Element ? event.target.closest(".well") : null;
  for (const well of [portrait.root, voice.root]) well.classList.toggle("over", well === over);
});
addEventListener("drop", (event) => {
  event.preventDefault();
  depth = 0;
  curtain.hidden = true;
  for (const well of [portrait.root, voice.root]) well.classList.remove("over");
  takeAll(event.dataTransfer.files);
});
addEventListener("paste", (event) => {
  const files = [...(event.clipboardData?.files ?? [])];
  if (files.length > 0) event.preventDefault();
  takeAll(files);
});

// ---- language, appearance, session

function showLanguageButton() {
  say(languageButton, "nav.language");
  label(languageButton, "nav.language.label");
  languageButton.lang = text("nav.language") === "English" ? "en" : "zh-CN";
}

languageButton.addEventListener("click", switchLanguage);
languageChanges.addEventListener("change", () => {
  for (const part of [portrait, voice, direction, stage, history, batch]) part.render();
  showLanguageButton();
  showButton();
  complain(problem);
  showTitle();
});

appearanceButton(document.getElementById("theme"), () => voice.repaint());

let wasReady = false;
session.addEventListener("change", () => {
  // A server that was started anew knows the pass no longer: what runs there is followed again.
  if (wasReady && !session.ready && session.refused && jobs.list.some((job) => !job.ended)) {
    session.ask("signin.again");
  }
  if (session.ready && !wasReady) {
    portrait.forgetUpload();
    voice.forgetUpload();
    direction.forgetUpload();
    jobs.resume();
  }
  // Who signs out leaves no picture and no voice behind.
  if (wasReady && !session.ready && !session.refused) {
    portrait.clear();
    voice.clear();
    remember();
  }
  wasReady = session.ready;
});

showLanguageButton();
showButton();
start();

async function start() {
  const about = await learned();
  if (about === null) complain({ code: "offline" });
  await session.open({ needed: about?.needs_key ?? true });
  jobs.life_ms = about?.video_life_s ? about.video_life_s * 1000 : jobs.life_ms;
  await jobs.open();
  const latest = jobs.list.find((job) => !job.ended) ?? jobs.list.find((job) => !job.expired);
  if (latest) {
    stage.show(latest);
    history.mark(latest);
  }
  showIntro();
  await restore();
  opened = true;
  showIntro();
  document.documentElement.dataset.ready = "true";
  if (about === null) await learnLater();
}

/** What the server says about itself, shown; null if it cannot be reached. */
async function learned() {
  let about;
  try {
    about = await (await fetch(here("studio/about"))).json();
  } catch {
    return null;
  }
  document.getElementById("version").textContent = `Portravox ${about.version}`;
  session.limits = about.limits;
  fillEverywhere("longest", about.limits.voice.max_s);
  direction.build(about.options, about.presets);
  voice.offerSpeech(about.speech);
  live.offer(about.live, about.speech);
  consent.offer(about.consent);
  showButton();
  history.render();
  examples.offer(about.examples);
  const [first] = about.examples;
  portrait.offerExample(first.name);
  voice.offerExample(first.name);
  return about;
}

/** Ask until the server can be reached again. */
async function learnLater() {
  let about = null;
  while (about === null) {
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
    about = await learned();
  }
  complain(null);
  await session.open({ needed: about.needs_key });
}
