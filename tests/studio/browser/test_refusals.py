"""What goes wrong is said in words, at the place where it can be mended."""

from __future__ import annotations

import json
from typing import Any

import pytest

from portravox.service import problems

CODES = sorted(
    {value.code for value in vars(problems).values() if isinstance(value, problems.Problem)}
    | {problems.OUT_OF_DEFINITION, "EntityTooLarge"}
)


@pytest.mark.parametrize(
    ("well", "name", "words"),
    [
        ("portrait", "wall.png", "No face was found"),
        ("portrait", "strip.png", "too long and narrow"),
        ("portrait", "notes.txt", "not a picture"),
        ("voice", "silence.wav", "Nothing can be heard"),
        ("voice", "short.wav", "at least 1 second"),
        ("voice", "broken.wav", "cannot be opened"),
        ("voice", "notes.txt", "not a recording"),
        ("portrait", "half.jpg", "cannot be opened"),
        ("portrait", "huge.png", "too large"),
    ],
)
def test_a_file_that_will_not_do_is_told_at_once(
    studio: Any, well: str, name: str, words: str
) -> None:
    studio.choose(well, name)
    assert words in studio.verdict(well, "bad")
    assert studio.page.locator("#make").get_attribute("aria-disabled") == "true"


@pytest.mark.parametrize("name", ["memo.amr", "memo.caf"])
def test_what_the_browser_cannot_open_the_server_opens(studio: Any, name: str) -> None:
    studio.choose("voice", name)
    studio.verdict("voice", "good")
    assert studio.page.inner_text("#voice .file-name") == name
    assert studio.page.inner_text("#voice .times").startswith("2.0 s")


HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100)


def test_a_heic_photograph_that_nobody_opens_is_named(studio: Any, tmp_path: Any) -> None:
    (tmp_path / "phone.heic").write_bytes(HEIC)
    studio.page.locator("#portrait input[type=file]").set_input_files(tmp_path / "phone.heic")
    told = studio.verdict("portrait", "bad")
    assert "HEIC" in told and "Most Compatible" in told


def test_a_heic_photograph_is_taken_where_the_browser_opens_it(studio: Any, tmp_path: Any) -> None:
    page = studio.page
    page.evaluate(
        """async () => {
          const open = globalThis.createImageBitmap;
          const picture = await (await fetch("studio/examples/photograph/portrait")).blob();
          globalThis.createImageBitmap = (file) => open(file.size === 124 ? picture : file);
        }"""
    )
    (tmp_path / "phone.heic").write_bytes(HEIC)
    page.locator("#portrait input[type=file]").set_input_files(tmp_path / "phone.heic")
    assert "Converted to JPEG" in studio.verdict("portrait", "good")


def test_who_is_signed_out_is_told_what_signing_in_would_do(visit: Any, studio_of: Any) -> None:
    studio = studio_of(visit(signed_in=False))
    studio.choose("voice", "memo.amr")
    assert "Sign in" in studio.verdict("voice", "bad")


@pytest.mark.thorough
def test_a_long_voice_is_cut_to_what_the_service_takes(studio: Any, tmp_path: Any) -> None:
    import wave

    with wave.open(str(studio.files / "long.wav"), "rb") as voice:
        sound, parameters = voice.readframes(voice.getnframes()), voice.getparams()
    with wave.open(str(tmp_path / "song.wav"), "wb") as song:
        song.setparams(parameters)
        song.writeframes(sound * 14)  # 196 s
    studio.page.locator("#voice input[type=file]").set_input_files(tmp_path / "song.wav")
    studio.verdict("voice", "note")
    assert studio.page.inner_text("#voice .times").startswith("180.0 s of 19")


