"""What stands behind the person: chosen in the page, sent with the request, kept with the take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.page.driving import until

BAR = "#direction input[name=background]"


def test_a_colour_or_a_picture_stands_behind(studio: Any, files: Path) -> None:
    page = studio.page
    studio.choose("portrait", "face.png")
    studio.choose("voice", "voice.wav")
    studio.verdict("portrait", "good")
    page.locator("#direction summary").first.click()
    page.locator(f"{BAR}[value=colour]").dispatch_event("click")
    page.fill("#direction input[type=color]", "#1020ff")
    page.click("#show-request")
    until(page, "document.getElementById('request-code').textContent.includes('#1020ff')")
    page.keyboard.press("Escape")
    with page.expect_file_chooser() as asked:
        page.locator(f"{BAR}[value=picture]").dispatch_event("click")
    assert page.is_checked(f"{BAR}[value=colour]")  # until there is a picture
    asked.value.set_files(files / "notes.txt")
    page.wait_for_selector("#direction [role=status]:not([hidden])")
    with page.expect_file_chooser() as asked:
        page.locator(f"{BAR}[value=picture]").dispatch_event("click")
    asked.value.set_files(files / "wall.png")
    until(page, f"document.querySelector('{BAR}[value=picture]').checked")
    assert page.locator("#direction [role=status]").is_hidden()
    assert page.get_by_role("button", name="wall.png").is_visible()
    with page.expect_request("**/video-synthesis") as sent:
        studio.make()
    background = sent.value.post_data_json["parameters"]["portravox"]["background"]
    assert background.startswith("oss://")
    studio.finished()
    page.locator(f"{BAR}[value=blur]").dispatch_event("click")
    page.click("#stage [data-do=remake]")
    until(page, f"document.querySelector('{BAR}[value=picture]').checked")
    page.reload()  # the picture is not remembered, and so it is not asked for
    page.wait_for_selector("html[data-ready]")
    assert page.is_checked(f"{BAR}[value=keep]")
