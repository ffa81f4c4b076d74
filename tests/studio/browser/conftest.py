"""The studio in a real browser, against a real server that makes real videos.

Run by `make test-page`; needs Chromium (Debian: `apt-get install chromium`, or
`python -m playwright install chromium`). PORTRAVOX_BROWSER may name another program.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from portravox.demo import VOICE, demo_portrait
from portravox.errors import FileMissing

playwright = pytest.importorskip(
    "playwright.sync_api", reason="needs the tools of `make setup-dev`"
)

MAIN = "import sys; from portravox.cli.main import main; sys.exit(main())"

BROWSERS = ("chromium", "chromium-browser", "google-chrome")

OPTIONS = (
    "--no-sandbox",  # containers give none
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
)


@dataclass(frozen=True)
class Running:
    """A server."""

    url: str
    """With a slash at the end."""

    key: str
    folder: Path

    def link(self) -> str:
        """A one-time link, as `portravox link` prints it."""
        from portravox.service.logins import LoginTokens

        return f"{self.url}#login={LoginTokens(self.folder / 'logins').create()}"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("data")
    with (folder.parent / "server-log.txt").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", MAIN, "serve", "--port", "0", "--data-dir", folder],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        assert process.stdout is not None
        try:
            told = "".join(process.stdout.readline() for _ in range(5))
            url, key = re.search(r"http://[\d.:]+", told), re.search(r"sk-\w+", told)
            assert url is not None and key is not None, told
            yield Running(f"{url[0]}/", key[0], folder)
        finally:
            process.terminate()
            process.wait(30)
            process.stdout.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    found = os.environ.get("PORTRAVOX_BROWSER") or next(
        filter(None, map(shutil.which, BROWSERS)), None
    )
    with playwright.sync_playwright() as player:
        program = found or player.chromium.executable_path
        if not Path(program).exists():
            pytest.skip("no Chromium: apt-get install chromium, or set PORTRAVOX_BROWSER")
        opened = player.chromium.launch(executable_path=program, args=list(OPTIONS))
        yield opened
        opened.close()


Open = Callable[..., Any]


@pytest.fixture
def visit(browser: Any, server: Running) -> Iterator[Open]:
    """Opens the studio in a context of its own: `visit(signed_in=True, locale=…, width=…)`.

    What a page writes to its console, or throws, fails the test; refusals that a test provokes
    are the network's own lines and do not count.
    """
    contexts: list[Any] = []
    wrong: list[str] = []

    def open_studio(
        *, signed_in: bool = True, locale: str = "en-US", width: int = 1280, **more: Any
    ) -> Any:
        viewport = {"width": width, "height": 900 if width > 500 else 800}
        context = browser.new_context(viewport=viewport, locale=locale, **more)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on(
            "console",
            lambda said: (
                wrong.append(said.text)
                if said.type == "error" and "Failed to load resource" not in said.text
                else None
            ),
        )
        page.goto(server.link() if signed_in else server.url)
        page.wait_for_selector("html[data-ready]")
        return page

    yield open_studio
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """face.png (256 px), voice.wav (1.5 s), long.wav (14 s), wall.png, strip.png, silence.wav,
    short.wav, broken.wav, notes.txt."""
    folder = tmp_path_factory.mktemp("files")
    try:
        photograph = demo_portrait()
    except FileMissing as missing:
        pytest.skip(str(missing))
    with Image.open(photograph) as picture:
        picture.resize((256, 256)).save(folder / "face.png")
        picture.resize((256, 256)).save(folder / "face.gif")
    Image.new("RGB", (300, 300), "grey").save(folder / "wall.png")
    Image.new("RGB", (700, 300), "grey").save(folder / "strip.png")
    with wave.open(str(VOICE), "rb") as voice:
        rate = voice.getframerate()
        sound = voice.readframes(voice.getnframes())
        start = round(0.2 * rate) * 2
        for name, content in {
            "voice.wav": sound[start : start + round(1.5 * rate) * 2],
            "long.wav": sound * 2,
            "short.wav": sound[: round(0.5 * rate) * 2],
            "silence.wav": bytes(2 * 2 * rate),
        }.items():
            with wave.open(str(folder / name), "wb") as copy:
                copy.setparams(voice.getparams())
                copy.writeframes(content)
    (folder / "broken.wav").write_bytes(b"RIFF\x10\0\0\0WAVEnothing")
    (folder / "notes.txt").write_text("neither")
    return folder


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

    def make(self) -> None:
        self.page.click("#make")
        self.page.locator("#stage").wait_for()

    def finished(self) -> None:
        """Wait until the video on the stage can be played."""
        self.page.locator("#stage video:visible").wait_for(timeout=120_000)
        until(self.page, "document.querySelector('#stage video').readyState >= 2")

    @property
    def trouble(self) -> Any:
        return self.page.locator("#trouble")


@pytest.fixture
def studio_of(files: Path) -> Callable[[Any], Studio]:
    return lambda page: Studio(page, files)


@pytest.fixture
def studio(visit: Open, studio_of: Callable[[Any], Studio]) -> Studio:
    """The page, signed in, in English, on a wide screen."""
    return studio_of(visit())
