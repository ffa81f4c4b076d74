"""The studio in a real browser, against a real server that makes real videos.

All of it runs by `make test-page`; what is not marked as thorough, by `make test`, too. Needs
Chromium, which `make browser` installs; PORTRAVOX_BROWSER may name another program.
"""

from __future__ import annotations

import io
import os
import wave
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from struct import pack
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmarks.page.driving import NO_BROWSER, OPTIONS, Running, Studio, find_browser, serving
from portravox.demo import VOICE, demo_portrait
from portravox.media.waveform import Waveform
from tests.media.test_voice_file import compressed

playwright = pytest.importorskip(
    "playwright.sync_api", reason="needs the tools of `make setup-dev`"
)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("data")
    with serving(
        folder, *("--speech", "espeak-ng"), log=folder.parent / "server-log.txt"
    ) as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as player:
        program = find_browser()
        if program is None:
            # In CI a page that nobody looked at has not passed.
            (pytest.fail if os.environ.get("CI") else pytest.skip)(NO_BROWSER)
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
        *,
        signed_in: bool = True,
        locale: str = "en-US",
        width: int = 1280,
        webrtc: bool = False,
        **more: Any,
    ) -> Any:
        viewport = {"width": width, "height": 900 if width > 500 else 800}
        context = browser.new_context(viewport=viewport, locale=locale, **more)
        contexts.append(context)
        if not webrtc:
            context.add_init_script("delete globalThis.RTCPeerConnection")
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


def _jpeg(photograph: Path) -> bytes:
    written = io.BytesIO()
    with Image.open(photograph) as picture:
        picture.convert("RGB").resize((256, 256)).save(written, "JPEG")
    return written.getvalue()


def _of_30000_px() -> bytes:
    """A black PNG of 900 million pixels, 1 bit each, in 110 kB."""
    row = bytes(1 + 30_000 // 8)
    packer = zlib.compressobj()
    rows = b"".join(packer.compress(row * 100) for _ in range(300)) + packer.flush()
    head = pack(">IIBBBBB", 30_000, 30_000, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", rows), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        pack(">I", len(content)) + kind + content + pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """memo.amr, memo.caf (2 s), half.jpg (cut off), huge.png, face.png (256 px), voice.wav (1.5 s),
    long.wav (14 s), speech.wav (56 s), wall.png, strip.png, silence.wav, short.wav, broken.wav,
    notes.txt."""
    folder = tmp_path_factory.mktemp("files")
    photograph = demo_portrait()
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
            "speech.wav": sound * 8,
            "short.wav": sound[: round(0.5 * rate) * 2],
            "silence.wav": bytes(2 * 2 * rate),
        }.items():
            with wave.open(str(folder / name), "wb") as copy:
                copy.setparams(voice.getparams())
                copy.writeframes(content)
    tone = np.sin(2 * np.pi * 300 * np.arange(16_000) / 8_000).astype(np.float32)
    memo = Waveform(0.5 * tone[:, None], 8_000)
    compressed(folder / "memo.amr", memo, "amr", "libopencore_amrnb", b="12200")
    compressed(folder / "memo.caf", memo, "caf", "alac")
    (folder / "huge.png").write_bytes(_of_30000_px())
    (folder / "half.jpg").write_bytes(_jpeg(photograph)[:-4000])
    (folder / "broken.wav").write_bytes(b"RIFF\x10\0\0\0WAVEnothing")
    (folder / "notes.txt").write_text("neither")
    return folder


@pytest.fixture
def studio_of(files: Path) -> Callable[[Any], Studio]:
    return lambda page: Studio(page, files)


@pytest.fixture
def studio(visit: Open, studio_of: Callable[[Any], Studio]) -> Studio:
    """The page, signed in, in English, on a wide screen."""
    return studio_of(visit())
