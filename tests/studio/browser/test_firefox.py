"""The walk once more in Firefox: from an empty page to a video, by microphone, and live."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.page.driving import Running
from benchmarks.page.firefox import NO_FIREFOX, Firefox, Tab, find_firefox, firefox

VIDEO = "document.querySelector('#stage [data-part=video]')"

WATCH_BUFFERS = """void (window.buffered = [],
  SourceBuffer.prototype.appendBuffer = new Proxy(SourceBuffer.prototype.appendBuffer, {
    apply(append, buffer, given) {
      const note = () => buffered.push(buffer.buffered.length ? buffer.buffered.end(0) : 0);
      buffer.addEventListener("updateend", note, { once: true });
      return Reflect.apply(append, buffer, given);
    },
  }))"""
"""Seconds that could be played after each piece of a video that is still being made."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Firefox]:
    program = find_firefox()
    if program is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(NO_FIREFOX)
    with firefox(program) as opened:
        yield opened


@pytest.fixture
def tab(browser: Firefox, server: Running) -> Iterator[Tab]:
    """The page, signed in; what it threw, or wrote to its console, fails the test."""
    opened = browser.tab(width=1280, height=900)
    opened.open(server.link())
    opened.until("document.documentElement.dataset.ready")
    yield opened
    opened.close()
    wrong = [line for line in browser.complaints if "NS_BINDING_ABORTED" not in line]
    browser.complaints.clear()
    assert wrong == []


def good(tab: Tab, well: str) -> None:
    tab.until_seen(f"#{well} .verdict[data-tone=good]", timeout_s=60.0)


def test_from_an_empty_page_to_a_video_that_is_played_stepped_and_remembered(
    tab: Tab, files: Path
) -> None:
    tab.until("document.querySelector('#sample video').currentTime > 0.2")
    tab.click("[data-example=statue]")
    good(tab, "portrait")
    good(tab, "voice")
    assert tab.text("#voice .file-name") == "statue.mp3"
    # What is chosen takes its place, and its ends can be dragged.
    tab.choose("#portrait input[type=file]", files / "face.png")
    tab.choose("#voice input[type=file]", files / "long.wav")
    tab.until("document.querySelector('#voice .file-name').textContent === 'long.wav'")
    good(tab, "portrait")
    good(tab, "voice")
    left, top, width, height = tab.box("#voice .waveform")
    middle = top + height / 2
    tab.drag(
        [(left + width - 6, middle), (left + 0.5 * width, middle), (left + 0.3 * width, middle)]
    )
    selected_s = tab.evaluate("Number(document.querySelector('#voice [data-part=to]').value)")
    assert 3.0 < selected_s < 5.5
    thumb = "getComputedStyle(document.querySelector('.trim'), '::-moz-range-thumb').height"
    assert tab.evaluate(thumb) == "68px"  # a handle, and no knob
    tab.evaluate(WATCH_BUFFERS)
    tab.click("#make")
    # It plays while it is drawn, or at once when it is done.
    seen = "[...document.querySelectorAll('#stage video')].some((one) => one.currentTime > 0.1)"
    tab.until(seen, timeout_s=120.0)
    tab.until(f"{VIDEO}.readyState >= 2", timeout_s=120.0)
    tab.until("document.querySelector('#stage .watched') === null")
    buffered_s = tab.evaluate("window.buffered")
    assert not buffered_s or max(buffered_s) > 1.0  # more than the first fragment can be played
    tab.until(f"{VIDEO}.ended || {VIDEO}.paused", timeout_s=60.0)
    tab.press("Space")
    tab.until(f"!{VIDEO}.paused")
    tab.press("Space")
    tab.until(f"{VIDEO}.paused")
    tab.press("ArrowLeft")
    tab.until("document.querySelector('#stage .moment').textContent.startsWith('Frame')")
    assert tab.evaluate("[scrollY, document.querySelector('.desk-parts').scrollTop]") == [0, 0]
    assert tab.evaluate("document.querySelectorAll('#history .card').length") == 1
    tab.click("#language")
    assert tab.text("#stage-title") == "视频已完成"
    tab.reload()
    tab.until("document.documentElement.dataset.ready")
    assert tab.text("#stage-title") == "视频已完成"
    good(tab, "portrait")


def test_what_is_spoken_becomes_a_voice_and_what_will_not_do_is_told(tab: Tab, files: Path) -> None:
    tab.click("#voice [data-do=record]")
    stuck = "document.querySelector('#voice .verdict').innerText.includes('sound does not start')"
    clock = "document.querySelector('#voice .clock span:last-child').textContent"
    tab.until(f"{stuck} || {clock} >= '0:02'")
    if not tab.evaluate(
        stuck
    ):  # a machine without a sound system has it told, and waits for nothing
        tab.click("#voice [data-do=stop]")
        tab.until_seen("#voice .waveform")
        assert tab.text("#voice .file-name") == "recording.wav"
    tab.choose("#portrait input[type=file]", files / "wall.png")
    tab.until_seen("#portrait .verdict[data-tone=bad]", timeout_s=60.0)
    assert "No face was found" in tab.text("#portrait .verdict")
    tab.choose("#voice input[type=file]", files / "memo.amr")  # the server opens it
    tab.until("document.querySelector('#voice .file-name').textContent === 'memo.amr'")


def test_a_portrait_says_live_what_is_typed(tab: Tab, files: Path) -> None:
    tab.choose("#portrait input[type=file]", files / "face.png")
    good(tab, "portrait")
    # Firefox sends nothing to loopback over WebRTC: this goes on over a WebSocket.
    tab.click("#go-live")
    live = "document.querySelector('#live [data-part=video]')"
    tab.until(f"{live}.currentTime > 0.5", timeout_s=60.0)
    before = tab.evaluate(f"{live}.currentTime")
    tab.evaluate("document.querySelector('#live [data-part=text]').value = 'Hello'")
    tab.click("#live [data-part=say] button")
    time.sleep(0.5)
    tab.until(f"{live}.currentTime > {before} + 1", timeout_s=60.0)
    tab.click("#live [data-do=stop]")
    tab.until("!document.querySelector('#live').checkVisibility()")
