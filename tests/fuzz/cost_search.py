"""Looks for files that cost a reader much processor time for their bytes, and climbs from there.

    python -m tests.fuzz.cost_search SECONDS [SEED]

Whole files of the largest size are changed as a hostile hand would change them: pieces of their
structure are repeated up to the limit of bytes, numbers made large, parts mixed. What costs more
time a byte than its ancestor is kept and changed further. Each file is read in a process of its
own kind, with the limits of the service. Prints the costliest of each kind.
"""

from __future__ import annotations

import io
import random
import re
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from tests.fuzz.costly_files import PICTURE_BYTES, SIDE_PX, VOICE_BYTES
from tests.fuzz.odd_files import odd_file

HANGS_S = 30.0
KEPT = 6
"""Files of each kind from which the search goes on."""

_READER = """
import resource, sys, time
from portravox.errors import PortravoxError
from portravox.media.picture_file import PictureLimits, read_picture
from portravox.media.voice_file import VoiceLimits, read_voice
import av, PIL.ImageCms, PIL.JpegImagePlugin, PIL.PngImagePlugin, PIL.WebPImagePlugin
resource.setrlimit(resource.RLIMIT_DATA, (4 << 30, 4 << 30))
for line in sys.stdin:
    path = line.strip()
    began = time.process_time()
    try:
        if path.endswith((".wav", ".mp3")):
            read_voice(path, VoiceLimits.service())
        else:
            read_picture(path, PictureLimits.service())
        outcome = "read"
    except PortravoxError as refusal:
        outcome = refusal.code
    except Exception as error:
        outcome = "!" + type(error).__name__
    print(f"{time.process_time() - began:.4f} {outcome}", flush=True)
"""


@dataclass(frozen=True, slots=True)
class Found:
    content: bytes
    cost_s: float
    outcome: str

    @property
    def fitness(self) -> float:
        """Seconds a byte; small files count as of 2 kB, so that what is fixed does not win."""
        return self.cost_s / max(len(self.content), 2_000)


