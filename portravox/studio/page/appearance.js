// Light, dark, or as the system has it. early.js sets what was chosen before the first paint.
import { keep, kept } from "./kept.js";
import { showIcon } from "./parts.js";
import { label } from "./texts.js";

const ORDER = ["auto", "light", "dark"];

/** Let a button switch the appearance; `onChange` is called when it did. */
export function appearanceButton(button, onChange) {
  let theme = kept("theme") ?? "auto";
  const show = () => {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    showIcon(button, theme);
    label(button, `theme.${theme}`);
  };
  button.addEventListener("click", () => {
    theme = ORDER[(ORDER.indexOf(theme) + 1) % ORDER.length];
    keep("theme", theme === "auto" ? null : theme);
    show();
    onChange();
  });
  show();
}
