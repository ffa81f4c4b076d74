"""The voice: recorded, trimmed, measured, and stored so that the service takes it."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.page.driving import until

MOST = 15 * 1024 * 1024
"""Bytes of a recording, as the original has it."""

MODULE = "import(document.querySelector('script[type=module]').src.replace('app.js', '{}.js'))"


def test_a_recording_becomes_a_voice(studio: Any) -> None:
    page = studio.page
    page.click("#voice [data-do=record]")
    until(page, "document.querySelector('#voice .clock span:last-child').textContent >= '0:02'")
    level = page.locator("#voice [role=meter]")
    assert -60 <= int(level.get_attribute("aria-valuenow")) <= 0
    page.click("#voice [data-do=stop]")
    page.locator("#voice .waveform").wait_for()
    assert page.inner_text("#voice .file-name") == "recording.wav"
    length = page.inner_text("#voice .times strong")
    assert 2.0 <= float(length.split()[0]) <= 6.0
    until(page, "document.activeElement.dataset.do === 'play'")


def test_a_recording_may_be_discarded(studio: Any) -> None:
    page = studio.page
    page.click("#voice [data-do=record]")
    page.locator("#voice [data-do=discard]").click()
    assert page.locator("#voice .empty").is_visible()
    assert page.locator("#voice .recording").is_hidden()


def test_without_a_microphone_it_says_what_to_do(studio: Any) -> None:
    page = studio.page
    page.evaluate(
        "void (navigator.mediaDevices.getUserMedia ="
        " () => Promise.reject(new DOMException('', 'NotAllowedError')))"
    )
    page.click("#voice [data-do=record]")
    assert "Allow it in the browser" in studio.verdict("voice", "bad")


def test_trimming_by_keyboard_shortens_the_video(studio: Any) -> None:
    page = studio.page
    studio.choose("voice", "long.wav")
    studio.verdict("voice", "good")
    end = page.locator("#voice [data-part=to]")
    end.focus()
    page.keyboard.press("Home")  # one second is the least
    assert page.inner_text("#voice .times strong") == "1.0 s"
    page.keyboard.press("End")
    assert page.inner_text("#voice .times strong") == "14.0 s"
    end.fill("1.6")
    assert page.inner_text("#voice .times") == "1.6 s of 14.0 s"
    studio.choose("portrait", "face.png")
    studio.verdict("portrait", "good")
    with page.expect_request("**/uploads") as sent:
        studio.make()
    assert sent.value.method == "POST"
    studio.finished()
    duration = page.evaluate("document.querySelector('#stage video').duration")
    assert abs(duration - 1.6) < 0.1
    page.click("#stage [data-do=remake]")
    until(page, "document.querySelector('#voice .times').textContent.startsWith('1.6 s')")
    page.click("#voice [data-do=untrim]")
    assert page.inner_text("#voice .times strong") == "14.0 s"


@pytest.mark.thorough
def test_playing_the_selection_begins_and_ends_with_it(studio: Any) -> None:
    page = studio.page
    studio.choose("voice", "long.wav")
    studio.verdict("voice", "good")
    page.locator("#voice [data-part=from]").fill("3")
    page.locator("#voice [data-part=to]").fill("4")
    page.click("#voice [data-do=play]")
    until(page, "document.querySelector('#voice audio').currentTime > 3.2")
    until(page, "document.querySelector('#voice audio').paused")
    assert 3.9 < page.evaluate("document.querySelector('#voice audio').currentTime") < 4.4


def test_a_sound_is_stored_as_16_bit_wav(studio: Any) -> None:
    header = studio.page.evaluate(
        f"""{MODULE.format("wav")}.then(async ({{ wav }}) => {{
          const sound = [new Float32Array([0, 1, -1, 2]), new Float32Array([0.5, 0, 0, -2])];
          return [...new Uint8Array(await wav(sound, 32000).arrayBuffer())];
        }})"""
    )
    content = bytes(header)
    assert content[:4] + content[8:16] == b"RIFFWAVEfmt "
    assert int.from_bytes(content[4:8], "little") == len(content) - 8
    assert int.from_bytes(content[22:24], "little") == 2
    assert int.from_bytes(content[24:28], "little") == 32000
    assert int.from_bytes(content[34:36], "little") == 16
    samples = [
        int.from_bytes(content[i : i + 2], "little", signed=True)
        for i in range(44, len(content), 2)
    ]
    assert samples == [0, 16384, 32767, 0, -32767, 0, 32767, -32767]


def test_what_is_stored_always_fits_the_service(studio: Any) -> None:
    layouts = studio.page.evaluate(
        f"""{MODULE.format("wav")}.then(({{ layoutFor }}) =>
          [[60, 2, 48000], [120, 2, 48000], [180, 2, 48000],
           [180, 1, 96000], [1, 1, 8000], [20, 6, 48000]]
          .map(([seconds, channels, rate]) => {{
            const found = layoutFor(seconds, channels, rate, {MOST});
            const bytes = seconds * found.channels * found.rate * 2;
            return [found.channels, found.rate, bytes < {MOST}];
          }}))"""
    )
    assert layouts == [
        [2, 48000, True],
        [1, 48000, True],
        [1, 32000, True],
        [1, 32000, True],
        [1, 8000, True],
        [2, 48000, True],
    ]


def test_the_server_says_how_long_a_recording_may_be(visit: Any, studio_of: Any) -> None:
    page = visit(signed_in=False)

    def say_less(route: Any) -> None:
        about = route.fetch().json()
        about["limits"]["voice"]["max_s"] = 20
        route.fulfill(json=about)

    page.route("**/studio/about", say_less)
    page.reload()
    page.wait_for_selector("html[data-ready]")
    assert "1 to 20 seconds" in page.inner_text("#voice .hint >> nth=0")
    studio = studio_of(page)
    studio.choose("voice", "speech.wav")
    assert "the first 20 s are used" in studio.verdict("voice", "note")
    page.locator("#voice [data-part=to]").fill("30")
    assert "20 seconds or less" in studio.verdict("voice", "bad")
    page.get_by_role("button", name="Use 20 s from its start").click()
    assert page.inner_text("#voice .times").startswith("20.0 s of 55.8")


def test_levels_tell_silence_whispers_speech_and_clipping_apart(studio: Any) -> None:
    found = studio.page.evaluate(
        f"""{MODULE.format("levels")}.then(({{ levelOf, peaks, dbfs }}) => {{
          const tone = (size) => Float32Array.from({{ length: 48000 }}, (_, i) =>
            Math.max(-1, Math.min(1, size * Math.sin(i / 20))));
          const speech = tone(0.2);
          speech.fill(0, 24000); // a pause does not make it quiet
          return {{
            levels: [tone(0), tone(0.005), tone(0.2), speech, tone(3)]
              .map((sound) => levelOf(sound, 48000)),
            peaks: [...peaks(Float32Array.from([0, -0.5, 0.25, 0, 0, 1]), 3)],
            full: dbfs(1), half: Math.round(dbfs(0.5)), none: dbfs(0),
          }};
        }})"""
    )
    assert found["levels"] == ["silent", "quiet", "good", "good", "loud"]
    assert found["peaks"] == [0.5, 0.25, 1]
    assert (found["full"], found["half"], found["none"]) == (0, -6, -120)
