"""The shortest way from an empty page to a moving picture, counted: the same in every browser.

Flow      Playwright's Chromium, firefox.Tab -> Page -> walked -> Walk -> report, looks
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Protocol

VIDEO = "document.querySelector('#stage [data-part=video]')"


class Page(Protocol):
    """What both browsers are asked for."""

    def open(self, address: str) -> None: ...
    def resize(self, width: int, height: int) -> None: ...
    def evaluate(self, expression: str) -> Any: ...
    def screenshot(self) -> bytes: ...


class ChromiumPage:
    """A page of Playwright's."""

    def __init__(self, page: Any) -> None:
        self._page = page

    def open(self, address: str) -> None:
        """Go there."""
        self._page.goto(address)

    def resize(self, width: int, height: int) -> None:
        """Pixels of the page."""
        self._page.set_viewport_size({"width": width, "height": height})

    def evaluate(self, expression: str) -> Any:
        """The value of an expression."""
        return self._page.evaluate(expression)

    def screenshot(self) -> bytes:
        """What is seen, as a PNG."""
        taken: bytes = self._page.screenshot()
        return taken


def wait_for(page: Page, condition: str, limit_s: float = 120.0) -> None:
    """Wait until an expression is true in the page."""
    deadline = time.monotonic() + limit_s
    while not page.evaluate(f"Boolean({condition})"):
        assert time.monotonic() < deadline, f"not in time: {condition}"
        time.sleep(0.02)


@dataclass(frozen=True)
class Walk:
    """From opening the page to a video that plays, by an example."""

    clicks: int
    scrolled_px: int
    """Of the page and of the pane with the choices, together."""

    make_to_moving_s: float
    """From the press of Make to the first moving picture."""

    make_to_finished_s: float
    """To the finished video."""


_SCROLLED = "scrollY + document.querySelector('.desk-parts').scrollTop"
_MOVES = """[...document.querySelectorAll('#stage video')]
  .some((one) => one.checkVisibility() && one.currentTime > 0.04)"""
_IN_VIEW = """((selector) => {
  const { top, bottom } = document.querySelector(selector).getBoundingClientRect();
  return top >= 0 && bottom <= innerHeight + 1;
})"""


def walked(page: Page, link: str, *, width: int, height: int, example: str) -> Walk:
    """Take an example, press Make, and wait. What is not in view is scrolled to, and counted."""
    page.resize(width, height)
    page.open(link)
    wait_for(page, "document.documentElement.dataset.ready")
    clicks, scrolled = 0, 0.0

    def press(selector: str) -> None:
        nonlocal clicks, scrolled
        if not page.evaluate(f"{_IN_VIEW}('{selector}')"):
            before = page.evaluate(_SCROLLED)
            page.evaluate(f"document.querySelector('{selector}').scrollIntoView()")
            scrolled += abs(page.evaluate(_SCROLLED) - before)
        page.evaluate(f"document.querySelector('{selector}').click()")
        clicks += 1

    press(f"[data-example={example}]")
    for well in ("portrait", "voice"):
        wait_for(page, f"document.querySelector('#{well} .verdict[data-tone=good]')")
    press("#make")
    begun = time.perf_counter()
    wait_for(page, _MOVES)
    moving_s = time.perf_counter() - begun
    wait_for(page, f"{VIDEO}.readyState >= 2 && {VIDEO}.checkVisibility()")
    finished_s = time.perf_counter() - begun
    if not page.evaluate(f"{_IN_VIEW}('#stage .frame')"):
        before = page.evaluate(_SCROLLED)
        page.evaluate("document.querySelector('#stage .frame').scrollIntoView()")
        scrolled += abs(page.evaluate(_SCROLLED) - before)
    return Walk(clicks, round(scrolled), moving_s, finished_s)
