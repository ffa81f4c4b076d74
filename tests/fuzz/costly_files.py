"""Files that cost a reader far more processor time than their bytes suggest, each named.

    python -m tests.fuzz.costly_files [FOLDER]

reads each in a process of its own and prints a table: seconds of processor time, and what came of
it. With FOLDER the package in that folder reads them (another version's, to compare).
"""

from __future__ import annotations

import io
import itertools
import json
import os
import struct
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

SIDE_PX = 4096
"""The longest side that the service takes."""

PICTURE_BYTES = 10 * 1024 * 1024
VOICE_BYTES = 15 * 1024 * 1024
"""What the service takes."""

LIMIT_S = 120.0
"""A reader that takes longer is killed."""


@cache
def _progressive() -> bytes:
    """A whole progressive JPEG of the largest size, without colour in it."""
    kept = io.BytesIO()
    Image.new("RGB", (SIDE_PX, SIDE_PX), (120, 110, 100)).save(kept, "JPEG", progressive=True)
    return kept.getvalue()


def _jpeg_segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 255, marker, len(body) + 2) + body


def _empty_scan(first: int, last: int, high: int, low: int, part: int = 1) -> bytes:
    """A scan that says of 262,144 blocks that nothing is in them: 9 runs of 32,767 blocks."""
    bits = "".join("0" + "1" * 14 for _ in range(9))
    bits += "1" * (-len(bits) % 8)
    data = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")
    return _jpeg_segment(0xDA, bytes((1, part, 0x00, first, last, high << 4 | low))) + data


_RUN_TABLE = _jpeg_segment(0xC4, bytes((0x10, 1, *[0] * 15, 0xE0)))
"""One code, of one bit: a run of empty blocks whose length is told in 14 bits."""


def progressive_scans(size: int, *, high: int = 0) -> bytes:
    whole = _progressive()[:-2] + _RUN_TABLE
    scan = _empty_scan(1, 63, high, max(0, high - 1))
    return whole + scan * ((size - len(whole)) // len(scan)) + b"\xff\xd9"


def progressive_to_the_limits() -> bytes:
    """As many scans and passes as are taken, full of noise."""
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, (SIDE_PX, SIDE_PX, 3), np.uint8)
    kept = io.BytesIO()
    Image.fromarray(pixels).save(kept, "JPEG", progressive=True, quality=10, subsampling=0)
    scans = [_empty_scan(k, k, 0, 0) for k in range(1, 64)]
    scans += [_empty_scan(1, 63, 1, 0), _empty_scan(1, 63, 1, 0)]
    return kept.getvalue()[:-2] + _RUN_TABLE + b"".join(scans) + b"\xff\xd9"


def exif_segments() -> bytes:
    segment = _jpeg_segment(0xE1, b"Exif\0\0MM")
    return b"\xff\xd8" + segment * (2_000_000 // len(segment)) + _progressive()[2:]


def jpeg_filling() -> bytes:
    return b"\xff\xd8" + b"\xff" * (PICTURE_BYTES - 200_000) + _progressive()[2:]


def jpeg_comments() -> bytes:
    return b"\xff\xd8" + _jpeg_segment(0xFE, b"") * 2_400_000 + _progressive()[2:]


def jpeg_tables() -> bytes:
    table = _jpeg_segment(0xDB, bytes((0, *[1] * 64)))
    return b"\xff\xd8" + table * 145_000 + _progressive()[2:]


def jpeg_overlapping_exif() -> bytes:
    """65,000 entries, each of which is the same 60 kB."""
    entries = [struct.pack("<HHII", 0x9000 + n, 7, 60_000, 8) for n in range(5_000)]
    block = b"II*\0" + struct.pack("<IH", 8, len(entries)) + b"".join(entries)
    segment = _jpeg_segment(0xE1, b"Exif\0\0" + block.ljust(65_000, b"\0"))
    return b"\xff\xd8" + segment + _progressive()[2:]


def _png_chunk(kind: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _png(
    *before: bytes, depth: int = 8, kind: int = 0, interlaced: int = 0, rows: bytes | None = None
) -> bytes:
    side = SIDE_PX
    if rows is None:
        rows = zlib.compress(bytes(side * (1 + side)))
    header = struct.pack(">IIBBBBB", side, side, depth, kind, 0, 0, interlaced)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _png_chunk(b"IHDR", header),
            *before,
            _png_chunk(b"IDAT", rows),
            _png_chunk(b"IEND"),
        )
    )


