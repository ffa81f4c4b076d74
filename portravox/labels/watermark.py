"""A mark in the brightness of every frame that nobody sees and a program finds: 32 bits.

Flow      key, 32 bits -> Watermark -> media.encode, which adds it to luma
Reads     luma of the first frame, for how strong the mark may be where
Gives     what is added to the luma of every frame; labels.watermark_reading finds it again

The mark is a sum of some 700 waves, 30 to 52 of them along the shorter side of the frame, in a tile
that is repeated twice along it. Every wave has the same amplitude and says what it says by its
phase. Three in ten are the same in all marks of a key, for the place and the size of the tile to be
found; the rest tell four symbols of ten bits. The tile grows with the frame, so that a smaller copy
carries a smaller tile; it is the same in all frames, which costs an encoder little.

The phases come from SHAKE256 of the key. For who has another key they are chance, so that what is
found in a picture without the mark follows from counting, whatever the picture shows: see
`watermark_reading.false_alarm`.

Sources: spread spectrum in the mid frequencies, Cox, Kilian, Leighton, Shamoon 1997; a mark as a
repeated tile whose shift is found by correlation, Kalker, Depovere, Haitsma, Maes 1999 (JAWS);
phases alone, Kuglin, Hines 1975. SHAKE256: FIPS 202. The waves, their number, symbols and strength
are our choice, measured by `benchmarks.watermark`.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from portravox.arrays import Float32, Float64, UInt8
from portravox.errors import SettingOutOfRange
from portravox.labels.watermark_key import OFF

TILES: Final = 2
"""Along the shorter side."""

LOWEST, HIGHEST = 15, 26
"""Waves in a tile, of the lengths that the mark consists of: below are faces, above is what
encoders drop first."""

SYMBOLS, SYMBOL_BITS = 4, 10
"""How the 32 bits and their checksum of 8 are told."""

_PLACE_SHARE = 0.3
"""Of the waves that are the same in every mark of a key."""

FLAT_LEVELS, BUSY_LEVELS, LOUD_LEVELS = 0.45, 1.4, 0.2
"""Strength (standard deviation, in steps of 8 bits) where nothing is, as in a studio's background;
where there is grain, skin, hair; and where there is so much that nobody finds a mark again."""

FLAT_ACTIVITY, BUSY_ACTIVITY = 0.5, 2.0
LOUD_ACTIVITY = (3.0, 8.0)
"""Standard deviations of fine details, in steps: what counts as flat and as busy, and from where to
where what is too loud begins."""

_FINE, _AROUND, _REACH = 1 / 250, 1 / 120, 1 / 60
"""Widths of the Gaussians that part fine details from the rest and measure their strength, and how
far around a place the least of it counts; over the shorter side."""

MAX_RMS_LEVELS = 0.98
"""Of all that is added to a frame: 48.3 dB at the least."""

PRODUCER_BITS, NUMBER_BITS = 12, 20


@dataclass(frozen=True, slots=True)
class Bits:
    """What a mark says: digests, for who has names and numbers to compare them with."""

    producer: int
    """Of the producer's name, 12 bits."""

    number: int
    """Of the video's or the task's number, 20 bits."""

    @classmethod
    def of(cls, producer: str, number: str) -> Bits:
        """Of the names as they stand in labels."""
        return cls(_digest(producer, PRODUCER_BITS), _digest(number, NUMBER_BITS))

    @property
    def whole(self) -> int:
        """All 32, the producer's first."""
        return self.producer << NUMBER_BITS | self.number

    @classmethod
    def from_whole(cls, whole: int) -> Bits:
        """From `whole`."""
        return cls(whole >> NUMBER_BITS, whole & ((1 << NUMBER_BITS) - 1))

    @property
    def producer_hex(self) -> str:
        return f"{self.producer:03x}"

    @property
    def number_hex(self) -> str:
        return f"{self.number:05x}"


def _digest(text: str, bits: int) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> (32 - bits)


