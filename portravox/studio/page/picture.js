// Pictures before they are sent: opened, made to fit the service, made small.
import { Unfit } from "./refusals.js";

const JPEG_QUALITY = 0.92;
const THUMBNAIL_PX = 320;

/**
 * What the service opens, by the first bytes: what a file is called says little.
 * @type {[string, (b: Uint8Array) => boolean][]}
 */
const KINDS = [
  ["jpg", (b) => b[0] === 0xff && b[1] === 0xd8],
  ["png", (b) => b[0] === 0x89 && b[1] === 0x50 && b[2] === 0x4e],
  ["bmp", (b) => b[0] === 0x42 && b[1] === 0x4d],
  ["webp", (b) => String.fromCharCode(...b.slice(0, 4), ...b.slice(8, 12)) === "RIFFWEBP"],
];

/** Brands of ISO base media files that hold HEIC (ISO/IEC 23008-12, annex B): photographs of iPhones. */
const HEIC_BRANDS = ["heic", "heix", "heim", "heis", "hevc", "hevx"];

/** Whether a file is a HEIC photograph, by its first bytes. */
async function isHeic(file) {
  const head = String.fromCharCode(...new Uint8Array(await file.slice(0, 64).arrayBuffer()));
  return head.slice(4, 8) === "ftyp" && HEIC_BRANDS.some((brand) => head.slice(8).includes(brand));
}

/** A JPEG of what this browser cannot open. Raises what `plain` raises; of HEIC, that it is that. */
async function madePlain(original, plain) {
  try {
    return await plain(original);
  } catch (error) {
    const isRefused = ["picture_unsupported", "picture_unreadable"].includes(error.reason);
    if (isRefused && (await isHeic(original))) throw new Unfit("picture_heic");
    throw error;
  }
}

/**
 * A picture as the service takes it: {blob, ending, width, height, thumbnail, changes}.
 *
 * Kinds that the service does not take become JPEG, and what is too large is scaled down; `changes`
 * says so: "converted", "scaled". Raises Unfit, and what `plain` raises.
 *
 * @param {Blob} original
 * @param {{max_bytes: number, max_side_px: number, max_ratio: number}} limits  of the service
 * @param {(file: Blob) => Promise<Blob>} plain  a JPEG of what this browser cannot open
 */
export async function prepared(original, limits, plain) {
  let file = original;
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    file = await madePlain(original, plain);
    bitmap = await createImageBitmap(file);
  }
  const { width, height } = bitmap;
  const { max_bytes: MAX_BYTES, max_side_px: MAX_SIDE_PX, max_ratio: MAX_RATIO } = limits;
  if (Math.max(width, height) > MAX_RATIO * Math.min(width, height)) {
    throw new Unfit("picture_too_narrow");
  }
  const head = new Uint8Array(await file.slice(0, 12).arrayBuffer());
  const ending = KINDS.find(([, matches]) => matches(head))?.[0];
  const thumbnail = await scaled(bitmap, THUMBNAIL_PX);
  const changes = file === original ? [] : ["converted"];
  const found = { blob: file, ending, width, height, thumbnail, changes };
  const tooLarge = file.size > MAX_BYTES || Math.max(width, height) > MAX_SIDE_PX;
  if (ending && !tooLarge) return found;
  for (const side of [MAX_SIDE_PX, 3072, 2048]) {
    const blob = await scaled(bitmap, side);
    if (blob.size > MAX_BYTES) continue;
    const scale = Math.min(1, side / Math.max(width, height));
    const size = { width: Math.round(width * scale), height: Math.round(height * scale) };
    const change = scale < 1 ? "scaled" : "converted";
    return { ...found, blob, ending: "jpg", ...size, changes: [change] };
  }
  throw new Unfit("picture_too_large");
}

/** A JPEG of a picture, its longer side at most so many pixels. */
async function scaled(bitmap, side) {
  const scale = Math.min(1, side / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff"; // behind what is transparent
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", JPEG_QUALITY));
}
