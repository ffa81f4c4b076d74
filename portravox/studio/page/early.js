// Runs before the first paint, so that a chosen appearance does not flash by.
"use strict";
try {
  const theme = localStorage.getItem("portravox.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  const chosen = localStorage.getItem("portravox.language");
  const language = chosen || navigator.languages[0] || "en";
  document.documentElement.lang = language.toLowerCase().startsWith("zh") ? "zh-CN" : "en";
} catch {
  // A browser that keeps nothing shows what it prefers.
}
