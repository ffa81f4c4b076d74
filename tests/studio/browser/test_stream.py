"""A video plays in the page while the server still makes it, and the finished one goes on from
there."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.page.driving import until

WATCH = """
globalThis.seen = [];
new MutationObserver(() => {
  const element = document.querySelector("#stage .watched");
  if (element === null || element.noted) return;
  element.noted = true;
  element.addEventListener("timeupdate", () => globalThis.seen.push({
    at: element.currentTime,
    running: !document.querySelector("#stage [data-part=progress]").hidden,
    width: element.videoWidth,
    sound: element.webkitAudioDecodedByteCount,
  }));
}).observe(document.getElementById("stage"), { childList: true, subtree: true });
"""
"""Notes how far what plays is, and whether the job still runs then."""


@pytest.mark.thorough
def test_it_plays_before_it_is_made(studio: Any) -> None:
    page = studio.page
    page.evaluate(WATCH)
    studio.fill(voice="speech.wav")
    studio.make()
    until(page, "globalThis.seen.some(({ at }) => at > 1)", timeout=120_000)
    seen = page.evaluate("globalThis.seen")
    assert all(moment["running"] for moment in seen)
    assert seen[-1]["width"] == 256
    assert seen[-1]["sound"] > 0
    page.click("#stage .watched")  # held by who watches, it is held by the player, too
    held = page.evaluate("document.querySelector('#stage .watched').currentTime")
    studio.finished()
    video = page.locator("#stage [data-part=video]")
    assert abs(video.evaluate("(video) => video.currentTime") - held) < 0.2


@pytest.mark.thorough
def test_a_job_that_is_cancelled_plays_no_longer(studio: Any) -> None:
    page = studio.page
    studio.fill(voice="speech.wav")
    studio.make()
    page.locator("#stage .watched").wait_for(timeout=120_000)
    page.click("#stage [data-do=cancel]")
    until(page, "document.querySelector('#stage .watched') === null", timeout=15_000)
    until(
        page, "document.querySelector('#stage-title').textContent === 'Cancelled'", timeout=15_000
    )


@pytest.mark.thorough
def test_without_media_source_the_preview_does(visit: Any, studio_of: Any) -> None:
    page = visit()
    page.add_init_script("delete globalThis.MediaSource; delete globalThis.ManagedMediaSource;")
    page.reload()
    page.wait_for_selector("html[data-ready]")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    studio = studio_of(page)
    studio.fill()
    studio.make()
    studio.finished()
    assert not any(url.endswith("/stream") for url in asked)
