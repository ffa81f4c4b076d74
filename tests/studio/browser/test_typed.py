"""A text in place of a recording: typed, spoken, remembered."""

from __future__ import annotations

from typing import Any

from benchmarks.page.driving import until
from tests.studio.browser.conftest import Open

AREA = "#voice textarea"


def test_what_is_typed_becomes_a_video_and_is_not_lost(studio: Any) -> None:
    page = studio.page
    studio.choose("portrait", "face.png")
    page.click("#voice [data-do=type]")
    until(page, "document.activeElement.tagName === 'TEXTAREA'")
    page.keyboard.type("?!")
    assert page.get_attribute("#make", "aria-disabled") == "true"
    page.fill(AREA, "Good morning, Bob.")
    page.select_option("#voice select", "en-gb")
    assert "of 4096 characters" in page.inner_text("#voice .typed")
    studio.verdict("portrait", "good")
    page.click("#show-request")
    page.click("#request-tab-2")
    command = page.inner_text("#request-code")
    assert "--text 'Good morning, Bob.'" in command and "--voice en-gb" in command
    page.keyboard.press("Escape")
    with page.expect_request("**/video-synthesis") as sent:
        studio.make()
    body = sent.value.post_data_json
    assert "audio_url" not in body["input"]
    assert body["parameters"]["portravox"] == {"text": "Good morning, Bob.", "voice_name": "en-gb"}
    studio.finished()
    until(page, "document.querySelector('#stage video').textTracks[0].cues?.length === 1")
    assert page.evaluate("document.querySelector('#stage track').track.mode") == "showing"
    with page.expect_download() as saved:
        page.click("#stage [data-part=captions]")
    assert "Good morning, Bob." in saved.value.path().read_text()
    page.click("#stage [data-do=captions]")
    assert page.evaluate("document.querySelector('#stage track').track.mode") == "hidden"
    assert "Good morning, Bob." in page.locator("#history .take").inner_text()
    page.click("#voice [data-do=untype]")
    assert page.locator("#voice .empty").is_visible()
    page.click("#stage [data-do=remake]")
    assert page.input_value(AREA) == "Good morning, Bob."
    studio.verdict("portrait", "good")
    page.wait_for_timeout(800)
    page.reload()
    page.wait_for_selector("html[data-ready]")
    assert page.input_value(AREA) == "Good morning, Bob."
    assert page.input_value("#voice select") == "en-gb"


def test_where_nothing_speaks_it_says_how_to_change_that(visit: Open) -> None:
    page = visit(signed_in=False)
    said = page.request.get(f"{page.url}studio/about").json()
    page.route("**/studio/about", lambda route: route.fulfill(json={**said, "speech": None}))
    page.reload()
    page.wait_for_selector("html[data-ready]")
    page.click("#voice [data-do=type]")
    assert "portravox serve --speech espeak-ng" in page.inner_text("#voice .typed")
    assert page.locator(AREA).is_hidden()
    assert page.get_attribute("#make", "aria-disabled") == "true"
