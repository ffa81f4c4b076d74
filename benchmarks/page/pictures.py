"""A person's way through the studio as pictures, for docs/studio.md and docs/studio.zh-CN.md.

Flow      a real server, headless Chromium, the demo's portrait and voice -> WebP files

Run by `make page-pictures`. Nothing is staged but the camera and the microphone, which see and hear
the demo.
"""

from __future__ import annotations

import argparse
import io
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.page.driving import NO_BROWSER, OPTIONS, Running, Studio, find_browser, serving
from portravox.demo import VOICE, demo_portrait

LOCALES = {"en": "en-US", "zh": "zh-CN"}

DESKTOP = {"viewport": {"width": 1200, "height": 860}}

PHONE = {
    "viewport": {"width": 360, "height": 740},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}

TRIMMED_S = 6.5

TRIES = 4
"""A quick machine may be done before a frame was shown."""

WEBP_QUALITY = 72

LARGEST_BYTES = 1_500_000
"""Of all pictures together: they are part of the repository."""

CAMERA_FRAMES = 30

SPEAKING_FRAME = 63
"""Of the demo's voice at 30 frames per second: in the midst of a word."""


@dataclass(frozen=True)
class Inputs:
    """Files made of the demo's portrait."""

    folder: Path

    @property
    def camera(self) -> Path:
        """What the camera sees, over and over."""
        return self.folder / "camera.mjpeg"

    CUT = "cut_off.png"


def prepared(folder: Path) -> Inputs:
    """Write the inputs."""
    inputs = Inputs(folder)
    with Image.open(demo_portrait()) as opened:
        portrait = opened.convert("RGB")
    portrait.crop((100, 0, 400, 150)).save(folder / Inputs.CUT)
    seen = Image.new("RGB", (640, 480), "#8f8a80")
    seen.paste(portrait.resize((480, 480)), (120, 0))
    frame = io.BytesIO()
    seen.save(frame, "JPEG", quality=92)
    inputs.camera.write_bytes(frame.getvalue() * CAMERA_FRAMES)
    return inputs


def way_through(studio: Studio, *, phone: bool) -> Iterator[str]:
    """Each step's name, when it is to be seen."""
    page = studio.page
    yield "1-empty"
    if not phone:
        studio.choose("portrait", Inputs.CUT)
        studio.verdict("portrait", "bad")
        yield "2-refused"
        page.click("#portrait [data-do=remove]")
        page.click("#portrait [data-do=camera]")
        page.locator("#camera button:enabled[data-do=shoot]").wait_for()
        page.wait_for_timeout(500)
        yield "3-camera"
        page.keyboard.press("Escape")
        page.click("#voice [data-do=record]")
        page.locator("#voice .recording").wait_for()
        page.wait_for_timeout(3000)
        yield "4-recording"
        page.click("#voice [data-do=discard]")
    studio.take_examples()
    studio.trim_to(TRIMMED_S)
    page.locator("#direction .preset").nth(2).click()
    page.mouse.move(0, 0)
    if phone:
        page.locator("#voice").scroll_into_view_if_needed()
    yield "5-ready"
    if not phone:
        page.click("#show-request")
        page.locator("#request").wait_for()
        yield "6-code"
        page.keyboard.press("Escape")
    _make_and_see_it_drawn(studio)
    yield "7-drawing"
    studio.finished()
    page.locator("#stage .scrub").fill(str(SPEAKING_FRAME))
    _settle(page)
    yield "8-finished"
    if not phone:
        page.locator("#seed").evaluate("(input) => input.closest('details').open = true")
        page.fill("#seed", "7")
        page.press("#seed", "Tab")
        page.click("#make")
        page.locator("#history .card[data-status=SUCCEEDED]").nth(1).wait_for(timeout=60_000)
        page.reload()
        page.wait_for_selector("html[data-ready]")
        page.locator("#history .card").first.click()
        studio.finished()
        page.locator("#history").scroll_into_view_if_needed()
        _settle(page)
        yield "9-history"


def _make_and_see_it_drawn(studio: Studio) -> None:
    """Until a frame of what is being made is shown, or what is made of it already plays."""
    page = studio.page
    drawn = "#stage .frame:not(.waiting) [data-part=preview]:visible, #stage video.watched:visible"
    for _ in range(TRIES):
        studio.make()
        page.locator(f"{drawn}, #stage video:visible").first.wait_for(timeout=60_000)
        if page.locator(drawn).first.is_visible():
            return
        page.locator("#history [data-do=clear]").dblclick()
        page.locator("#stage").wait_for(state="hidden")
    raise AssertionError(f"no frame was shown before the video was finished, {TRIES} times")


def _settle(page: Any) -> None:
    page.wait_for_timeout(400)  # the pictures of the page are decoded


def take_pictures(browser: Any, server: Running, inputs: Inputs, out: Path) -> list[Path]:
    """All pictures; raises AssertionError where the page says something went wrong."""
    taken: list[Path] = []
    for language, locale in LOCALES.items():
        for phone in (False, True):
            context = browser.new_context(
                locale=locale, reduced_motion="reduce", **(PHONE if phone else DESKTOP)
            )
            page = context.new_page()
            page.goto(server.link())
            page.wait_for_selector("html[data-ready]")
            studio = Studio(page, inputs.folder)
            for step in way_through(studio, phone=phone):
                assert studio.trouble.is_hidden(), studio.trouble.inner_text()
                path = out / f"{language}-{'phone-' if phone else ''}{step}.webp"
                with Image.open(io.BytesIO(page.screenshot())) as shot:
                    shot.convert("RGB").save(path, "WEBP", quality=WEBP_QUALITY, method=6)
                taken.append(path)
            context.close()
    return taken


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("-o", "--out", type=Path, default=Path("docs/images/studio"))
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as player:
        folder = Path(name)
        program = find_browser()
        if program is None:
            raise SystemExit(NO_BROWSER)
        inputs = prepared(folder)
        hears_and_sees = (
            f"--use-file-for-fake-video-capture={inputs.camera}",
            f"--use-file-for-fake-audio-capture={VOICE}",
        )
        with serving(folder / "data", log=folder / "server-log.txt") as server:
            browser = player.chromium.launch(
                executable_path=program, args=[*OPTIONS, *hears_and_sees]
            )
            taken = take_pictures(browser, server, inputs, out)
            browser.close()
    total = sum(path.stat().st_size for path in taken)
    print(f"{len(taken)} pictures, {total / 1000:.0f} kB, in {out}")
    if total > LARGEST_BYTES:
        raise SystemExit(f"more than the {LARGEST_BYTES / 1000:.0f} kB that the repository takes")


if __name__ == "__main__":
    main()
