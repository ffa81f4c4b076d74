// Many files as one: a ZIP archive without packing, for videos are packed already.
//
// Flow      Blobs -> zipped -> a download
// Source: PKWARE, APPNOTE.TXT, 4.3 (headers) and 4.4.4 (names in UTF-8)
import { Unfit } from "./refusals.js";

/** What fits without the extension for large archives. */
const MOST_BYTES = 0xffff_ffff - 0x10_0000;

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** CRC-32 of a Blob, read piece by piece: it may lie on the disk, and stays there. */
async function checksum(blob) {
  let crc = 0xffffffff;
  const reader = blob.stream().getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return (crc ^ 0xffffffff) >>> 0;
    for (const byte of value) crc = CRC_TABLE[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  }
}

/** Little-endian numbers, each [bytes, value]. */
function packed(...numbers) {
  const view = new DataView(new ArrayBuffer(numbers.reduce((sum, [bytes]) => sum + bytes, 0)));
  let at = 0;
  for (const [bytes, value] of numbers) {
    if (bytes === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += bytes;
  }
  return view.buffer;
}

/**
 * An archive of files, in their order; its parts refer to theirs, so nothing is held twice.
 * @param {{name: string, blob: Blob}[]} files
 */
export async function zipped(files) {
  const parts = [];
  const directory = [];
  let at = 0;
  for (const { name, blob } of files) {
    const encoded = new TextEncoder().encode(name);
    const crc = await checksum(blob);
    // Version 2.0, names in UTF-8, stored, 1980-01-01: the same files give the same archive.
    const described = packed(
      ...[[2, 20], [2, 0x0800], [2, 0], [2, 0], [2, 0x21]],
      ...[[4, crc], [4, blob.size], [4, blob.size], [2, encoded.length], [2, 0]],
    );
    parts.push(packed([4, 0x04034b50]), described, encoded, blob);
    directory.push(packed([4, 0x02014b50], [2, 20]), described);
    directory.push(packed([2, 0], [2, 0], [2, 0], [4, 0], [4, at]), encoded);
    at += 30 + encoded.length + blob.size;
    if (at > MOST_BYTES) throw new Unfit("zip_too_large");
  }
  const listed = new Blob(directory);
  const count = files.length;
  const end = packed(
    ...[[4, 0x06054b50], [2, 0], [2, 0], [2, count], [2, count]],
    ...[[4, listed.size], [4, at], [2, 0]],
  );
  return new Blob([...parts, listed, end], { type: "application/zip" });
}