def symbols_of(bits: Bits) -> tuple[int, ...]:
    """The four symbols of 32 bits and their checksum."""
    told = bits.whole << 8 | _checksum(bits.whole)
    mask = (1 << SYMBOL_BITS) - 1
    return tuple(told >> SYMBOL_BITS * place & mask for place in reversed(range(SYMBOLS)))


def bits_of(symbols: tuple[int, ...]) -> Bits | None:
    """The bits that four symbols tell; None where the checksum is another one."""
    told = 0
    for symbol in symbols:
        told = told << SYMBOL_BITS | symbol
    whole = told >> 8
    return Bits.from_whole(whole) if _checksum(whole) == told & 0xFF else None


def _checksum(whole: int) -> int:
    """CRC-8 of 32 bits (polynomial 0x07, ITU-T I.432.1)."""
    rest = whole << 8
    for place in reversed(range(8, 40)):
        if rest >> place & 1:
            rest ^= 0x107 << place - 8
    return rest


IntP = npt.NDArray[np.intp]
Complex128 = npt.NDArray[np.complex128]

COUNTS: Final[IntP] = np.array(
    [
        (across, down)
        for across in range(1, HIGHEST + 1)
        for down in range(-HIGHEST, HIGHEST + 1)
        # Edges of pictures and blocks of encoders lie along the axes.
        if down and LOWEST**2 <= across**2 + down**2 <= HIGHEST**2
    ],
    np.intp,
)
"""(WAVES, 2) how many of each wave there are in a tile, across and down."""

WAVES: Final = len(COUNTS)


@dataclass(frozen=True, slots=True)
class Waves:
    """The waves of a key, by their index in COUNTS, and what their phases say."""

    places: IntP
    """Which of them tell place and size of the tile."""

    place_phases: UInt8
    """Of those, in 256ths of a turn."""

    symbols: tuple[IntP, ...]
    """For each symbol, which waves tell it."""

    key: str

    def symbol_phases(self, symbol: int, value: int) -> UInt8:
        """Phases by which a symbol tells a value, in 256ths of a turn."""
        return _chance(self.key, f"symbol {symbol} is {value}", len(self.symbols[symbol]))


@lru_cache(maxsize=4)
def waves_of(key: str) -> Waves:
    """The waves of a key."""
    order = np.argsort(_chance(key, "order", 4 * WAVES).view("<u4"), kind="stable")
    placing = round(_PLACE_SHARE * WAVES)
    return Waves(
        places=order[:placing],
        place_phases=_chance(key, "place", placing),
        symbols=tuple(order[placing + symbol :: SYMBOLS] for symbol in range(SYMBOLS)),
        key=key,
    )


def _chance(key: str, what: str, count: int) -> UInt8:
    """Bytes that nobody foresees without the key."""
    seed = f"portravox watermark 1|{what}|{key}".encode()
    return np.frombuffer(hashlib.shake_256(seed).digest(count), np.uint8)


