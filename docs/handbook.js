// Clips stand still for who asked the system for less motion; their buttons play them.
if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
  for (const clip of document.querySelectorAll("video[autoplay]")) {
    clip.autoplay = false;
    clip.pause();
  }
}
