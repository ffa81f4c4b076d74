// A notice of the system when a video is ready, for who asked for one.
//
// Flow      a button -> askToNotify ; Jobs "ended" -> notice
import { text } from "./texts.js";

/** Ask for leave to show notices; whether it was given. */
export async function askToNotify() {
  return (await Notification.requestPermission()) === "granted";
}

/** Say that a video has ended, unless it is being looked at; `open()` is called when it is pressed. */
export function notice(job, open) {
  if (!document.hidden || Notification.permission !== "granted") return;
  const key = job.status === "SUCCEEDED" ? "done" : "failed";
  try {
    const shown = new Notification(text(`stage.announce.${key}`), { body: job.title, tag: job.id });
    shown.addEventListener("click", () => {
      focus();
      open();
      shown.close();
    });
  } catch {
    // Some telephones show notices of service workers alone; the tab's title says it, too.
  }
}