@dataclass(frozen=True, slots=True)
class Watermark:
    """The mark of one video. It holds no key: who has it can make no other, and find no other."""

    phases: bytes
    """Of each wave, in 256ths of a turn."""

    def __post_init__(self) -> None:
        if len(self.phases) != WAVES:
            raise SettingOutOfRange("watermark", len(self.phases), f"{WAVES} phases")

    @classmethod
    def of(cls, key: str, bits: Bits) -> Watermark:
        """The mark that tells 32 bits to who has the key."""
        waves = waves_of(key)
        phases = np.zeros(WAVES, np.uint8)
        phases[waves.places] = waves.place_phases
        for symbol, value in enumerate(symbols_of(bits)):
            phases[waves.symbols[symbol]] = waves.symbol_phases(symbol, value)
        return cls(phases.tobytes())

    def tile(self, side_px: int, amplitudes: Float64 | None = None) -> Float32:
        """(side, side) one tile; its standard deviation is 1, its mean 0.

        amplitudes  (WAVES,) of each wave; None: all alike
        """
        turns = np.frombuffer(self.phases, np.uint8) / 256
        waves = np.exp(2j * np.pi * turns) * (1.0 if amplitudes is None else amplitudes)
        known = (COUNTS[:, 0] < side_px // 2) & (np.abs(COUNTS[:, 1]) < side_px // 2)
        spectrum = np.zeros((side_px, side_px // 2 + 1), np.complex128)
        spectrum[COUNTS[known, 1] % side_px, COUNTS[known, 0]] = waves[known]
        tile = np.fft.irfft2(spectrum, (side_px, side_px))
        return (tile / max(float(tile.std()), 1e-12)).astype(np.float32)

    def levels(self, luma: UInt8) -> MarkedLevels:
        """What to add to frames like this one.

        luma  (H, W) of the first frame
        """
        side = max(MIN_TILE_PX, round(min(luma.shape) / TILES))
        strong = strength(luma)
        amplitudes = self._amplitudes(luma, _tiled(strong.copy(), self.tile(side)), side)
        added = _tiled(strong, self.tile(side, amplitudes))
        whole = np.rint(added)
        rms = float(np.sqrt(np.mean(np.square(whole, out=whole))))
        added *= min(1.0, MAX_RMS_LEVELS / max(rms, 1e-12))
        np.rint(added, out=added)
        brighter = np.maximum(added, 0, out=whole).astype(np.uint8)
        np.negative(added, out=added)
        return MarkedLevels(brighter, darker=np.maximum(added, 0, out=whole).astype(np.uint8))

    def _amplitudes(self, luma: UInt8, alike: Float32, side_px: int) -> Float64:
        """(WAVES,) how strong each wave should be, by what the picture itself says at its place in
        the spectrum: where it says the right thing, or something else too loudly, little is gained.

        alike  (H, W) the mark with all waves alike
        """
        from portravox.labels.watermark_details import reduced, weights_of

        picture = reduced(luma)
        details, weights = weights_of(picture)
        tile_px = side_px * min(picture.shape) / min(luma.shape)
        back = np.exp(-2j * np.pi * np.frombuffer(self.phases, np.uint8) / 256)
        own, mark = (
            _waves_in(part * weights, tile_px) * back for part in (details, reduced(alike))
        )
        unit = max(float(np.mean(mark.real)), 1e-12)
        return shared_out(own.real / unit, own.imag / unit)


def watermark_of(key: str, producer: str, number: str) -> Watermark | None:
    """The mark of a video of this producer with this number; None where the key is `off`."""
    return None if key == OFF else Watermark.of(key, Bits.of(producer, number))


MIN_TILE_PX: Final = 64
"""With fewer pixels a tile has no room for its waves."""


def _tiled(strong: Float32, tile: Float32) -> Float32:
    """(H, W) what is given, in place, times the tile again and again."""
    height, width = strong.shape
    side = len(tile)
    for y in range(0, height, side):
        for x in range(0, width, side):
            strong[y : y + side, x : x + side] *= tile[: height - y, : width - x]
    return strong


def _waves_in(details: Float32, tile_px: float) -> Complex128:
    """(WAVES,) how much of each wave is in a picture whose tiles begin in the corner."""
    import cv2

    height, width = details.shape
    turns = np.outer(np.arange(width), np.arange(HIGHEST + 1)) * (2 * np.pi / tile_px)
    # OpenCV's, which wakes no threads for products as small as these.
    right, up = (
        cv2.gemm(details, wave(turns).astype(np.float32), 1.0, None, 0.0)
        for wave in (np.cos, np.sin)
    )
    turns = np.outer(np.arange(-HIGHEST, HIGHEST + 1), np.arange(height)) * (2 * np.pi / tile_px)
    cosines, sines = (wave(turns).astype(np.float32) for wave in (np.cos, np.sin))
    real = cv2.gemm(cosines, right, 1.0, None, 0.0) - cv2.gemm(sines, up, 1.0, None, 0.0)
    imaginary = cv2.gemm(cosines, up, 1.0, None, 0.0) + cv2.gemm(sines, right, 1.0, None, 0.0)
    spectrum = real - 1j * imaginary
    found: Complex128 = spectrum[COUNTS[:, 1] + HIGHEST, COUNTS[:, 0]].astype(np.complex128)
    return found


def shared_out(right: Float64, wrong: Float64) -> Float64:
    """(n,) amplitudes of waves, whose mean square is 1, for the highest sum of cosines.

    right, wrong  (n,) what the picture itself has of each wave, in units of a wave of amplitude 1:
                  in phase with it, and a quarter turn away

    A wave of amplitude a is read as cos = (right + a) / sqrt((right + a)² + wrong² + noise²). Of
    some amplitudes the one is taken that gains most over its price, and the price is such that the
    sum of squares comes out (Lagrange).
    """
    offered = np.linspace(0.0, MAX_AMPLITUDE, 26)
    sums = right[:, np.newaxis] + offered
    gains = sums / np.sqrt(sums**2 + wrong[:, np.newaxis] ** 2 + LOST_AMPLITUDE**2)
    low, high = 1e-4, 1e2
    for _ in range(20):
        price = math.sqrt(low * high)
        chosen = offered[np.argmax(gains - price * offered**2, axis=1)]
        if float(np.mean(chosen**2)) > 1:
            low = price
        else:
            high = price
    shares: Float64 = chosen / max(float(np.sqrt(np.mean(chosen**2))), 1e-12)
    return shares


MAX_AMPLITUDE: Final = 2.5
"""Of a wave, where 1 is that of all if they were alike. Our choice."""

LOST_AMPLITUDE: Final = 0.7
"""What an encoder adds to a wave, in the same unit. Our choice."""


@dataclass(frozen=True, slots=True, eq=False)
class MarkedLevels:
    """What a mark adds to the luma of each frame, in steps."""

    brighter: UInt8
    darker: UInt8
    """(H, W) both; where one is not 0, the other is."""

    def add(self, luma: UInt8, marked: UInt8) -> None:
        """Write a frame's luma with the mark.

        luma    (H, W)
        marked  (H, W) may be the same
        """
        import cv2

        height, width = luma.shape
        step = max(1, _ADDED_AT_ONCE_PX // width)
        for y in range(0, height, step):
            rows = slice(y, y + step)
            cv2.add(luma[rows], self.brighter[rows], dst=marked[rows])  # saturates
            cv2.subtract(marked[rows], self.darker[rows], dst=marked[rows])


_ADDED_AT_ONCE_PX: Final = 131_072
"""Rows of so many pixels together stay in a processor's second cache between both steps."""


def strength(luma: UInt8) -> Float32:
    """(H, W) how strong a mark is put where: as nobody sees it, and as it is found again.

    Grain hides a mark, smooth shading does not, and a head may move before a flat background: what
    counts is the least of what is fine around each place. Where details are many times stronger
    than any mark may be, it would only cost PSNR.
    """
    import cv2

    height, width = luma.shape
    short = min(height, width)
    fine = luma.astype(np.float32)
    fine -= cv2.GaussianBlur(fine, (0, 0), max(0.8, _FINE * short))
    # What follows is smooth: a quarter of the pixels each way will do.
    every = 4 if short >= 256 else 1
    size = (width // every, height // every)
    around = max(1.0, _AROUND * short / every)
    np.square(fine, out=fine)
    variance = cv2.resize(fine, size, interpolation=cv2.INTER_AREA)
    del fine  # of a large picture it has many megabytes
    activity = np.sqrt(cv2.GaussianBlur(variance, (0, 0), around))
    reach = int(_REACH * short / every) | 1
    least = cv2.erode(activity, np.ones((reach, reach), np.uint8))
    busy = _share(cv2.GaussianBlur(least, (0, 0), around), FLAT_ACTIVITY, BUSY_ACTIVITY)
    loud = _share(activity, *LOUD_ACTIVITY)
    seldom_seen = FLAT_LEVELS + (BUSY_LEVELS - FLAT_LEVELS) * busy
    strong = (seldom_seen + (LOUD_LEVELS - seldom_seen) * loud).astype(np.float32)
    whole: Float32 = cv2.resize(strong, (width, height), interpolation=cv2.INTER_LINEAR)
    return whole


def _share(activity: Float32, none: float, whole: float) -> Float32:
    """0..1 how far an activity is on the way between two."""
    share: Float32 = np.clip((activity - none) / (whole - none), 0, 1)
    return share
