"""Odd but valid recordings and pictures: the same one for the same number.

What programs write or have written: every header, sample form, order of chunks, depth, palette,
tag, profile and orientation that a reader ought to know, mixed by chance.
"""

from __future__ import annotations

import io
import random
import struct
import zlib
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from PIL import Image, ImageCms

SOUNDS = ("wav", "wav", "wav", "mp3")
PICTURES = ("jpg", "jpg", "png", "png", "bmp", "webp")


@dataclass(frozen=True, slots=True)
class Odd:
    suffix: str
    content: bytes
    features: tuple[str, ...]
    decided: str = ""
    """Why we read it otherwise than other programs do; empty where we do not."""


def odd_file(number: int, kind: str | None = None) -> Odd:
    """Case `number`, of any kind or of one."""
    chance = random.Random(number)
    kind = kind or chance.choice((*SOUNDS, *PICTURES))
    makers = {"wav": _wav, "mp3": _mp3, "jpg": _jpg, "png": _png, "bmp": _bmp, "webp": _webp}
    return makers[kind](chance)


def _tone(chance: random.Random, rate_hz: int, channels: int) -> np.ndarray:
    """(N, channels), as long as a syllable or two, no number of samples round."""
    count = int(rate_hz * chance.uniform(1.05, 1.4))
    times_s = np.arange(count) / rate_hz
    waves = [
        0.4 * np.sin(2 * np.pi * chance.uniform(90, 700) * times_s + n) for n in range(channels)
    ]
    return np.stack(waves, axis=1)


def _chunk(kind: bytes, body: bytes, order: str, *, filled: bool = True) -> bytes:
    filling = b"\0" * (len(body) & 1) if filled else b""
    return struct.pack(order + "4sI", kind, len(body)) + body + filling


def _notes(chance: random.Random, order: str) -> bytes:
    kinds = (
        b"LIST",
        b"bext",
        b"JUNK",
        b"fact",
        b"cue ",
        b"iXML",
        b"PEAK",
        b"id3 ",
        b"PAD ",
        b"zzzz",
    )
    made = b""
    for kind in chance.sample(kinds, chance.randint(0, 3)):
        body = chance.randbytes(chance.choice((4, 5, 27, 64, 602)))
        made += _chunk(kind, (b"INFOISFT" + body) if kind == b"LIST" else body, order)
    return made


def _wav(chance: random.Random) -> Odd:
    name = chance.choice((b"RIFF",) * 6 + (b"RIFX", b"RF64"))
    order = ">" if name == b"RIFX" else "<"
    code, bits = chance.choice(
        ((1, 8), (1, 16), (1, 16), (1, 24), (1, 32), (3, 32), (3, 64), (6, 8), (7, 8))
    )
    channels = chance.choice((1, 1, 1, 2, 2, 4, 6))
    rate_hz = chance.choice((8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000))
    sound = _tone(chance, rate_hz, channels)
    width = bits // 8
    if code == 1 and bits == 8:
        body = np.round(sound * 127 + 128).astype(np.uint8).tobytes()
    elif code == 1:
        steps = np.round(sound * (2.0 ** (bits - 1) - 1)).astype(np.int64)
        raw = steps.astype(">i8").view(np.uint8).reshape(-1, 8)[:, 8 - width :]
        body = (raw if order == ">" else raw[:, ::-1]).tobytes()
    elif code == 3:
        body = sound.astype(f"{order}f{width}").tobytes()
    else:
        body = _law(np.round(sound * 32_767).astype(np.int32), code)
    block = channels * width
    extensible = name == b"RIFF" and code in (1, 3) and chance.random() < 0.25
    values = (0xFFFE if extensible else code, channels, rate_hz, rate_hz * block, block, bits)
    fmt = struct.pack(order + "HHIIHH", *values)
    if extensible:
        guid = struct.pack("<H", code) + bytes.fromhex("000000001000800000aa00389b71")
        fmt += struct.pack("<HHI", 22, bits, (1 << channels) - 1) + guid
    elif code != 1 or chance.random() < 0.1:
        fmt += b"\0\0"
    features = [name.decode(), f"code {code}", f"{bits} bits", f"{channels} channels"]
    before, behind, decided = b"", b"", ""
    size = len(body)
    end = chance.choice(("chunks", "chunks", "none", "unknown", "tag", "short"))
    if end == "chunks":
        behind = b"\0" * (len(body) & 1) + _notes(chance, order)
    elif end == "unknown":
        size = chance.choice((0xFFFFFFFF, 0xFFFFFFFF, 0x7FFFFFFF, 0))
        decided = "a size of 0 means unknown" if size == 0 else ""
    elif end == "tag":
        behind = b"\0" * (len(body) & 1) + b"TAG" + b"title".ljust(125, b"\0")
    elif end == "short":
        size = size // 2 // block * block
        decided = "sound goes on behind what the header says"
    features.append(end)
    if name == b"RF64":
        before = _chunk(b"ds64", struct.pack("<QQQI", len(body) + 100, size, len(sound), 0), "<")
        size = 0xFFFFFFFF
    chunks = b"WAVE" + before + _notes(chance, order) + _chunk(b"fmt ", fmt, order)
    chunks += _notes(chance, order) + struct.pack(order + "4sI", b"data", size) + body + behind
    total = len(chunks) if name != b"RF64" else 0xFFFFFFFF
    return Odd("wav", struct.pack(order + "4sI", name, total) + chunks, tuple(features), decided)


