"""What files say of themselves is found in every container, and no file makes it take long."""

from __future__ import annotations

import io
import random
import struct
import time
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from portravox.labels.carriers import (
    MAX_ENTRIES,
    MAX_KEPT_CHARACTERS,
    MAX_TEXT_BYTES,
    read_carried,
)

PIXELS = Image.fromarray(np.zeros((8, 8, 3), np.uint8))
XMP = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF/></x:xmpmeta>'


def saved(kind: str, **more: object) -> bytes:
    stream = io.BytesIO()
    PIXELS.save(stream, kind, **more)
    return stream.getvalue()


def test_texts_of_a_png_of_every_kind() -> None:
    texts = PngImagePlugin.PngInfo()
    texts.add_text("plain", "one")
    texts.add_text("packed", "two", zip=True)
    texts.add_itxt("utf8", "三")
    texts.add_itxt("utf8 packed", "四", zip=True)
    texts.add_itxt("XML:com.adobe.xmp", XMP)
    found = read_carried(saved("PNG", pnginfo=texts))
    assert found is not None
    assert found.kind == "PNG"
    assert found.entries == [
        ("plain", "one"),
        ("packed", "two"),
        ("utf8", "三"),
        ("utf8 packed", "四"),
    ]
    assert found.xmp == [XMP]


@pytest.mark.parametrize("kind", ["JPEG", "WebP"])
def test_xmp_of_other_pictures(kind: str) -> None:
    found = read_carried(saved(kind, xmp=XMP.encode()))
    assert found is not None
    assert (found.kind, found.xmp, found.has_c2pa) == (kind, [XMP], False)


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def riff_chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + kind + body


C2PA_BOX = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
JUMBF = b"JP\0\x01\0\0\0\x01\0\0\0\x20jumb\0\0\0\x18jumdc2pa\0"
MANIFESTS = {
    "PNG": b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", bytes(13)) + png_chunk(b"caBX", b"jumb"),
    "JPEG": b"\xff\xd8\xff\xeb" + struct.pack(">H", 2 + len(JUMBF)) + JUMBF + b"\xff\xd9",
    "WebP": b"RIFF\0\0\0\0WEBP" + riff_chunk(b"VP8 ", b"abc") + riff_chunk(b"C2PA", b"jumb"),
    "WAV": b"RIFF\0\0\0\0WAVE" + riff_chunk(b"fmt ", bytes(16)) + riff_chunk(b"C2PA", b"jumb"),
    "MP4": box(b"ftyp", b"isom\0\0\0\0") + box(b"uuid", C2PA_BOX + b"jumb") + box(b"moov", b""),
}


@pytest.mark.parametrize("kind", MANIFESTS)
def test_a_manifest_is_seen_where_its_standard_puts_it(kind: str) -> None:
    found = read_carried(MANIFESTS[kind])
    assert found is not None
    assert (found.kind, found.has_c2pa) == (kind, True)


def test_info_of_a_wav_and_frames_of_an_mp3() -> None:
    info = riff_chunk(b"LIST", b"INFO" + riff_chunk(b"ICMT", b"odd\0") + riff_chunk(b"INAM", b"n"))
    found = read_carried(b"RIFF\0\0\0\0WAVE" + info)
    assert found is not None
    assert found.entries == [("ICMT", "odd"), ("INAM", "n")]
    body = b"\x03AIGC\0{}"
    tag = b"ID3\x04\0\0\0\0\0\x20TXXX\0\0\0" + bytes([len(body)]) + b"\0\0" + body
    found = read_carried(tag)
    assert found is not None
    assert (found.kind, found.entries) == ("MP3", [("AIGC", "{}")])


@pytest.mark.parametrize("content", [b"", b"x", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBP", b"ID3"])
def test_files_that_break_off_give_what_was_there(content: bytes) -> None:
    found = read_carried(content)
    assert found is None or (found.entries, found.xmp) == ([], [])


def nested(kind: bytes, depth: int) -> bytes:
    body = b""
    for _ in range(depth):
        body = box(kind, body)
    return body


HOSTILE: dict[str, Callable[[], bytes]] = {
    "many chunks": lambda: b"\x89PNG\r\n\x1a\n" + png_chunk(b"tEXt", b"a\0b") * 200_000,
    "a bomb": lambda: (
        b"\x89PNG\r\n\x1a\n" + png_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(10**8))) * 3
    ),
    "many bombs": lambda: (
        b"\x89PNG\r\n\x1a\n" + png_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(10**6))) * 1000
    ),
    "many boxes": lambda: box(b"ftyp", b"isom") + box(b"moov", b"") * 500_000,
    "deep boxes": lambda: box(b"ftyp", b"isom") + box(b"moov", nested(b"udta", 50_000)),
    "deep elements": lambda: b"\x1aE\xdf\xa3\x80" + b"\x67\xc8\xff" * 9000,
    "a size of 0": lambda: box(b"ftyp", b"isom") + b"\0\0\0\0moov" * 100_000,
    "many segments": lambda: b"\xff\xd8" + b"\xff\xfe\0\x03a" * 500_000,
    "lengths of 0": lambda: b"\xff\xd8" + b"\xff\xfe\0\0" * 500_000,
    "many texts": lambda: (
        b"RIFF\0\0\0\0WAVE" + riff_chunk(b"LIST", b"INFO" + b"ICMT\0\0\0\0" * 9**5)
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_file_costs_more_than_a_look(name: str) -> None:
    content = HOSTILE[name]()
    began = time.process_time()
    found = read_carried(content)
    assert time.process_time() - began < 2.0
    assert found is not None
    assert len(found.entries) <= MAX_ENTRIES
    assert all(len(text) <= MAX_TEXT_BYTES for _, text in found.entries)
    assert sum(len(text) for _, text in found.entries) <= MAX_KEPT_CHARACTERS


def test_damaged_files_raise_nothing() -> None:
    chosen = random.Random(1)
    whole = [*MANIFESTS.values(), saved("JPEG", xmp=XMP.encode()), saved("WebP", xmp=XMP.encode())]
    for _ in range(3000):
        content = bytearray(chosen.choice(whole))
        for _ in range(chosen.randint(1, 6)):
            content[chosen.randrange(len(content))] = chosen.randrange(256)
        read_carried(bytes(content[: chosen.randint(0, len(content))]))