def test_every_refusal_of_the_service_has_words_in_both_languages(studio: Any) -> None:
    """All codes in one go: the words come from the code, not from the server's message."""
    module = "document.querySelector('script[type=module]').src.replace('app.js', '{}.js')"
    for language in ("en", "zh-CN"):
        said = studio.page.evaluate(
            f"""(codes) => import({module.format("refusals")}).then(({{ wordsFor }}) =>
              codes.map((code) => wordsFor({{ code, message: "RAW" }})))""",
            CODES,
        )
        for code, words in zip(CODES, said, strict=True):
            plain = code in ("NotFound", "FileAlreadyExists", "MalformedPOSTRequest")
            plain = plain or code.startswith(("BadRequest", "InvalidURL"))
            # The page cannot cause those, short of a bug, and then shows what the server said.
            assert plain or code == problems.OUT_OF_DEFINITION or "RAW" not in words, code
        assert len(set(said)) >= len(CODES) - 8
        if language == "en":
            studio.page.click("#language")


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (429, "Throttling", "The queue is full"),
        (429, "Throttling.RateQuota", "Too many requests"),
        (429, "Throttling.AllocationQuota", "seconds of video for today"),
        (503, "ModelUnavailable", "not ready yet"),
        (500, "InternalError", "Something went wrong"),
        (400, "Something.New", "The server said: RAW (Something.New)"),
    ],
)
@pytest.mark.thorough
def test_a_refused_submission_is_told_and_can_be_sent_again(
    studio: Any, status: int, code: str, words: str
) -> None:
    page = studio.page
    studio.fill()
    body = json.dumps({"code": code, "message": "RAW", "request_id": "r"})
    page.route(
        "**/video-synthesis",
        lambda route: route.fulfill(status=status, body=body, content_type="application/json"),
    )
    page.click("#make")
    studio.trouble.wait_for()
    assert words in studio.trouble.inner_text()
    assert page.locator("#make").get_attribute("aria-disabled") == "false"
    page.unroute("**/video-synthesis")
    studio.make()
    assert studio.trouble.is_hidden()
    page.click("#stage [data-do=cancel]")


@pytest.mark.thorough
def test_a_failed_task_says_why_on_the_stage(studio: Any) -> None:
    page = studio.page
    studio.fill()
    output = {
        "task_id": "t",
        "task_status": "FAILED",
        "code": "InvalidImage.NoHumanFace",
        "message": "No human face detected.",
    }
    page.route(
        "**/events*",
        lambda route: route.fulfill(
            status=200,
            content_type="text/event-stream",
            body=f"event: task\ndata: {json.dumps({'output': output})}\n\n",
        ),
    )
    studio.make()
    page.locator("#stage .sorry").wait_for()
    assert "No usable face was found" in page.inner_text("#stage .sorry")
    assert page.inner_text("#stage-title") == "No video this time"
    assert page.locator("#stage [data-do=remake]").is_visible()


def test_a_server_that_cannot_be_reached_is_told(studio: Any) -> None:
    page = studio.page
    page.context.set_offline(True)
    studio.choose("portrait", "face.png")
    assert "cannot be reached" in studio.verdict("portrait", "bad")
    page.context.set_offline(False)


@pytest.mark.thorough
def test_a_server_that_vanishes_is_waited_for(studio: Any) -> None:
    page = studio.page
    studio.fill(voice="long.wav")
    page.route("**/tasks/**", lambda route: route.abort())
    studio.make()
    waiting = page.locator("#stage [data-part=step]").filter(has_text="Trying again")
    waiting.wait_for(timeout=20_000)
    page.unroute("**/tasks/**")
    waiting.wait_for(state="hidden", timeout=20_000)
    studio.finished()


@pytest.mark.thorough
def test_a_video_that_does_not_load_is_explained(studio: Any) -> None:
    page = studio.page
    studio.fill()
    studio.make()
    studio.finished()
    card, sorry = page.locator("#history .card"), page.locator("#stage .sorry")
    page.route("**/files/**", lambda route: route.abort())
    card.click()
    sorry.filter(has_text="cannot play the video").wait_for()
    assert page.locator("#stage .player").is_hidden()
    page.click("#language")
    assert "无法播放" in sorry.inner_text()
    page.click("#language")
    page.route("**/api/v1/tasks/*", lambda route: route.abort())
    card.click()
    sorry.filter(has_text="The server cannot be reached").wait_for()
    page.unroute("**/api/v1/tasks/*")
    page.unroute("**/files/**")
    card.click()
    studio.finished()
    assert sorry.is_hidden()
