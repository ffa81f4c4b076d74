// How scripts find the parts of the page, make new ones and draw icons.

const SVG = "http://www.w3.org/2000/svg";

const ICONS = {
  face: "M12 3a6.5 6.5 0 0 0-6.5 6.5v3a6.5 6.5 0 0 0 13 0v-3A6.5 6.5 0 0 0 12 3ZM9.5 10v.5M14.5 10v.5M9.5 14.5c1.5 1.3 3.5 1.3 5 0",
  voice: "M4 10v4M8 7v10M12 4v16M16 8v8M20 10.5v3",
  folder: "M3 7a2 2 0 0 1 2-2h4l2 2h8a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2Z",
  camera: "M4 8h3l1.5-2.5h7L17 8h3a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V9a1 1 0 0 1 1-1ZM12 10a3.3 3.3 0 1 0 0 6.6 3.3 3.3 0 0 0 0-6.6Z",
  microphone: "M12 3a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3ZM5.5 11a6.5 6.5 0 0 0 13 0M12 17.5V21",
  swap: "M4 9h13l-3.5-3.5M20 15H7l3.5 3.5",
  trash: "M4.5 7h15M9.5 7V4.5h5V7M6.5 7l1 12.5h9l1-12.5M10.5 11v5M13.5 11v5",
  undo: "M5 9h9a5 5 0 0 1 0 10H8M5 9l4-4M5 9l4 4",
  spark: "M12 4c.6 4.8 3.2 7.4 8 8-4.8.6-7.4 3.2-8 8-.6-4.8-3.2-7.4-8-8 4.8-.6 7.4-3.2 8-8Z",
  code: "M9 7l-5 5 5 5M15 7l5 5-5 5",
  copy: "M9 9h10v11H9ZM15 9V4H5v11h4",
  cross: "M6 6l12 12M18 6L6 18",
  check: "M5 12.5l4.5 4.5L19 7.5",
  warning: "M12 4L2.5 20h19ZM12 10v4.5M12 17.2v.1",
  info: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17ZM12 11v5M12 8v.1",
  play: "M7.5 5v14l11-7Z",
  pause: "M8 5v14M16 5v14",
  stop: "M7 7h10v10H7Z",
  "frame-back": "M16.5 6v12l-8-6ZM6 6v12",
  "frame-forward": "M7.5 6v12l8-6ZM18 6v12",
  sound: "M4 10v4h3.5L12 18V6l-4.5 4ZM15.5 9a4.3 4.3 0 0 1 0 6M18 6.5a8 8 0 0 1 0 11",
  silence: "M4 10v4h3.5L12 18V6l-4.5 4ZM16 9.5l5 5M21 9.5l-5 5",
  loop: "M17 3l3 3-3 3M4 11V9.5A3.5 3.5 0 0 1 7.5 6H20M7 21l-3-3 3-3M20 13v1.5a3.5 3.5 0 0 1-3.5 3.5H4",
  full: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
  crop: "M7 3v14h14M3 7h14v14",
  key: "M14.5 9.5m-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0M11 13l-7 7M6.5 17.5l2.5 2.5",
  bell: "M6 16V11a6 6 0 0 1 12 0v5l1.5 2h-15ZM10 20.5h4",
  pin: "M9 4h6l-1 6 3.5 3.5h-11L10 10ZM12 13.5V21",
  pencil: "M4.5 19.5l1-4.5L16 4.5l3.5 3.5L9 18.5ZM13.5 7l3.5 3.5",
  compare: "M12 3v18M4.5 6H12v12H4.5ZM12 6h7.5v12H12",
  download: "M12 4v11M7 10.5l5 5 5-5M5 20h14",
  dice: "M5 5h14v14H5ZM9 9v.1M15 9v.1M12 12v.1M9 15v.1M15 15v.1",
  auto: "M12 4a8 8 0 1 0 0 16ZM12 4a8 8 0 0 1 0 16",
  light: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM12 3v1.5M12 19.5V21M3 12h1.5M19.5 12H21M5.6 5.6l1.1 1.1M17.3 17.3l1.1 1.1M5.6 18.4l1.1-1.1M17.3 6.7l1.1-1.1",
  dark: "M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10Z",
};

/** A line drawing of 24 by 24 units in the colour of the text around it. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.classList.add("icon", `icon-${name}`);
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** Put another icon on a button, or its first. */
export function showIcon(element, name) {
  if (element.dataset.shown === name) return;
  element.dataset.shown = name;
  element.querySelector(":scope > svg.icon")?.remove();
  element.prepend(icon(name));
}

/** Draw the icons that the markup asks for. */
export function showIcons() {
  for (const element of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-icon]"))) {
    showIcon(element, element.dataset.icon);
  }
}

/** An element of SVG with attributes. */
export function drawing(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

/** An element with properties (and, where there is no such property, attributes) and children. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** The elements inside `root` by their data-part. */
export function partsOf(root) {
  const parts = {};
  for (const element of root.querySelectorAll("[data-part]")) {
    parts[element.dataset.part] = element;
  }
  return parts;
}

/** Call `actions[name]` when the button with that data-do inside `root` is pressed. */
export function onAction(root, actions) {
  root.addEventListener("click", (event) => {
    const button = event.target.closest("[data-do]");
    if (button && root.contains(button)) actions[button.dataset.do]?.(button);
  });
}

/** The button of an action. */
export function buttonFor(root, action) {
  return root.querySelector(`[data-do="${action}"]`);
}

/** Let a screen reader say something that is seen elsewhere. */
export function announce(words) {
  document.getElementById("announcer").textContent = words;
}
