// A dialog that is asked something once.
//
// Flow      camera, crop -> answered -> what was chosen
import { buttonFor } from "./parts.js";

/**
 * Show a dialog until it is closed: what was chosen in it, or null.
 * @template T
 * @param {HTMLDialogElement} dialog
 * @param {(choose: (answer: T) => void, signal: AbortSignal) => void} begin  adds what is only there
 *   while the dialog is open: listeners end by the signal, which says that it was closed
 * @returns {Promise<T | null>}
 */
export function answered(dialog, begin) {
  return new Promise((resolve) => {
    /** @type {T | null} */
    let chosen = null;
    const closed = new AbortController();
    const { signal } = closed;
    dialog.addEventListener(
      "close",
      () => {
        closed.abort();
        resolve(chosen);
      },
      { once: true },
    );
    buttonFor(dialog, "close").addEventListener("click", () => dialog.close(), { signal });
    dialog.showModal();
    begin((answer) => {
      chosen = answer;
      dialog.close();
    }, signal);
  });
}
