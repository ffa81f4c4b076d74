// Keys that mean the video, wherever the focus is that has no use of its own for them.
//
// Flow      keydown -> the stage

const TEXT = "textarea, select, [contenteditable], input:not([type=range], [type=radio], [type=checkbox])";
const PRESSED_BY_SPACE = "[role=button], button, summary, a, input[type=radio], input[type=checkbox]";
const MOVED_BY_ARROWS = "input, [role=tab], .crop-box, pre, .cards *";

/**
 * Space plays and holds the video, arrows (and comma and full stop) step. Who came to a button by
 * the keyboard presses it with Space, as everywhere; after a click of the pointer Space is the
 * video's. `makes` is the button that starts a render: Space on it, while `unchanged()`, would only
 * ask for the same video again, and plays it instead.
 */
export function listenForKeys(stage, { makes, unchanged }) {
  let byPointer = false;
  let focusedByPointer = false;
  let taken = false; // a Space that was the video's: its release presses no button

  addEventListener("pointerdown", () => (byPointer = true), true);
  addEventListener("keydown", () => (byPointer = false), true);
  addEventListener("focusin", () => (focusedByPointer = byPointer), true);
  addEventListener("pointerup", () => (focusedByPointer = true), true);

  const isTheVideos = (target) =>
    focusedByPointer || !target.matches(PRESSED_BY_SPACE) || (target === makes && unchanged());

  addEventListener("keydown", (event) => {
    const { target } = event;
    if (!(target instanceof Element) || event.defaultPrevented) return;
    if (event.ctrlKey || event.metaKey || event.altKey || !stage.playable) return;
    if (target.matches(TEXT) || document.querySelector("dialog[open]")) return;
    if (event.key === " ") {
      if (!isTheVideos(target)) return;
      event.preventDefault();
      taken = true;
      if (!event.repeat) stage.playOrPause();
      return;
    }
    const step = { ",": -1, ".": 1, ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const isArrow = event.key.startsWith("Arrow");
    if (step === undefined || (isArrow && target.matches(MOVED_BY_ARROWS))) return;
    event.preventDefault();
    stage.step(step);
  });
  addEventListener(
    "keyup",
    (event) => {
      if (event.key !== " " || !taken) return;
      taken = false;
      event.preventDefault();
    },
    true,
  );
}