class Reader:
    """A process that reads files one after the other, and is replaced when it dies or hangs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None

    def cost(self, suffix: str, content: bytes) -> tuple[float, str]:
        path = self._folder / f"case.{suffix}"
        path.write_bytes(content)
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _READER],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                cwd=Path(__file__).parents[2],
            )
        process = self._process
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(f"{path}\n")
        process.stdin.flush()
        line = process.stdout.readline().split()
        if not line:
            return 0.0, f"!died with {process.wait()}"
        return float(line[0]), line[1]

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            assert self._process.stdin is not None and self._process.stdout is not None
            self._process.stdin.close()
            self._process.stdout.close()


def seeds(suffix: str) -> list[bytes]:
    """Whole files to begin with: the largest flat ones, and small odd ones."""
    made = [odd_file(number, suffix).content for number in range(4)]
    flat = Image.new("RGB", (SIDE_PX, SIDE_PX), (120, 110, 100))
    options: Mapping[str, tuple[dict[str, object], ...]] = {
        "jpg": ({}, {"progressive": True}, {"restart_marker_blocks": 1}),
        "png": ({}, {"compress_level": 1}),
        "webp": ({}, {"lossless": True}),
    }
    for option in options.get(suffix, ()):
        kept = io.BytesIO()
        flat.save(kept, {"jpg": "JPEG"}.get(suffix, suffix.upper()), **option)
        made.append(kept.getvalue())
    if suffix == "bmp":
        info = struct.pack("<IiiHHIIiiII", 40, SIDE_PX, SIDE_PX, 1, 8, 1, 0, 0, 0, 2, 0)
        runs = (b"\xff\1" * 16 + b"\x10\1\0\0") * 200 + b"\0\3abc\0\0\2\1\1\0\1"
        made.append(b"BM" + struct.pack("<IHHI", 0, 0, 0, 62) + info + bytes(8) + runs)
    return made


def changed(suffix: str, content: bytes, other: bytes, chance: random.Random) -> bytes:
    """One to three changes, and sums and sizes made right again."""
    most = VOICE_BYTES if suffix in ("wav", "mp3") else PICTURE_BYTES
    data = bytearray(content)
    for _ in range(chance.randint(1, 3)):
        at, end = _piece(suffix, bytes(data), chance)
        match chance.randrange(6):
            case 0 | 1:  # a piece many times
                room = max(0, most - len(data)) // max(1, end - at)
                count = min(room, chance.choice((1, 10, 100, 1_000, 10_000, 10**6)))
                data[end:end] = bytes(data[at:end]) * count
            case 2 if data:  # a number
                place = chance.randrange(len(data))
                size = chance.choice((1, 2, 4))
                value = chance.choice((0, 1, 2, 255, 65_535, SIDE_PX, 2**31 - 1, 2**32 - 1))
                value %= 1 << 8 * size
                data[place : place + size] = value.to_bytes(size, chance.choice(("little", "big")))
            case 3:  # a piece of another file
                first, last = _piece(suffix, other, chance)
                data[at:at] = other[first:last][: max(0, most - len(data))]
            case 4:  # without a piece
                del data[at:end]
            case _:  # noise in a piece
                for _ in range(chance.choice((1, 4, 30))):
                    if end > at:
                        place = chance.randrange(at, end)
                        data[place : place + 1] = chance.randbytes(1)
    return _mended(suffix, bytes(data[:most]))


def _piece(suffix: str, content: bytes, chance: random.Random) -> tuple[int, int]:
    """Where a piece begins and ends: of its structure more often than anywhere."""
    marks = _BOUNDARIES[suffix]
    if chance.random() < 0.7:
        places = [found.start() for found in marks.finditer(content[:100_000])][:2_000]
        if len(places) > 1:
            number = chance.randrange(len(places) - 1)
            return places[number], places[number + 1]
    at = chance.randrange(len(content) + 1)
    return at, min(len(content), at + chance.choice((1, 2, 4, 12, 50, 400)))


_BOUNDARIES: Mapping[str, re.Pattern[bytes]] = {
    "jpg": re.compile(rb"\xff[\xc0-\xfe]"),
    "png": re.compile(
        rb"....(?=IHDR|IDAT|IEND|PLTE|tRNS|tEXt|iCCP|eXIf|zzZz|gAMA|pHYs)", re.DOTALL
    ),
    "webp": re.compile(rb"VP8[ LX]|ICCP|EXIF|ALPH|ANIM|ANMF"),
    "bmp": re.compile(rb"\0[\0-\xff]"),
    "wav": re.compile(rb"RIFF|RIFX|RF64|fmt |data|LIST|JUNK|bext|fact|cue "),
    "mp3": re.compile(rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb]|ID3|TAG|APE"),
}


def _mended(suffix: str, content: bytes) -> bytes:
    if suffix in ("wav", "webp") and len(content) > 12:
        order = ">" if content[:4] == b"RIFX" else "<"
        return content[:4] + struct.pack(order + "I", len(content) - 8) + content[8:]
    if suffix != "png":
        return content
    made, at = [content[:8]], 8
    while at + 12 <= len(content):
        size, kind = struct.unpack_from(">I4s", content, at)
        size = min(size, len(content) - at - 12)
        body = content[at + 8 : at + 8 + size]
        made.append(
            struct.pack(">I", size) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )
        at += 12 + size
    return b"".join(made)


def search(
    seconds: float, seed: int, on_found: Callable[[str, Found], None] = lambda suffix, found: None
) -> dict[str, list[Found]]:
    """The costliest files of each kind by seconds, the worst first; kinds take turns."""
    chance = random.Random(seed)
    best: dict[str, list[Found]] = {}
    worst: dict[str, list[Found]] = {suffix: [] for suffix in _BOUNDARIES}
    with tempfile.TemporaryDirectory() as folder:
        reader = Reader(Path(folder))
        try:
            for suffix in _BOUNDARIES:
                best[suffix] = [Found(c, *reader.cost(suffix, c)) for c in seeds(suffix)]
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                for suffix, kept in best.items():
                    content = changed(
                        suffix, chance.choice(kept).content, chance.choice(kept).content, chance
                    )
                    found = Found(content, *reader.cost(suffix, content))
                    on_found(suffix, found)
                    kept.append(found)
                    kept.sort(key=lambda f: f.fitness, reverse=True)
                    del kept[KEPT:]
                    worst[suffix] = sorted(
                        (*worst[suffix], found), key=lambda f: f.cost_s, reverse=True
                    )[:3]
        finally:
            reader.close()
    return worst


def main() -> None:
    seconds = float(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    tried = 0

    def count(suffix: str, found: Found) -> None:
        nonlocal tried
        tried += 1

    worst = search(seconds, seed, count)
    print(f"{tried} files\n\n| kind | bytes | processor time, s | outcome |\n|---|---|---|---|")
    for suffix, found in worst.items():
        for one in found:
            print(f"| {suffix} | {len(one.content):,} | {one.cost_s:.2f} | {one.outcome} |")


if __name__ == "__main__":
    main()
