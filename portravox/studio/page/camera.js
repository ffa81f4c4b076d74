// A photograph from the camera.
//
// Flow      getUserMedia -> the dialog -> a JPEG -> portrait
import { answered } from "./dialog.js";
import { buttonFor, partsOf } from "./parts.js";
import { whyNoDevice } from "./recorder.js";
import { say } from "./texts.js";

const JPEG_QUALITY = 0.95;

/** Open the camera; the File of the picture taken, or null. */
export function takePicture() {
  const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("camera"));
  const { view, advice } = partsOf(dialog);
  const shoot = buttonFor(dialog, "shoot");
  return answered(dialog, (choose, signal) => {
    let stream = null;
    signal.addEventListener("abort", () => {
      for (const track of stream?.getTracks() ?? []) track.stop();
      view.srcObject = null;
    });
    shoot.addEventListener("click", async () => choose(await still(view)), { signal });
    shoot.disabled = true;
    say(advice, "camera.advice");
    open()
      .then((opened) => {
        stream = opened;
        if (signal.aborted) return stream.getTracks().forEach((track) => track.stop());
        view.srcObject = stream;
        view.addEventListener("loadeddata", () => (shoot.disabled = false), { once: true, signal });
      })
      .catch((error) => say(advice, `camera.${whyNoDevice(error)}`));
  });
}

async function open() {
  return navigator.mediaDevices.getUserMedia({
    video: { facingMode: "user", width: { ideal: 1920 }, height: { ideal: 1080 } },
  });
}

/** What the camera sees, not mirrored as the viewfinder shows it, cropped to a shape that people
 * have: the service takes no picture twice as long as wide. */
async function still(view) {
  const width = Math.min(view.videoWidth, Math.round(view.videoHeight * 1.25));
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = view.videoHeight;
  canvas.getContext("2d").drawImage(view, (width - view.videoWidth) / 2, 0);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", JPEG_QUALITY));
  return new File([blob], "camera.jpg", { type: "image/jpeg" });
}
