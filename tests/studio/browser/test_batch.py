"""Several files at once: offered, made in order, told apart, saved as one."""

from __future__ import annotations

import csv
import io
import zipfile
from typing import Any

import pytest

from benchmarks.page.driving import until

DIALOG = "#batch"


def test_several_portraits_say_the_same_and_come_as_one_file(studio: Any) -> None:
    page = studio.page
    studio.choose("voice", "voice.wav")
    studio.verdict("voice", "good")
    names = ("face.png", "wall.png")
    page.locator("#portrait input[type=file]").set_input_files(
        [studio.files / name for name in names]
    )
    page.click("#trouble button")
    assert page.locator(f"{DIALOG} .batch-name").all_inner_texts() == list(names)
    with page.expect_request("**/video-synthesis") as sent:
        page.click(f"{DIALOG} [data-do=start]")
    assert sent.value.post_data_json["input"]["audio_url"].startswith("oss://")
    page.locator(f"{DIALOG} [data-do=zip]").wait_for(timeout=120_000)
    assert "1 of 2 ready" in page.inner_text(DIALOG)
    with page.expect_download() as saved:
        page.click(f"{DIALOG} [data-do=zip]")
    with zipfile.ZipFile(saved.value.path()) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["01-face.mp4", "results.csv"]
        assert archive.read("01-face.mp4")[4:8] == b"ftyp"
        told = list(csv.reader(io.StringIO(archive.read("results.csv").decode("utf-8-sig"))))
    assert [row[0] for row in told] == ["file", *names]
    assert told[1][1] == "Ready" and "face" in told[2][1]
    page.click(f"{DIALOG} [data-do=close]")
    assert "Batch: 1 of 2 ready" in page.inner_text("#show-batch")
    assert page.locator("#history .take").count() == 2


@pytest.mark.thorough
def test_a_batch_waits_for_its_portrait_and_is_cancelled(studio: Any) -> None:
    page = studio.page
    page.locator("#voice input[type=file]").set_input_files(
        [studio.files / name for name in ("long.wav", "speech.wav", "voice.wav", "long.wav")]
    )
    page.click("#trouble button")
    start = page.locator(f"{DIALOG} [data-do=start]")
    assert start.is_disabled() and "Add a portrait" in page.inner_text(DIALOG)
    page.click(f"{DIALOG} [data-do=close]")
    studio.choose("portrait", "face.png")
    studio.verdict("portrait", "good")
    page.click("#show-batch")
    start.click()
    page.click(f"{DIALOG} [data-do=stop]")
    until(page, "document.querySelector('#batch [data-do=stop]').hidden", timeout=60_000)
    states = [row.inner_text() for row in page.locator(f"{DIALOG} li").all()]
    assert "ancelled" in states[-1]
