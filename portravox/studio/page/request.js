// The request of the page as code: for a shell, for Python, for the command line.
//
// Flow      wells, direction -> request -> the clipboard
import { here, inputOf } from "./api.js";
import { asOptions } from "./direction.js";
import { buttonFor, make, partsOf } from "./parts.js";
import { say } from "./texts.js";

const KINDS = ["curl", "Python", "CLI"];

/** A text as one word of a POSIX shell. */
export function quoted(word) {
  return /^[\w./:@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** The request for curl. image and audio are addresses; no audio where a text is spoken. */
export function asCurl({ image, audio, parameters, consent }) {
  const input = inputOf({ image, audio, consent });
  const body = { model: "liveportrait", input, parameters };
  const headers = ['-H "Authorization: Bearer $DASHSCOPE_API_KEY"', "-H 'X-DashScope-Async: enable'"];
  if (image.startsWith("oss://")) headers.push("-H 'X-DashScope-OssResourceResolve: enable'");
  const address = here("api/v1/services/aigc/image2video/video-synthesis");
  const lines = [`curl ${quoted(address)}`, ...headers, "-H 'Content-Type: application/json'"];
  return [...lines, `-d ${quoted(JSON.stringify(body, null, 2))}`].join(" \\\n  ");
}

/** The request for Python, with the original's own package. */
export function asPython({ image, audio, parameters, consent }) {
  const literal = (value) =>
    value === true ? "True" : value === false ? "False" : JSON.stringify(value);
  const chosen = Object.entries(parameters).map(([name, value]) =>
    name === "portravox"
      ? `    portravox=${literal(value)},`
      : `    ${name}=${literal(value)},`,
  );
  return [
    "import os",
    "",
    "import dashscope",
    "from dashscope.aigc.video_synthesis import VideoSynthesis",
    "",
    `dashscope.base_http_api_url = ${literal(here("api/v1"))}`,
    'dashscope.api_key = os.environ["DASHSCOPE_API_KEY"]',
    "",
    "task = VideoSynthesis.async_call(",
    '    model="liveportrait",',
    '    task="image2video",',
    ...(audio === null ? [] : [`    audio_url=${literal(audio)},`]),
    `    extra_input={"image_url": ${literal(image)}${consent === null ? "" : `, "consent": ${literal(consent)}`}},`,
    ...chosen,
    ")",
    "finished = VideoSynthesis.wait(task)",
    'print(finished.output.results["video_url"])',
  ].join("\n");
}

/** The request for the command line; files by their names. */
export function asCommand({ imageName, audioName, values, options }) {
  const files = audioName === null ? [imageName] : [imageName, audioName];
  const words = [...files.map(quoted), "-o video.mp4"];
  const chosen = asOptions(values, options).map((option) => option.map(quoted).join(" "));
  return [["portravox animate", ...words].join(" "), ...chosen].join(" \\\n  ");
}

/** Copy an element's text. Where the page gets no clipboard (plain http), it is selected, copied in
 * the old way if the browser still knows it; false: its user has to press the keys. */
async function copied(element) {
  try {
    await navigator.clipboard.writeText(element.textContent);
    return true;
  } catch {
    getSelection().selectAllChildren(element);
    return document.execCommand("copy");
  }
}

export class RequestDialog {
  #dialog = /** @type {HTMLDialogElement} */ (document.getElementById("request"));
  #parts = partsOf(this.#dialog);
  #tabs = [];
  #request = null;

  constructor() {
    KINDS.forEach((kind, index) => {
      const tab = make("button", {
        ...{ type: "button", id: `request-tab-${index}`, textContent: kind },
        role: "tab",
        "aria-controls": "request-code",
      });
      tab.addEventListener("click", () => this.#show(index));
      tab.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (step === undefined) return;
        const next = (index + step + KINDS.length) % KINDS.length;
        this.#show(next);
        this.#tabs[next].focus();
      });
      this.#tabs.push(tab);
    });
    this.#parts.tabs.append(...this.#tabs);
    buttonFor(this.#dialog, "close").addEventListener("click", () => this.#dialog.close());
    const copy = buttonFor(this.#dialog, "copy");
    copy.addEventListener("click", async () => {
      say(copy, (await copied(this.#parts.code)) ? "copied" : "copy.selected");
      setTimeout(() => say(copy, "copy"), 1500);
    });
  }

  /** Show a request: {image, audio, imageName, audioName, parameters, values, options, consent}. */
  open(request) {
    this.#request = request;
    this.#show(0);
    this.#dialog.showModal();
  }

  #show(index) {
    const kind = KINDS[index];
    const code = { curl: asCurl, Python: asPython, CLI: asCommand }[kind](this.#request);
    this.#parts.code.textContent = code;
    this.#tabs.forEach((tab, i) => {
      tab.setAttribute("aria-selected", i === index);
      tab.tabIndex = i === index ? 0 : -1;
    });
    this.#parts.panel.setAttribute("aria-labelledby", this.#tabs[index].id);
    const uploaded = this.#request.image.startsWith("oss://");
    const note = { Python: "python", CLI: "local" }[kind] ?? (uploaded ? "links" : "placeholders");
    say(this.#parts.note, `request.note.${note}`);
  }
}