def _law(steps: np.ndarray, code: int) -> bytes:
    """A-law or mu-law of 16-bit samples: the code whose value is nearest."""
    from portravox.media.wav_file import _A_LAW_TABLE, _MU_LAW_TABLE

    table = (_A_LAW_TABLE if code == 6 else _MU_LAW_TABLE) * 32_768
    order = np.argsort(table, kind="stable")
    at = np.clip(np.searchsorted(table[order], steps), 1, 255)
    lower = np.abs(table[order][at - 1] - steps) <= np.abs(table[order][at] - steps)
    return order[at - lower].astype(np.uint8).tobytes()


def _mp3(chance: random.Random) -> Odd:
    import av

    rate_hz = chance.choice((8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000))
    channels = chance.choice((1, 2))
    layout = "mono" if channels == 1 else "stereo"
    options = chance.choice(
        ({"b": "64000"}, {"b": "48000"}, {"q": "4"}, {"b": "64000", "abr": "1"})
    )
    info = chance.random() < 0.7
    kept = io.BytesIO()
    written = {"write_xing": str(int(info)), "id3v2_version": chance.choice(("0", "3", "4"))}
    with av.open(kept, "w", format="mp3", options=written) as out:
        stream = out.add_stream("libmp3lame", rate=rate_hz, options=options)
        stream.layout, stream.format = layout, "fltp"
        sound = _tone(chance, rate_hz, channels).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound.T), "fltp", layout)
        frame.sample_rate, frame.pts = rate_hz, 0
        frame.time_base = Fraction(1, rate_hz)
        out.mux([*stream.encode(frame), *stream.encode(None)])
    content = kept.getvalue()
    features = [f"{rate_hz} Hz", "info" if info else "no info"]
    extra = chance.choice(("", "", "ID3", "junk", "ID3v1", "APE"))
    if extra == "ID3":
        content = b"ID3\4\0\0\0\0\7\x76" + b"\0" * 1014 + content
    elif extra == "junk":
        content = chance.randbytes(chance.randint(1, 3_000)).replace(b"\xff", b"\0") + content
    elif extra == "ID3v1":
        content += b"TAG" + bytes(125)
    elif extra == "APE":
        content += b"APETAGEX" + struct.pack("<4I8x", 2_000, 32, 0, 0)
    # sox does not look for what LAME says where other data come first.
    decided = "LAME's tag counts behind other data" if extra == "junk" and info else ""
    return Odd("mp3", content, (*features, extra), decided)


