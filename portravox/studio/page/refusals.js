// What went wrong, in words of the reader: for every code the server knows, and our own.
import { hasText, text } from "./texts.js";

/** Something this page found wrong by itself, named by its text. */
export class Unfit extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

/**
 * The words for a refusal: by its reason, where the server told one; by its code, else by the family
 * of its code, else the server's own.
 * @param {{code?: string, message?: string, reason?: string}} problem
 */
export function wordsFor({ code, message = "", reason }) {
  if (reason && hasText(`refusal.${reason}`)) return text(`refusal.${reason}`);
  for (let name = code ?? "other"; name; name = name.slice(0, Math.max(0, name.lastIndexOf(".")))) {
    if (hasText(`refusal.${name}`)) return text(`refusal.${name}`, { code, message });
  }
  return text("refusal.other", { code, message });
}
