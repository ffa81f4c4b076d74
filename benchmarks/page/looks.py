"""Contact sheets of the page: widths, light and dark, English and Chinese, Chromium and Firefox.

Flow      a real server, both browsers -> out/page/looks-BROWSER-STATE.webp

    python -m benchmarks.page.looks -o out/page

A row is a language and an appearance, a column a width; one sheet for an empty page, one for the
portrait and voice taken, one for the finished video.
"""

from __future__ import annotations

import argparse
import io
import itertools
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from PIL import Image

from benchmarks.page.driving import NO_BROWSER, OPTIONS, find_browser, serving
from benchmarks.page.firefox import NO_FIREFOX, find_firefox, firefox
from benchmarks.page.walk import VIDEO, ChromiumPage, Page, wait_for

SIZES = ((390, 844), (768, 1024), (1100, 760), (1920, 1080), (2560, 1440))
THEMES = ("light", "dark")
LANGUAGES = ("en", "zh-CN")
SHOWN_HEIGHT_PX = 420
_GAP_PX = 8
_SETTLE_S = 0.35
_QUALITY = 80


def states(page: Page, link: str) -> Iterator[str]:
    """The names of what is to be looked at, each when it is there."""
    page.open(link)
    wait_for(page, "document.documentElement.dataset.ready")
    wait_for(page, "document.querySelector('#sample').checkVisibility()")
    yield "empty"
    page.evaluate("document.querySelector('[data-example=man]').click()")
    for well in ("portrait", "voice"):
        wait_for(page, f"document.querySelector('#{well} .verdict[data-tone=good]')")
    yield "taken"
    page.evaluate("document.querySelector('#make').click()")
    wait_for(page, f"{VIDEO}.readyState >= 2 && {VIDEO}.checkVisibility()")
    wait_for(page, "document.querySelector('#stage .watched') === null")
    page.evaluate("document.querySelector('#stage .scrub').focus()")
    for _ in range(2):
        page.evaluate("document.querySelector('#stage [data-do=forward]').click()")
    yield "finished"


def sheet(page: Page) -> Image.Image:
    """Every look of the page as it is now."""
    rows = []
    for language, theme in itertools.product(LANGUAGES, THEMES):
        if page.evaluate("document.documentElement.lang") != language:
            page.evaluate("document.querySelector('#language').click()")
        page.evaluate(f"void (document.documentElement.dataset.theme = '{theme}')")
        shots = []
        for width, height in SIZES:
            page.resize(width, height)
            page.evaluate("scrollTo(0, 0)")
            time.sleep(_SETTLE_S)
            with Image.open(io.BytesIO(page.screenshot())) as taken:
                shown = round(taken.width * SHOWN_HEIGHT_PX / taken.height)
                shots.append(taken.convert("RGB").resize((shown, SHOWN_HEIGHT_PX)))
        rows.append(shots)
    width = sum(shot.width + _GAP_PX for shot in rows[0])
    made = Image.new("RGB", (width, len(rows) * (SHOWN_HEIGHT_PX + _GAP_PX)), "#c04040")
    for place, shots in enumerate(rows):
        left = 0
        for shot in shots:
            made.paste(shot, (left, place * (SHOWN_HEIGHT_PX + _GAP_PX)))
            left += shot.width + _GAP_PX
    return made


def looked_at(page: Page, link: str, browser: str, out: Path) -> None:
    """Write the sheets of a browser."""
    for state in states(page, link):
        path = out / f"looks-{browser}-{state}.webp"
        sheet(page).save(path, quality=_QUALITY)
        print(path)


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("-o", "--out", type=Path, default=Path("out/page"))
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    chromium, fox = find_browser(), find_firefox()
    if chromium is None or fox is None:
        raise SystemExit(NO_BROWSER if chromium is None else NO_FIREFOX)
    with ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory()))
        server = held.enter_context(serving(folder / "data", log=folder / "server-log.txt"))
        browser = held.enter_context(firefox(fox))
        looked_at(browser.tab(width=1280, height=900), server.link(), "firefox", out)
        player = held.enter_context(sync_playwright())
        opened = player.chromium.launch(executable_path=chromium, args=list(OPTIONS))
        page = ChromiumPage(opened.new_context(locale="en-US").new_page())
        looked_at(page, server.link(), "chromium", out)
        opened.close()


if __name__ == "__main__":
    main()
