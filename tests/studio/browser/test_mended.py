"""What once ended in silence, or in an emptied well, says what it is and leaves a way on."""

from __future__ import annotations

import json
import wave
from typing import Any

import pytest

from benchmarks.page.driving import until


def test_a_bad_replacement_leaves_what_was_good(studio: Any) -> None:
    studio.fill()
    studio.choose("portrait", "notes.txt")
    studio.choose("voice", "notes.txt")
    for well in ("portrait", "voice"):
        assert "is kept" in studio.verdict(well, "bad")
    assert studio.page.locator("#make").get_attribute("aria-disabled") == "false"
    assert studio.page.inner_text("#voice .file-name") == "voice.wav"


def test_of_several_files_the_first_of_each_kind_is_taken_and_said_so(studio: Any) -> None:
    studio.page.evaluate(
        """() => {
          const transfer = new DataTransfer();
          for (const name of ["one.png", "two.png"]) {
            transfer.items.add(new File(["x"], name, { type: "image/png" }));
          }
          dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, cancelable: true }));
        }"""
    )
    assert "Make one video of each" in studio.trouble.inner_text()


def test_a_voice_that_is_too_long_says_what_is_used_of_it(studio: Any, tmp_path: Any) -> None:
    with wave.open(str(studio.files / "long.wav"), "rb") as voice:
        sound, parameters = voice.readframes(voice.getnframes()), voice.getparams()
    with wave.open(str(tmp_path / "song.wav"), "wb") as song:
        song.setparams(parameters)
        song.writeframes(sound * 14)  # 196 s
    studio.page.locator("#voice input[type=file]").set_input_files(tmp_path / "song.wav")
    assert "the first 180 s are used" in studio.verdict("voice", "note")


def test_both_ends_of_the_voice_are_dragged_with_the_pointer(studio: Any) -> None:
    studio.choose("voice", "long.wav")
    studio.verdict("voice", "good")
    box = studio.page.locator("#voice .waveform").bounding_box()
    middle = box["y"] + box["height"] / 2
    for start, end in ((0.02, 0.25), (0.98, 0.75)):
        studio.page.mouse.move(box["x"] + start * box["width"], middle)
        studio.page.mouse.down()
        studio.page.mouse.move(box["x"] + end * box["width"], middle, steps=4)
        studio.page.mouse.up()
    total, chosen = (
        float(studio.page.locator(f"#voice [data-part={part}]").input_value())
        for part in ("to", "from")
    )
    whole = float(studio.page.locator("#voice [data-part=to]").get_attribute("max"))
    assert chosen == pytest.approx(0.25 * whole, abs=0.05 * whole)
    assert total == pytest.approx(0.75 * whole, abs=0.05 * whole)


def test_what_the_engine_notices_is_shown(studio: Any) -> None:
    def noticed(route: Any) -> None:
        answer = route.fetch()
        body = answer.json()
        body["output"]["notices"] = ["the mouth is wide open"]
        route.fulfill(response=answer, body=json.dumps(body))

    studio.page.route("**/face-detect*", noticed)
    studio.choose("portrait", "face.png")
    assert "the mouth is wide open" in studio.verdict("portrait", "good")


def test_without_a_camera_the_file_dialog_of_the_telephone_opens(studio: Any) -> None:
    studio.page.evaluate("Object.defineProperty(navigator, 'mediaDevices', { value: undefined })")
    with studio.page.expect_file_chooser():
        studio.page.click("#portrait [data-do=camera]")
    assert "HTTPS" in studio.verdict("portrait", "note")


def test_without_a_clipboard_the_code_is_copied_all_the_same(studio: Any) -> None:
    studio.page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    studio.page.click("#show-request")
    studio.page.click("#request [data-do=copy]")
    until(
        studio.page,
        "/Copied|Ctrl\\+C/.test(document.querySelector('#request [data-do=copy]').textContent)",
    )


def test_a_pass_serves_every_tab(studio: Any, server: Any) -> None:
    other = studio.page.context.new_page()
    other.goto(server.url)
    other.wait_for_selector("html[data-ready]")
    assert other.inner_text("#account") == "Sign out"


def test_without_https_recording_says_so(studio: Any) -> None:
    page = studio.page
    page.evaluate("void Object.defineProperty(navigator, 'mediaDevices', { value: undefined })")
    page.click("#voice [data-do=record]")
    assert "only to pages on HTTPS" in studio.verdict("voice", "bad")


def test_where_no_sound_system_starts_recording_says_so_and_waits_for_nothing(studio: Any) -> None:
    page = studio.page
    page.evaluate("void (AudioContext.prototype.resume = () => new Promise(() => {}))")
    page.click("#voice [data-do=record]")
    assert "sound does not start" in studio.verdict("voice", "bad")
    assert page.locator("#voice .recording").is_hidden()


def test_forgetting_a_video_that_is_made_asks_and_cancels_it(studio: Any) -> None:
    page = studio.page
    studio.fill(voice="speech.wav")
    with page.expect_response("**/video-synthesis") as sent:
        studio.make()
    task_id = sent.value.json()["output"]["task_id"]
    forget = page.locator("#history [data-do=forget]")
    forget.click()
    state = page.locator("#history .state")
    assert state.inner_text() == "Press again to cancel it"
    page.wait_for_timeout(600)  # progress goes on, the question stays
    assert state.inner_text() == "Press again to cancel it"
    with page.expect_response(f"**/tasks/{task_id}/cancel**") as cancelled:
        forget.click()
    assert cancelled.value.ok
