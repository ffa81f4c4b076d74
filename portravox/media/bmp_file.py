"""A BMP file into pixels, of every kind that Windows and OS/2 have written.

Flow      media.picture_file -> media.bmp_file -> (H, W, 3 or 4)

Read by hand: Pillow knows fewer kinds, takes the unused byte of 32-bit pixels for transparency,
and decodes compressed rows in Python, pixel by pixel.

Source: Microsoft, "Bitmap Storage"; IBM, "OS/2 2.0 Presentation Manager Reference"; the pictures
of bmpsuite by J. Summers say how real files deviate.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from portravox.arrays import UInt8
from portravox.errors import PictureTooComplex, PictureUnreadable, PictureUnsupported

MAX_RUNS = 500_000
"""Pieces of rows in a compressed BMP, each of which takes a microsecond in Python: a 4096-px
picture may have 120 in a row. Our choice."""

_FILE_HEADER = 14
_CORE, _INFO = 12, 40
_RGB, _RLE8, _RLE4, _BITFIELDS, _JPEG, _PNG, _ALPHA_BITFIELDS = 0, 1, 2, 3, 4, 5, 6
_EMBEDDED_PROFILE = 0x4D424544
"""bV5CSType 'MBED'."""


@dataclass(frozen=True, slots=True)
class BmpHeader:
    size: tuple[int, int]
    """(width, height)."""

    bits: int
    compression: int
    top_down: bool
    masks: tuple[int, int, int, int]
    """Red, green, blue, alpha, for 16 and 32 bits."""

    palette: UInt8
    """(2 ** bits, 3) sRGB; (0, 3) where there is none."""

    pixels_at: int
    profile: bytes | None


def read_header(name: str, content: bytes) -> BmpHeader:
    """Raises PictureUnreadable, PictureUnsupported."""
    try:
        return _header(name, content)
    except struct.error as error:
        raise PictureUnreadable(f"{name} is damaged or cut off: its header") from error


def _header(name: str, content: bytes) -> BmpHeader:
    pixels_at, header_bytes = struct.unpack_from("<II", content, 10)
    if header_bytes == _CORE:
        width, height, _, bits = struct.unpack_from("<HHHH", content, 18)
        rest = b"\0" * _REST
    elif 16 <= header_bytes <= 4096:
        width, height, _, bits = struct.unpack_from("<iiHH", content, 18)
        # An OS/2 header may end after any field; what is left out is 0.
        rest = content[30 : _FILE_HEADER + header_bytes].ljust(_REST, b"\0")
    else:
        raise PictureUnreadable(f"{name} is damaged: its header has {header_bytes} bytes")
    compression, _, _, _, used = struct.unpack_from("<IIiiI", rest)
    _require_plain_pixels(name, header_bytes, compression, bits)
    masks, at = _masks(content, rest, header_bytes, compression, bits)
    profile = _profile(content) if header_bytes >= 124 and len(content) >= 138 else None
    palette = np.zeros((0, 3), np.uint8)
    if bits <= 8:
        colours = min(used or 2**bits, 2**bits)
        entry = 3 if header_bytes == _CORE or pixels_at - at == 3 * colours else 4
        if at < pixels_at:
            colours = min(colours, (pixels_at - at) // entry)
        palette = _palette(content[at : at + colours * entry], entry, 2**bits)
        at += colours * entry
    if not at <= pixels_at < len(content):
        pixels_at = at
    return BmpHeader(
        (width, abs(height)), bits, compression, height < 0, masks, palette, pixels_at, profile
    )


_REST = 94
"""Bytes of the longest header behind its number of bits, as far as they are read."""


def _require_plain_pixels(name: str, header_bytes: int, compression: int, bits: int) -> None:
    """Raise PictureUnsupported for what other formats hide in a BMP, PictureUnreadable for what
    no BMP has."""
    if header_bytes == 64 and compression > _RLE4:  # its codes are others from here on
        raise PictureUnsupported(f"{name} is an OS/2 bitmap with Huffman or RLE24 compression")
    if compression in (_JPEG, _PNG):
        kind = "JPEG" if compression == _JPEG else "PNG"
        raise PictureUnsupported(
            f"{name} is a BMP with a {kind} picture inside; wanted plain pixels"
        )
    needed = {_RGB: (1, 2, 4, 8, 16, 24, 32), _RLE8: (8,), _RLE4: (4,)}.get(compression, (16, 32))
    if compression > _ALPHA_BITFIELDS or bits not in needed:
        raise PictureUnreadable(
            f"{name} is damaged: {bits} bits a pixel with compression {compression}"
        )


def _masks(
    content: bytes, rest: bytes, header_bytes: int, compression: int, bits: int
) -> tuple[tuple[int, int, int, int], int]:
    """Bits of red, green, blue and alpha in a pixel, and where in the file header and masks end.

    rest  the header behind its number of bits
    """
    at = _FILE_HEADER + header_bytes
    stored = compression in (_BITFIELDS, _ALPHA_BITFIELDS)
    if header_bytes == _INFO and stored:
        count = 3 if compression == _BITFIELDS else 4
        red, green, blue, alpha = (*struct.unpack_from(f"<{count}I", content, at), 0)[:4]
        return (red, green, blue, alpha), at + 4 * count
    if not stored:
        # Without bit-fields the fourth byte has no meaning, whatever the header says of alpha.
        return ((0x7C00, 0x3E0, 0x1F, 0) if bits == 16 else (0xFF0000, 0xFF00, 0xFF, 0)), at
    if header_bytes < 52:
        return (0, 0, 0, 0), at
    red, green, blue, alpha = struct.unpack_from("<IIII", rest, 24)
    return (red, green, blue, alpha if header_bytes >= 56 else 0), at


def _profile(content: bytes) -> bytes | None:
    """The colour profile that a header of 124 bytes embeds."""
    (space,) = struct.unpack_from("<I", content, 70)
    start, size = struct.unpack_from("<II", content, 126)
    if space != _EMBEDDED_PROFILE or start + size > len(content):
        return None
    return content[_FILE_HEADER + start : _FILE_HEADER + start + size]


def _palette(stored: bytes, entry: int, count: int) -> UInt8:
    """(count, 3) RGB out of entries of so many bytes; colours that are not there are black."""
    given = np.frombuffer(stored[: len(stored) // entry * entry], np.uint8).reshape(-1, entry)
    palette = np.zeros((count, 3), np.uint8)
    palette[: len(given)] = given[:, 2::-1]  # stored blue first
    return palette


def decode(name: str, content: bytes, header: BmpHeader) -> UInt8:
    """(H, W, 3), or (H, W, 4) where some pixel is neither opaque nor all are transparent.

    An alpha of 0 everywhere means that the program which wrote it did not care: what is seen
    everywhere is the colour. Raises PictureUnreadable, PictureTooComplex.
    """
    body = np.frombuffer(content, np.uint8, offset=header.pixels_at)
    if header.compression in (_RLE8, _RLE4):
        rows = _unpacked_runs(name, body, header)
    else:
        rows = _plain_rows(name, body, header)
    if not header.top_down:
        rows = rows[::-1]
    if header.bits <= 8:
        colours: UInt8 = header.palette[rows]
        return colours
    if header.bits == 24:
        return np.ascontiguousarray(rows[..., ::-1])
    return _colours(rows, header.masks)


def _plain_rows(name: str, body: UInt8, header: BmpHeader) -> UInt8:
    """Rows as stored: (H, W) indices, (H, W, 3) blue first, or (H, W) 16- or 32-bit words."""
    width, height = header.size
    stride = (width * header.bits + 31) // 32 * 4  # rows end at a multiple of 4 bytes
    used = (width * header.bits + 7) // 8
    wanted = stride * (height - 1) + used
    if len(body) < wanted:
        raise PictureUnreadable(f"{name} is cut off: {len(body)} of {wanted} bytes of pixels")
    padded = body[: stride * height]
    if len(padded) < stride * height:  # the last row without its filling
        padded = np.concatenate([padded, np.zeros(stride * height - len(padded), np.uint8)])
    rows = padded.reshape(height, stride)
    if header.bits == 24:
        return rows[:, : 3 * width].reshape(height, width, 3)
    if header.bits in (16, 32):
        words: UInt8 = rows.view(f"<u{header.bits // 8}")[:, :width]
        return words
    if header.bits == 8:
        return rows[:, :width]
    return _unpacked(rows, header.bits)[:, :width]


def _unpacked(packed: UInt8, bits: int) -> UInt8:
    """(.., N) bytes -> (.., N * 8 / bits) numbers, the upper bits of each byte first."""
    shifts = np.arange(8 - bits, -1, -bits, dtype=np.uint8)
    numbers: UInt8 = (packed[..., None] >> shifts) & np.uint8(2**bits - 1)
    return numbers.reshape(*packed.shape[:-1], -1)


def _colours(words: UInt8, masks: tuple[int, int, int, int]) -> UInt8:
    """(H, W) words of 16 or 32 bits -> (H, W, 3 or 4)."""
    planes = [_plane(words, mask) for mask in masks[:3]]
    if masks[3]:
        alpha = _plane(words, masks[3])
        if alpha.any() and not (alpha == 255).all():
            planes.append(alpha)
    return np.stack(planes, axis=-1)


def _plane(words: UInt8, mask: int) -> UInt8:
    """The bits under a mask as 0..255."""
    if mask == 0:
        return np.zeros(words.shape, np.uint8)
    shift = (mask & -mask).bit_length() - 1
    full = mask >> shift
    values = (words & words.dtype.type(mask & (2 ** (8 * words.itemsize) - 1))) >> words.dtype.type(
        shift
    )
    if full == 255:
        exact: UInt8 = values.astype(np.uint8)
        return exact
    scaled: UInt8 = np.round(values * (255.0 / full)).clip(0, 255).astype(np.uint8)
    return scaled


def _unpacked_runs(name: str, body: UInt8, header: BmpHeader) -> UInt8:
    """(H, W) palette indices of a run-length-encoded picture, in the order of the file.

    Codes come in pairs of bytes: (count, value), or 0 and an escape: 0 ends the row, 1 the picture,
    2 moves on by (right, down), and others announce so many plain values. What is passed over has
    index 0.
    """
    width, height = header.size
    nibbles = header.bits == 4
    pairs = body[: len(body) // 2 * 2].reshape(-1, 2)
    counts = pairs[:, 0].tobytes()
    stored = body.tobytes()
    rows = bytearray(height * width)
    x = y = at = runs = 0
    while y < height:
        found = counts.find(0, at)
        end = found if found >= 0 else len(pairs)
        if end > at and x < width:
            # Each pair is a pixel at least; what goes beyond the row is left out.
            values = _repeated(pairs[at : min(end, at + width - x)], nibbles)[: width - x]
            rows[y * width + x : y * width + x + len(values)] = values
            x += len(values)
        if end >= len(pairs):
            if y >= height - 1 and x >= width:
                break
            raise PictureUnreadable(f"{name} is cut off: {y} of {height} rows are there")
        runs += 1
        if runs > MAX_RUNS:
            raise PictureTooComplex(f"{name} is cut into more than {MAX_RUNS} runs")
        code = stored[2 * end + 1]
        at = end + 1
        if code == 0:
            x, y = 0, y + 1
        elif code == 1:
            break
        elif code == 2:
            if at < len(pairs):
                x, y = min(width, x + stored[2 * at]), y + stored[2 * at + 1]
            at += 1
        else:
            plain, pairs_taken = _plain_values(stored[2 * at : 2 * at + 256], code, nibbles)
            plain = plain[: width - x]
            rows[y * width + x : y * width + x + len(plain)] = plain
            x += len(plain)
            at += pairs_taken
    return np.frombuffer(rows, np.uint8).reshape(height, width)


def _plain_values(stored: bytes, count: int, nibbles: bool) -> tuple[bytes, int]:
    """So many values as they are stored, and how many pairs of bytes they fill."""
    size = (count + 1) // 2 if nibbles else count
    plain = stored[:size]
    if nibbles:
        plain = bytes(half for both in plain for half in (both >> 4, both & 15))[:count]
    return plain, (size + 1) // 2


def _repeated(pairs: UInt8, nibbles: bool) -> bytes:
    """(N, 2) of (count, value) -> the values; with nibbles the two halves of a value take turns."""
    if len(pairs) == 1 and not nibbles:
        return bytes(pairs[:, 1]) * int(pairs[0, 0])
    counts = pairs[:, 0].astype(np.intp)
    values = np.repeat(pairs[:, 1], counts)
    if nibbles:
        ends = np.cumsum(counts)
        place = np.arange(len(values)) - np.repeat(ends - counts, counts)
        values = np.where(place % 2 == 0, values >> 4, values & 15).astype(np.uint8)
    return values.tobytes()