def png_empty_chunks() -> bytes:
    return _png(_png_chunk(b"IDAT") * 860_000)


def png_text_chunks() -> bytes:
    return _png(_png_chunk(b"tEXt", b"a\0b") * 600_000)


def png_inflated_texts() -> bytes:
    return _png(_png_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(1 << 20))) * 60)


def png_inflated_profile() -> bytes:
    return _png(_png_chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(1 << 28))))


def png_interlaced() -> bytes:
    rng = np.random.default_rng(2)
    passes = (
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    )
    rows = b""
    row = rng.integers(0, 2, 8 * SIDE_PX, np.uint8).tobytes()
    for x, y, across, down in passes:
        width, height = -(-(SIDE_PX - x) // across), -(-(SIDE_PX - y) // down)
        rows += b"\4" + row[: 8 * width] + (b"\2" + bytes(8 * width)) * (height - 1)
    return _png(depth=16, kind=6, interlaced=1, rows=zlib.compress(rows))


def png_overlapping_exif() -> bytes:
    entries = [struct.pack("<HHII", n, 7, 700_000, 8) for n in range(65_000)]
    block = b"II*\0" + struct.pack("<IH", 8, len(entries)) + b"".join(entries)
    return _png(_png_chunk(b"eXIf", block))


def png_far_too_many_pixels() -> bytes:
    """What is inflated behind the last row."""
    return _png(rows=zlib.compress(bytes(SIDE_PX * (1 + SIDE_PX) + (1 << 28))))


def webp_chunks() -> bytes:
    kept = io.BytesIO()
    Image.new("RGB", (SIDE_PX, SIDE_PX), "grey").save(kept, "WEBP", exif=b"Exif\0\0")
    content = kept.getvalue() + b"abcd\0\0\0\0" * 1_200_000
    return content[:4] + struct.pack("<I", len(content) - 8) + content[8:]


def webp_lossless_noise() -> bytes:
    rng = np.random.default_rng(3)
    pixels = rng.integers(0, 2, (SIDE_PX, SIDE_PX, 3), np.uint8) * 200
    kept = io.BytesIO()
    Image.fromarray(pixels).save(kept, "WEBP", lossless=True, quality=0, method=0)
    return kept.getvalue()[:PICTURE_BYTES]


def _bmp_runs(body: bytes) -> bytes:
    palette = bytes(range(256)) * 4
    info = struct.pack("<IiiHHIIiiII", 40, SIDE_PX, SIDE_PX, 1, 8, 1, len(body), 0, 0, 256, 0)
    return (
        b"BM" + struct.pack("<IHHI", 54 + 1024 + len(body), 0, 0, 54 + 1024) + info + palette + body
    )


def bmp_single_runs() -> bytes:
    row = bytes((1, 7)) * 1250 + b"\0\0"
    return _bmp_runs(row * SIDE_PX + b"\0\1")


def bmp_moves() -> bytes:
    return _bmp_runs(b"\0\2\0\0" * 2_600_000)


def bmp_plain_runs() -> bytes:
    return _bmp_runs((b"\0\3abc\0" * 420 + b"\0\0") * SIDE_PX)


def gif_comments() -> bytes:
    kept = io.BytesIO()
    Image.new("L", (64, 64)).save(kept, "GIF")
    whole = kept.getvalue()
    at = whole.index(b"\x2c")
    return whole[:at] + b"\x21\xfe" + b"\1a" * 5_000_000 + b"\0" + whole[at:]


def profile_of_segments() -> bytes:
    """A colour profile that is a program of 60,000 segments for each colour."""
    segments = 60_000
    curve = b"curf" + bytes(4) + struct.pack(">HH", segments, 0)
    curve += b"".join(struct.pack(">f", n / segments) for n in range(1, segments))
    curve += (b"parf" + bytes(8) + struct.pack(">4f", 1, 1, 0, 0)) * segments
    element = (
        b"cvst"
        + bytes(4)
        + struct.pack(">HHIIIIII", 3, 3, 36, len(curve), 36, len(curve), 36, len(curve))
        + curve
    )
    body = b"mpet" + bytes(4) + struct.pack(">HHIII", 3, 3, 1, 24, len(element)) + element
    head = bytearray(128)
    head[8:12], head[12:16], head[16:20], head[20:24], head[36:40] = (
        b"\4\x30\0\0", b"mntr", b"RGB ", b"XYZ ", b"acsp",
    )  # fmt: skip
    profile = bytes(head) + struct.pack(">I4sII", 1, b"D2B1", 144, len(body)) + body
    profile = struct.pack(">I", len(profile)) + profile[4:]
    return _png(
        _png_chunk(b"iCCP", b"a\0\0" + zlib.compress(profile)),
        kind=2,
        rows=zlib.compress(bytes(SIDE_PX * (1 + 3 * SIDE_PX))),
    )


def _wav(
    body: bytes, *, before: bytes = b"", code: int = 1, bits: int = 16, block: int = 2
) -> bytes:
    fmt = struct.pack("<HHIIHH", code, 1, 16_000, 32_000, block, bits)
    chunks = b"WAVE" + before + b"fmt " + struct.pack("<I", len(fmt)) + fmt
    chunks += b"data" + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", len(chunks)) + chunks


def wav_chunks() -> bytes:
    return _wav(bytes(64_000), before=b"abcd\0\0\0\0" * 1_950_000)


def wav_glued() -> bytes:
    return _wav(b"\1\0") * (VOICE_BYTES // 46)


def wav_lists() -> bytes:
    """Lists within lists."""
    nested = b"LIST\xff\xff\xff\0adtl" * 1_300_000
    return _wav(bytes(64_000), before=nested)


def wav_adpcm() -> bytes:
    return _wav(bytes(14_000_000), code=2, bits=4, block=8)


_MP3_HEADER = b"\xff\xfb\x90\xc4"
_SMALL_HEADER = b"\xff\xf3\x14\xc4"
"""8 kbit/s at 24 kHz: 24 bytes, the smallest frame there is."""


def mp3_small_frames() -> bytes:
    """Frames of 24 ms in 24 bytes whose content does not decode."""
    rng = np.random.default_rng(4)
    return b"".join(_SMALL_HEADER + rng.bytes(20) for _ in range(VOICE_BYTES // 24))


def mp3_tags() -> bytes:
    return b"ID3\4\0\0\0\0\0\0" * (VOICE_BYTES // 10)


def mp3_headers() -> bytes:
    return (_MP3_HEADER + bytes(413)) * 4 + _MP3_HEADER * 3_900_000


def mp3_longest() -> bytes:
    """Noise as long as may be, at the most bits."""
    import av

    rng = np.random.default_rng(5)
    kept = io.BytesIO()
    with av.open(kept, "w", format="mp3") as out:
        stream = out.add_stream("libmp3lame", rate=48_000, options={"b": "320000"})
        stream.layout = "stereo"
        noise = rng.normal(0, 0.2, (2, 48_000 * 20)).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(noise, "fltp", "stereo")
        frame.sample_rate = 48_000
        out.mux([*stream.encode(frame), *stream.encode(None)])
    whole = kept.getvalue()
    return whole * (VOICE_BYTES // len(whole))


COSTLY: Mapping[str, Callable[[], bytes]] = {
    "JPEG, 85 kB of 34-byte scans": lambda: progressive_scans(85_000 + len(_progressive())),
    "JPEG, 557 kB of 34-byte scans": lambda: progressive_scans(557_000 + len(_progressive())),
    "JPEG, 10 MB of 34-byte scans": lambda: progressive_scans(PICTURE_BYTES),
    "JPEG, 10 MB of refining scans": lambda: progressive_scans(PICTURE_BYTES, high=1),
    "JPEG, scans and passes to the limits": progressive_to_the_limits,
    "JPEG, 2 MB of 10-byte Exif": exif_segments,
    "JPEG, 10 MB of filling": jpeg_filling,
    "JPEG, 10 MB of empty comments": jpeg_comments,
    "JPEG, 10 MB of tables": jpeg_tables,
    "JPEG, Exif entries that overlap": jpeg_overlapping_exif,
    "PNG, 860,000 empty chunks": png_empty_chunks,
    "PNG, 600,000 texts": png_text_chunks,
    "PNG, texts inflated to 1 MB": png_inflated_texts,
    "PNG, profile inflated to 256 MB": png_inflated_profile,
    "PNG, interlaced, 64 bits a pixel": png_interlaced,
    "PNG, Exif entries that overlap": png_overlapping_exif,
    "PNG, 256 MB behind the last row": png_far_too_many_pixels,
    "PNG, profile of 60,000 segments": profile_of_segments,
    "WebP, 1.2 million chunks": webp_chunks,
    "WebP, lossless noise": webp_lossless_noise,
    "BMP, runs of one pixel": bmp_single_runs,
    "BMP, moves that lead nowhere": bmp_moves,
    "BMP, runs of three plain pixels": bmp_plain_runs,
    "GIF, comment of 5 million pieces": gif_comments,
    "WAV, 1.9 million chunks": wav_chunks,
    "WAV, 340,000 files glued together": wav_glued,
    "WAV, lists within lists": wav_lists,
    "WAV, ADPCM in small blocks": wav_adpcm,
    "MP3, 650,000 frames of noise": mp3_small_frames,
    "MP3, 1.5 million tags": mp3_tags,
    "MP3, headers without frames": mp3_headers,
    "MP3, as long and as dense as may be": mp3_longest,
}
"""Name -> its bytes, within the limits of the service."""


_READ = """
import json, os, resource, sys, time
from portravox.errors import PortravoxError
from portravox.media.picture_file import PictureLimits, read_picture
from portravox.media.voice_file import VoiceLimits, read_voice
import numpy, PIL.JpegImagePlugin, PIL.PngImagePlugin, PIL.BmpImagePlugin, PIL.WebPImagePlugin
import PIL.GifImagePlugin, PIL.ImageCms, av
resource.setrlimit(resource.RLIMIT_DATA, (4 << 30, 4 << 30))
service = {"gif": PictureLimits()}.get(sys.argv[2], PictureLimits.service())
began = time.process_time()
try:
    if sys.argv[2] in ("wav", "mp3"):
        read_voice(sys.argv[1])
    else:
        read_picture(sys.argv[1], service)
    outcome = "read"
except PortravoxError as refusal:
    outcome = refusal.code
except Exception as error:
    outcome = "!" + type(error).__name__
print(json.dumps([time.process_time() - began, outcome]))
"""


def measured(path: Path, kind: str, package: Path) -> tuple[float, str]:
    """(seconds of processor time, outcome) of one file, read in a process of its own."""
    command = [sys.executable, "-c", _READ, str(path), kind]
    environment = {**os.environ, "PYTHONPATH": str(package), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        # In the package's folder, since that of the caller would come first.
        done = subprocess.run(
            command,
            env=environment,
            cwd=package,
            capture_output=True,
            timeout=LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return LIMIT_S, "!takes longer"
    if done.returncode:
        return 0.0, f"!died with {done.returncode}"
    took_s, outcome = json.loads(done.stdout.splitlines()[-1])
    return took_s, outcome


def main() -> None:
    package = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[2]
    wanted = sys.argv[2:] or [""]
    print("| file | bytes | processor time, s | outcome |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for (name, make), word in itertools.product(COSTLY.items(), wanted):
            if word not in name:
                continue
            path = Path(folder) / "case"
            path.write_bytes(make())
            took_s, outcome = measured(path, name.split(",")[0].lower(), package)
            print(f"| {name} | {path.stat().st_size:,} | {took_s:.2f} | {outcome} |", flush=True)


if __name__ == "__main__":
    main()
