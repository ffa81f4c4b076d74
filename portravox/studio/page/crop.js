// A part of a picture: a window that is moved and scaled over it.
//
// Flow      a file of a picture -> the dialog -> a JPEG -> portrait
import { answered } from "./dialog.js";
import { buttonFor, partsOf } from "./parts.js";

const JPEG_QUALITY = 0.95;

/** The window's shape: the picture's own, as far as people are shaped. Our choice. */
const NARROWEST = 3 / 4;
const WIDEST = 4 / 3;

/** A window around a face, in heights of the face. Our choice: head, hair and shoulders. */
const AROUND = 2.6;

/** How far an arrow moves the window, as a share of the picture. */
const KEY_STEP = 0.02;

/**
 * Let a part of a picture be chosen; the File of it, or null.
 * @param {Blob} blob  what this browser can open
 * @param {[number, number][] | null} face  the outline of the face to begin with, in pixels
 * @returns {Promise<File | null>}
 */
export async function cropped(blob, face = null) {
  const bitmap = await createImageBitmap(blob);
  const { width, height } = bitmap;
  const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("crop"));
  const { image, box, cropper, size } = partsOf(dialog);
  const shape = Math.max(NARROWEST, Math.min(WIDEST, width / height));
  const largest = Math.min(width, height * shape); // the width of the largest window
  let x = 0;
  let y = 0;
  let share = 1; // of the largest window

  const show = () => {
    const [wide, high] = [largest * share, (largest * share) / shape];
    x = Math.max(0, Math.min(width - wide, x));
    y = Math.max(0, Math.min(height - high, y));
    Object.assign(box.style, {
      left: `${(100 * x) / width}%`,
      top: `${(100 * y) / height}%`,
      width: `${(100 * wide) / width}%`,
      height: `${(100 * high) / height}%`,
    });
    size.value = share;
    size.style.setProperty("--share", (share - 0.1) / 0.9);
  };
  /** Scale about the window's middle. */
  const scale = (wanted) => {
    const before = share;
    share = Math.max(0.1, Math.min(1, wanted));
    x += ((before - share) * largest) / 2;
    y += ((before - share) * largest) / shape / 2;
    show();
  };
  if (face !== null) {
    const xs = face.map(([px]) => px);
    const ys = face.map(([, py]) => py);
    const high = Math.max(...ys) - Math.min(...ys);
    share = Math.max(0.1, Math.min(1, (AROUND * high * shape) / largest));
    x = (Math.min(...xs) + Math.max(...xs)) / 2 - (largest * share) / 2;
    y = (Math.min(...ys) + Math.max(...ys)) / 2 - (0.48 * largest * share) / shape;
  }

  const url = URL.createObjectURL(blob);
  image.src = url;
  await image.decode().catch(() => {});
  show();
  return answered(dialog, (choose, signal) => {
    signal.addEventListener("abort", () => URL.revokeObjectURL(url));
    buttonFor(dialog, "crop").addEventListener(
      "click",
      async () => choose(await part(bitmap, x, y, largest * share, (largest * share) / shape)),
      { signal },
    );
    size.addEventListener("input", () => scale(Number(size.value)), { signal });
    cropper.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        scale(share * (event.deltaY < 0 ? 0.95 : 1 / 0.95));
      },
      { signal, passive: false },
    );
    box.addEventListener(
      "keydown",
      (event) => {
        const [right, down] =
          { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [0, 0];
        if (right === 0 && down === 0) return;
        event.preventDefault();
        x += right * KEY_STEP * width;
        y += down * KEY_STEP * height;
        show();
      },
      { signal },
    );
    let held = null;
    cropper.addEventListener(
      "pointerdown",
      (event) => {
        if (event.button !== 0) return;
        held = { x: event.clientX, y: event.clientY };
        cropper.setPointerCapture(event.pointerId);
        box.focus({ preventScroll: true });
        event.preventDefault();
      },
      { signal },
    );
    cropper.addEventListener(
      "pointermove",
      (event) => {
        if (held === null) return;
        const { width: shown } = cropper.getBoundingClientRect();
        x += ((event.clientX - held.x) * width) / shown;
        y += ((event.clientY - held.y) * width) / shown;
        held = { x: event.clientX, y: event.clientY };
        show();
      },
      { signal },
    );
    for (const name of ["pointerup", "pointercancel"]) {
      cropper.addEventListener(name, () => (held = null), { signal });
    }
  });
}

async function part(bitmap, x, y, width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(width);
  canvas.height = Math.round(height);
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff"; // behind what is transparent
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, x, y, width, height, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", JPEG_QUALITY));
  return new File([blob], "cropped.jpg", { type: "image/jpeg" });
}
