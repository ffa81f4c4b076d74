// How the studio's page is linted: `make check-page`.
import js from "@eslint/js";
import globals from "globals";

export default [
  js.configs.recommended,
  {
    files: ["portravox/studio/page/**/*.js"],
    languageOptions: { ecmaVersion: 2023, sourceType: "module", globals: globals.browser },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      eqeqeq: "error", // 0, "" and null are different answers
      "no-eval": "error", // the page's Content-Security-Policy forbids it, too
      "no-implied-eval": "error",
      "no-implicit-globals": "error",
      "no-restricted-properties": [
        "error", // names of files and answers of servers become text, never markup
        { property: "innerHTML" },
        { property: "outerHTML" },
        { property: "insertAdjacentHTML" },
      ],
      "no-var": "error",
      "prefer-const": "error",
    },
  },
  {
    files: ["portravox/studio/page/worklets/*.js"],
    languageOptions: { globals: globals.audioWorklet },
  },
];