def _painting(chance: random.Random) -> Image.Image:
    """Soft colours, so that what a lossy format does is small; sides seldom round."""
    width, height = chance.randint(34, 97), chance.randint(40, 90)
    rng = np.random.default_rng(chance.randrange(2**32))
    small = rng.integers(0, 256, (4, 5, 3), np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def _exif(chance: random.Random) -> tuple[bytes | None, int]:
    if chance.random() < 0.5:
        return None, 1
    orientation = chance.randint(1, 8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "maker"
    return exif.tobytes(), orientation


def _jpg(chance: random.Random) -> Odd:
    mode = chance.choice(("RGB", "RGB", "RGB", "L", "CMYK"))
    exif, orientation = _exif(chance)
    options: dict[str, object] = {
        "quality": chance.choice((40, 75, 90, 100)),
        "progressive": chance.random() < 0.4,
        "optimize": chance.random() < 0.3,
        "restart_marker_blocks": chance.choice((0, 0, 1, 7)),
    }
    if mode == "RGB":
        options["subsampling"] = chance.choice((0, 1, 2))
    if exif:
        options["exif"] = exif
    if mode == "RGB" and chance.random() < 0.3:
        options["icc_profile"] = _SRGB
    kept = io.BytesIO()
    _painting(chance).convert(mode).save(kept, "JPEG", **options)
    content = kept.getvalue()
    features = [mode, f"orientation {orientation}"]
    extra = chance.choice(("", "", "comments", "no end", "junk behind", "filling"))
    if extra == "comments":
        content = content[:2] + b"\xff\xfe\0\7hello" * chance.randint(1, 40) + content[2:]
    elif extra == "no end":
        content = content[: -chance.randint(1, 2)]
    elif extra == "junk behind":
        content += chance.randbytes(500)
    elif extra == "filling":
        content = content[:2] + b"\xff" * chance.randint(1, 30) + content[2:]
    decided = "without a profile, CMYK has no agreed colours" if mode == "CMYK" else ""
    return Odd("jpg", content, (*features, extra), decided)


_ADAM7 = (
    (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
    (0, 1, 1, 2),
)  # fmt: skip
"""(first column, first row, columns apart, rows apart) of each pass (PNG, section 8)."""


def _png(chance: random.Random) -> Odd:
    kind = chance.choice((0, 2, 3, 4, 6))
    depth = chance.choice({0: (1, 2, 4, 8, 16), 3: (1, 2, 4, 8)}.get(kind, (8, 16)))
    width, height = chance.randint(21, 60), chance.randint(21, 60)
    rng = np.random.default_rng(chance.randrange(2**32))
    samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[kind]
    values = rng.integers(0, 2**depth, (height, width, samples))
    interlaced = chance.random() < 0.3
    passes = [(0, 0, 1, 1)]
    if interlaced:
        passes = list(_ADAM7)
    rows = b""
    for x, y, across, down in passes:
        part = values[y::down, x::across]
        if part.size:
            rows += b"".join(b"\0" + _packed_row(row.ravel(), depth) for row in part)

    def chunk(name: bytes, body: bytes = b"") -> bytes:
        check = zlib.crc32(name + body)
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", check)

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, interlaced))
    before = b""
    if chance.random() < 0.3:
        before += chunk(b"iCCP", b"sRGB\0\0" + zlib.compress(_SRGB))
    elif chance.random() < 0.3:
        before += chunk(b"sRGB", b"\0") + chunk(b"gAMA", struct.pack(">I", 45_455))
    if kind == 3:
        before += chunk(b"PLTE", rng.integers(0, 256, 3 * 2**depth, np.uint8).tobytes())
        if chance.random() < 0.5:
            before += chunk(
                b"tRNS", rng.integers(0, 256, chance.randint(1, 2**depth), np.uint8).tobytes()
            )
    elif kind == 0 and chance.random() < 0.3:
        before += chunk(b"tRNS", struct.pack(">H", int(values[0, 0, 0])))
    for _ in range(chance.randint(0, 3)):
        before += chunk(
            chance.choice((b"tEXt", b"tIME", b"pHYs", b"zzZz")),
            b"abcdefghi\0x"[: chance.randint(7, 11)],
        )
    pixels = zlib.compress(rows, chance.choice((0, 6)))
    step = chance.choice((1, 7, 100, 10**6))
    parts = b"".join(chunk(b"IDAT", pixels[at : at + step]) for at in range(0, len(pixels), step))
    content = b"\x89PNG\r\n\x1a\n" + head + before + parts + chunk(b"IEND")
    features = (f"kind {kind}", f"{depth} bits", "interlaced" if interlaced else "plain")
    return Odd("png", content, features)


def _packed_row(row: np.ndarray, depth: int) -> bytes:
    if depth == 16:
        return row.astype(">u2").tobytes()
    if depth == 8:
        return row.astype(np.uint8).tobytes()
    per_byte = 8 // depth
    filled = np.concatenate([row, np.zeros(-len(row) % per_byte, row.dtype)]).reshape(-1, per_byte)
    shifts = np.arange(8 - depth, -1, -depth)
    return (filled << shifts).sum(axis=1).astype(np.uint8).tobytes()


def _bmp(chance: random.Random) -> Odd:
    picture = np.asarray(_painting(chance))
    height, width, _ = picture.shape
    bits = chance.choice((1, 4, 8, 16, 24, 24, 32))
    header = chance.choice((12, 40, 40, 64, 108, 124))
    if header in (12, 64) and bits in (16, 32):
        header = 40
    top_down = header != 12 and chance.random() < 0.3
    palette, masks, compression = b"", b"", 0
    if bits <= 8:
        colours = np.random.default_rng(bits).integers(0, 256, (2**bits, 3), np.uint8)
        values = picture[..., 0].astype(int) * 2**bits // 256
        palette = b"".join(
            bytes(c[::-1]).ljust(3 if header == 12 else 4, b"\0") for c in colours.tolist()
        )
        stored = [_packed_row(row, bits) for row in values]
    elif bits == 24:
        stored = [row[:, ::-1].tobytes() for row in picture]
    else:
        fields = chance.random() < 0.5
        if bits == 16:
            where = (0xF800, 0x7E0, 0x1F) if fields else (0x7C00, 0x3E0, 0x1F)
        else:
            where = (0xFF, 0xFF00, 0xFF0000) if fields else (0xFF0000, 0xFF00, 0xFF)
        compression = 3 if fields else 0
        words = np.zeros((height, width), np.int64)
        for plane, mask in zip(np.moveaxis(picture, -1, 0), where, strict=True):
            shift = (mask & -mask).bit_length() - 1
            words |= (plane.astype(np.int64) * ((mask >> shift) + 1) // 256) << shift
        stored = [row.astype(f"<u{bits // 8}").tobytes() for row in words]
        masks = struct.pack("<III", *where) if fields or header > 40 else b""
    rows = stored if top_down else stored[::-1]
    body = b"".join(row.ljust(-(-len(row) // 4) * 4, b"\0") for row in rows)
    if header == 12:
        info = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        side = -height if top_down else height
        info = struct.pack(
            "<IiiHHIIiiII", header, width, side, 1, bits, compression, len(body), 2835, 2835, 0, 0
        )
        info += masks if header == 40 else masks.ljust(header - 40, b"\0")
        if header >= 108:
            info = info[:56] + b"BGRs" + info[60:]
    start = 14 + len(info) + len(palette)
    gap = b"\0" * chance.choice((0, 0, 2, 4))
    content = b"BM" + struct.pack("<IHHI", start + len(gap) + len(body), 0, 0, start + len(gap))
    features = (
        f"header {header}",
        f"{bits} bits",
        "top-down" if top_down else "bottom-up",
        f"compression {compression}",
    )
    # As IBM wrote them; ImageMagick takes three.
    decided = "four bytes a colour behind OS/2's longer header" if palette and header == 64 else ""
    return Odd("bmp", content + info + palette + gap + body, features, decided)


def _webp(chance: random.Random) -> Odd:
    exif, orientation = _exif(chance)
    lossless = chance.random() < 0.5
    picture = _painting(chance)
    options: dict[str, object] = {"lossless": lossless, "quality": chance.choice((50, 80, 100))}
    if chance.random() < 0.3:
        picture.putalpha(picture.getchannel("R"))
        options["exact"] = True
    if exif:
        options["exif"] = exif
    if chance.random() < 0.3:
        options["icc_profile"] = _SRGB
    kept = io.BytesIO()
    picture.save(kept, "WEBP", **options)
    features = ("lossless" if lossless else "lossy", picture.mode, f"orientation {orientation}")
    # Browsers turn it; ImageMagick 6 does not.
    decided = "the orientation of a WebP counts" if orientation > 1 else ""
    return Odd("webp", kept.getvalue(), features, decided)
