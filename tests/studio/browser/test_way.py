"""A person's way through: from a dropped file to a playing video, and back again later."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from benchmarks.page.driving import until
from benchmarks.probe import probe_video

DROP = """([well, name, type, content]) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const files = new DataTransfer();
  files.items.add(new File([bytes], name, { type }));
  const target = document.querySelector(well);
  for (const kind of ["dragenter", "dragover", "drop"]) {
    const how = { bubbles: true, cancelable: true, dataTransfer: files };
    target.dispatchEvent(new DragEvent(kind, how));
  }
}"""

PASTE = """([name, type, content]) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const files = new DataTransfer();
  files.items.add(new File([bytes], name, { type }));
  document.dispatchEvent(new ClipboardEvent("paste", { bubbles: true, clipboardData: files }));
}"""


def content(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()


def test_from_drop_to_a_playing_video_and_back(studio: Any, tmp_path: Path) -> None:
    page, files = studio.page, studio.files
    assert page.url.endswith("/")  # the token is gone from the address
    page.evaluate(DROP, ["#portrait", "me.png", "image/png", content(files / "face.png")])
    page.evaluate(DROP, ["#voice", "me.wav", "audio/wav", content(files / "voice.wav")])
    assert "outlined face" in studio.verdict("portrait", "good")
    assert page.locator("#portrait polygon.speaker").count() == 1
    studio.verdict("voice", "good")
    assert "1.5 s of video, 36 frames" in page.inner_text("#make-summary")

    studio.make()
    assert page.inner_text("#stage-title") == "Making your video"
    studio.finished()
    assert page.inner_text("#stage-title") == "Your video is ready"

    until(page, "document.querySelector('#stage video').currentTime > 0.5")  # by itself
    until(page, "document.querySelector('#stage video').ended")
    page.locator("#stage .scrub").fill("10")
    moment = page.locator("#stage .moment")
    assert moment.inner_text() == "Frame 11 / 36"
    page.click("#stage [data-do=forward]")
    assert moment.inner_text() == "Frame 12 / 36"
    page.click("#stage [data-do=back]")
    page.click("#stage [data-do=back]")
    assert moment.inner_text() == "Frame 10 / 36"
    page.click("#stage [data-do=loop]")
    assert page.evaluate("document.querySelector('#stage video').loop") is True

    with page.expect_download() as download:
        page.click("#stage [data-part=download]")
    assert download.value.suggested_filename.startswith("me-")
    download.value.save_as(tmp_path / "video.mp4")
    info = probe_video(tmp_path / "video.mp4")
    assert (info.width_px, info.height_px, info.frames) == (256, 256, 36)

    page.reload()
    page.wait_for_selector("html[data-ready]")
    assert page.inner_text("#account") == "Sign out"
    card = page.locator("#history .card")
    assert card.count() == 1
    assert "24 h left" in card.inner_text()
    card.click()
    studio.finished()
    page.click("#stage [data-do=remake]")
    studio.verdict("portrait", "good")
    assert page.inner_text("#voice .file-name") == "me.wav"
    page.click("#history [data-do=clear]")
    assert page.locator("#history .card").count() == 1  # not at the first touch
    page.click("#history [data-do=clear]")
    page.locator("#history").wait_for(state="hidden")
    page.reload()
    page.wait_for_selector("html[data-ready]")
    assert page.locator("#history").is_hidden()


def test_a_pasted_picture_and_the_examples_fill_the_wells(studio: Any) -> None:
    page = studio.page
    page.evaluate(PASTE, ["", "image/png", content(studio.files / "face.png")])
    studio.verdict("portrait", "good")
    page.click("#portrait [data-do=remove]")
    page.click("#portrait [data-do=example]")
    page.click("#voice [data-do=example]")
    studio.verdict("portrait", "good")
    studio.verdict("voice", "good")
    assert "7.0 s of video, 168 frames" in page.inner_text("#make-summary")


def test_what_the_service_does_not_open_but_the_browser_does_is_converted(studio: Any) -> None:
    studio.choose("portrait", "face.gif")
    assert "Converted to JPEG" in studio.verdict("portrait", "good")


def test_the_button_says_how_much_is_sent(studio: Any) -> None:
    page = studio.page
    held: list[Any] = []
    page.route("**/video-synthesis", lambda route: held.append(route))
    studio.fill()
    page.click("#make")
    page.get_by_role("button", name="Uploading … 100%").wait_for()
    page.click("#make", force=True)  # not a second time
    page.wait_for_timeout(200)
    assert len(held) == 1
    held[0].abort()
    studio.trouble.wait_for()
    assert "cannot be reached" in studio.trouble.inner_text()
    assert page.get_by_role("button", name="Make the video").is_visible()


AGED = """async (hours) => {
  const request = indexedDB.open("portravox");
  await new Promise((done) => { request.onsuccess = done; });
  const jobs = request.result.transaction("jobs", "readwrite").objectStore("jobs");
  const all = jobs.getAll();
  await new Promise((done) => { all.onsuccess = done; });
  for (const record of all.result) record.endedAt -= hours * 3600 * 1000;
  await Promise.all(all.result.map((record) => new Promise((done) => {
    jobs.put(record).onsuccess = done;
  })));
}"""
"""Makes the browser remember its videos as older than they are."""


@pytest.mark.thorough
def test_what_an_expired_video_was_made_of_stays_for_a_week(studio: Any) -> None:
    page = studio.page
    studio.fill()
    studio.make()
    studio.finished()
    page.evaluate(AGED, 25)
    page.reload()
    page.wait_for_selector("html[data-ready]")
    card = page.locator("#history .card")
    assert "Expired" in card.inner_text()
    card.click()
    assert page.inner_text("#stage-title") == "This video has expired"
    assert "24 h" in page.inner_text("#stage .sorry")
    assert page.locator("#stage .player").is_hidden()
    assert page.locator("#stage [data-part=download]").is_hidden()
    page.click("#language")
    assert page.inner_text("#stage-title") == "视频已过期"
    page.click("#language")
    page.click("#stage [data-do=remake]")
    studio.verdict("portrait", "good")
    assert page.inner_text("#voice .file-name") == "voice.wav"
    page.evaluate(AGED, 8 * 24)
    page.reload()
    page.wait_for_selector("html[data-ready]")
    assert page.locator("#history").is_hidden()


@pytest.mark.thorough
def test_several_jobs_at_once(studio: Any) -> None:
    page = studio.page
    studio.fill()
    studio.make()
    page.locator("#seed").evaluate("(input) => input.closest('details').open = true")
    page.fill("#seed", "7")
    page.press("#seed", "Tab")
    page.fill("#transcript", "Papa, Mama.")
    page.click("#make")
    until(page, "document.querySelectorAll('#history .card').length === 2")
    until(
        page,
        "[...document.querySelectorAll('#history .card')]"
        ".every((card) => card.dataset.status === 'SUCCEEDED')",
        timeout=120_000,
    )
    assert page.title() == "Portravox"


def test_the_controls_are_there_once_the_server_can_be_reached(visit: Any, server: Any) -> None:
    page = visit(signed_in=False)
    page.route("**/studio/about", lambda route: route.abort())
    page.reload()
    page.wait_for_selector("html[data-ready]")
    assert page.locator("#direction .parameter").count() == 0
    page.click("#language")  # nothing to say again yet
    page.click("#language")
    page.unroute("**/studio/about")
    page.locator("#head_move_strength").wait_for(state="attached")
    assert page.locator("#trouble").is_hidden()
    assert server.key not in page.content()


def test_an_old_video_is_made_again_with_the_default_for_options_it_did_not_know(
    studio: Any,
) -> None:
    page = studio.page
    studio.fill()
    studio.make()
    studio.finished()
    page.locator("#seed").evaluate("(input) => input.closest('details').open = true")
    page.fill("#transcript", "said later")
    page.click("#stage [data-do=remake]")
    until(page, "document.getElementById('transcript').value === ''")


@pytest.mark.thorough
def test_a_job_goes_on_while_the_page_is_reloaded(studio: Any) -> None:
    page = studio.page
    studio.fill(voice="speech.wav")
    studio.make()
    page.reload()
    page.wait_for_selector("html[data-ready]")
    assert page.inner_text("#stage-title") == "Making your video"
    page.locator("#stage [data-part=preview]").wait_for()
    until(
        page,
        "document.querySelector('#stage [data-part=caption]').textContent === 'The latest frame'",
        timeout=90_000,
    )
    shown = page.evaluate(
        "new Promise((done) => { const i = document.querySelector('#stage [data-part=preview]');"
        "i.decode().then(() => done([i.naturalWidth, i.naturalHeight])); })"
    )
    assert shown == [256, 256]
    # Of a server's first video nobody knows it before some frames are drawn.
    left = "document.querySelector('#stage [data-part=remaining]').textContent.includes('left')"
    until(page, left)
    page.click("#stage [data-do=cancel]")
    until(
        page, "document.querySelector('#stage-title').textContent === 'Cancelled'", timeout=15_000
    )
    assert page.locator("#history .card").get_attribute("data-status") == "CANCELED"
    assert page.locator("#stage [data-do=remake]").is_visible()


@pytest.mark.thorough
def test_where_events_do_not_come_the_page_asks_again_and_again(visit: Any, studio_of: Any) -> None:
    page = visit()
    page.route("**/events*", lambda route: route.abort())
    studio = studio_of(page)
    studio.fill()
    studio.make()
    studio.finished()
