// Begins the API's reference: Swagger UI over this server's own description, and nobody else's.
//
// Flow      /docs -> Swagger UI -> openapi.json; "Execute" -> this server

/* global SwaggerUIBundle */

/** What the studio keeps for who is signed in there: a key on request, else a pass. */
function kept(name) {
  try {
    return localStorage.getItem(`portravox.${name}`);
  } catch {
    return null;
  }
}

const dark = matchMedia("(prefers-color-scheme: dark)");
const appear = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", appear);
appear();

const viewer = SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: null, // it would tell another host of this one
  onComplete: () => {
    const key = kept("key") ?? kept("pass");
    if (key !== null) viewer.preauthorizeApiKey("key", key);
  },
});
