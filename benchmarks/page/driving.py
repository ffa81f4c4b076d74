"""A real server, a real browser, and what a person does at the page.

Flow      driving -> report, pictures, tests.studio.browser
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portravox.service.logins import LoginTokens

BROWSERS = ("chromium", "chromium-browser", "google-chrome")

NO_BROWSER = "no Chromium: `make browser` installs one, PORTRAVOX_BROWSER may name another"

OPTIONS = (
    "--no-sandbox",  # containers give none
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
)

_MAIN = "import sys; from portravox.cli.main import main; sys.exit(main())"


@dataclass(frozen=True)
class Running:
    """A server."""

    url: str
    """With a slash at the end."""

    key: str
    folder: Path

    process: subprocess.Popen[str]

    def link(self) -> str:
        """A one-time link, as `portravox link` prints it."""
        return f"{self.url}#login={LoginTokens(self.folder / 'logins').create()}"


@contextmanager
def serving(folder: Path, *arguments: str, log: Path) -> Iterator[Running]:
    """`portravox serve` on a free port, with a new key; ended as a signal ends it."""
    command = [sys.executable, "-c", _MAIN, "serve", "--port", "0", "--data-dir", str(folder)]
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [*command, *arguments], stdout=subprocess.PIPE, stderr=stderr, text=True
        )
    assert process.stdout is not None
    try:
        told = "".join(process.stdout.readline() for _ in range(5))
        url, key = re.search(r"http://[\d.:]+", told), re.search(r"sk-\w+", told)
        assert url is not None and key is not None, told
        yield Running(f"{url[0]}/", key[0], folder, process)
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


def find_browser() -> str | None:
    """The program of a Chromium: the one that was named, or the system's."""
    named = os.environ.get("PORTRAVOX_BROWSER")
    return shutil.which(named) if named else next(filter(None, map(shutil.which, BROWSERS)), None)


def until(page: Any, condition: str, *, timeout: float = 30_000) -> None:
    """Wait, at most so many milliseconds, for an expression to become true in the page.

    Playwright's own way has the page evaluate a text, which our policy does not allow.
    """
    deadline = time.monotonic() + timeout / 1000
    while not page.evaluate(condition):
        assert time.monotonic() < deadline, f"not in time: {condition}"
        page.wait_for_timeout(50)


class Studio:
    """What a person does at the page."""

    def __init__(self, page: Any, files: Path) -> None:
        self.page = page
        self.files = files

    def choose(self, well: str, name: str) -> None:
        """Put a file into a well by its file dialog."""
        self.page.locator(f"#{well} input[type=file]").set_input_files(self.files / name)

    def verdict(self, well: str, tone: str) -> str:
        """What a well says once it says it in that tone."""
        line = self.page.locator(f"#{well} .verdict[data-tone={tone}]")
        line.wait_for(timeout=60_000)
        words: str = line.inner_text()
        return words

    def fill(self, *, voice: str = "voice.wav", picture: str = "face.png") -> None:
        """Choose both files and wait until they are found good."""
        self.choose("portrait", picture)
        self.choose("voice", voice)
        self.verdict("portrait", "good")
        self.verdict("voice", "good")

    def take_examples(self) -> None:
        """Press both links to the examples and wait until they are found good."""
        for well in ("portrait", "voice"):
            self.page.click(f"#{well} [data-do=example]")
        for well in ("portrait", "voice"):
            self.verdict(well, "good")

    def trim_to(self, seconds: float) -> None:
        """Move the end of the selection."""
        self.page.locator("#voice [data-part=to]").fill(f"{seconds:.2f}")

    def make(self) -> None:
        self.page.click("#make")
        self.page.locator("#stage").wait_for()

    def finished(self) -> None:
        """Wait until the video on the stage can be played."""
        self.page.locator("#stage [data-part=video]:visible").wait_for(timeout=120_000)
        until(self.page, "document.querySelector('#stage video').readyState >= 2")
        # What played while it was made hands over to it.
        until(self.page, "document.querySelector('#stage .watched') === null")

    @property
    def trouble(self) -> Any:
        return self.page.locator("#trouble")
