"""Finding the mark of `watermark` in a picture, without the picture that it was put into.

Flow      luma of a picture, or the mean of some frames -> watermark_reading -> WatermarkFound
Reads     keys

Details as fine as the mark are weighed by how little else is there, and of their spectrum the
phases alone are kept. For each size that a tile may have, the phases of the waves that all marks of
a key share are turned back and transformed: the highest value tells where tiles begin. Then the
symbols are read.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from portravox.arrays import Float32, Float64, UInt8
from portravox.labels.watermark import COUNTS, SYMBOL_BITS, TILES, WAVES, Bits, bits_of, waves_of
from portravox.labels.watermark_details import MAX_RATIO, SIDE_PX, reduced, weights_of

MAX_FALSE_ALARM: Final = 1e-6
"""A mark counts as found where chance finds one like it in fewer pictures than this."""

_SPECTRUM_PX = 2048
"""The spectrum is that of a square of so many pixels, most of them empty, so that each wave of a
tile of any size has a sample near to it."""

_SMALLEST, _LARGEST, _SIZE_STEP = 0.5, 2.1, 1.003
"""Sizes of a tile that are tried, against that of an untouched frame: a crop makes it larger
against what is left, a border around the frame smaller. With a step of 0.3 %, waves at the
picture's edge are out of step by a quarter at most."""

_GRID = 128
"""Places tried in a tile of each size, along one side: waves have at least five steps."""

_FINE_GRID = 512
_FINE_SIZES = 7
_CANDIDATES = 10
"""The best sizes and places that are looked at more closely."""

_SECOND_BEST = 3
"""Values of each symbol that are tried where the checksum is wrong."""

Complex64 = npt.NDArray[np.complex64]


@dataclass(frozen=True, slots=True)
class WatermarkFound:
    """A mark, and how sure that is."""

    bits: Bits

    key: int
    """Which of the keys."""

    score: float
    """Of the phases, in standard deviations of chance."""

    false_alarm: float
    """How often chance finds a mark like this one in a picture without any, at most."""

    scale: float
    """Size of a tile against that of an untouched frame of this size: 1.25 where a fifth of the
    shorter side is cut off."""

    mirrored: bool


def read_watermark(luma: Float32 | UInt8, keys: Sequence[str]) -> WatermarkFound | None:
    """The mark in a picture; None where there is none, or none that can be read.

    luma  (H, W) 0..255, or the mean of some frames
    """
    details, weights = weights_of(reduced(luma))
    details *= weights
    best: WatermarkFound | None = None
    for mirrored in (False, True):
        spectrum = _Spectrum(details[:, ::-1] if mirrored else details)
        for index, key in enumerate(keys):
            found = _best(spectrum, key, index, mirrored)
            if found is not None and (best is None or found.score > best.score):
                best = found
        if best is not None and best.false_alarm <= MAX_FALSE_ALARM:
            return best
    return None


def strongest(luma: Float32 | UInt8, key: str) -> float:
    """The score of what comes nearest to a mark in a picture, whether or not it is one."""
    details, weights = weights_of(reduced(luma))
    found = _best(_Spectrum(details * weights), key, 0, False)
    return 0.0 if found is None else found.score


def false_alarm(score: float, keys: int = 1) -> float:
    """How often a picture without a mark gives a score, at most; 1 where that says nothing.

    The phases of a key are independent of the picture and of each other, so that the score of one
    size, place and message is a sum of cosines of independent angles over the root of half their
    number, whatever the picture shows. E exp(t cos) = I0(t) <= exp(t² / 4) gives, by Chernoff's
    bound, exp(-score² / 2); all that is tried is counted, and every message of 32 bits.
    """
    return min(1.0, math.exp(min(0.0, math.log(_tried() * keys) - score * score / 2)))


def _tried() -> float:
    sizes = math.log(_LARGEST / _SMALLEST) / math.log(_SIZE_STEP) * _FINE_SIZES
    return 2 * sizes * _FINE_GRID**2 * 2.0**32


def smallest_score(keys: int = 1) -> float:
    """The score that counts as a mark."""
    return math.sqrt(2 * (math.log(_tried() * keys) - math.log(MAX_FALSE_ALARM)))


MAX_STORED_BYTES: Final = 8 + 2 * int(MAX_RATIO * SIDE_PX) * SIDE_PX
"""Of what `stored` gives."""


def stored(luma: Float32 | UInt8) -> bytes:
    """A picture as `loaded` reads it: height, width, and what is looked at in 256ths of a step."""
    picture = reduced(luma)
    sides = np.array(picture.shape, ">u4").tobytes()
    return sides + np.rint(np.clip(picture, 0, 255) * 256).astype("<u2").tobytes()


def loaded(content: bytes) -> Float32 | None:
    """What `stored` gave; None where it cannot have been that."""
    if not 8 < len(content) <= MAX_STORED_BYTES:
        return None
    height, width = (int(side) for side in np.frombuffer(content[:8], ">u4"))
    if min(height, width) < 1 or len(content) != 8 + 2 * height * width:
        return None
    steps = np.frombuffer(content[8:], "<u2").reshape(height, width)
    return steps.astype(np.float32) / np.float32(256)


class _Spectrum:
    """Phases of a picture's waves, the middle of the picture being their origin."""

    def __init__(self, details: Float32) -> None:
        height, width = details.shape
        self.short_px = min(height, width)
        square = np.zeros((_SPECTRUM_PX, _SPECTRUM_PX), np.float32)
        square[:height, :width] = details
        square = np.roll(square, (-(height // 2), -(width // 2)), (0, 1))
        spectrum = np.fft.rfft2(square)
        strong = np.maximum(np.abs(spectrum), 1e-12)
        self._phases: Complex64 = (spectrum / strong).astype(np.complex64)

    def waves(self, size: float, which: npt.NDArray[np.intp]) -> Complex64:
        """(n,) the phases, as numbers of length 1, of waves of tiles of a size; 0 for waves too
        short for the picture's pixels."""
        counts = COUNTS[which] * (_SPECTRUM_PX * TILES / (self.short_px * size))
        across, down = np.rint(counts).astype(np.intp).T
        half = _SPECTRUM_PX // 2
        seen = (across <= half) & (np.abs(down) < half)
        phases = self._phases[np.where(seen, down, 0), np.where(seen, across, 0)]
        return np.where(seen, phases, np.complex64(0))


class _Place(NamedTuple):
    score: float
    """Of the waves that tell the place, in standard deviations."""

    size: float
    down: float
    across: float
    """0..1 of a tile, from a tile's corner to the picture's middle."""


def _best(spectrum: _Spectrum, key: str, index: int, mirrored: bool) -> WatermarkFound | None:
    """The message that a picture tells best, of all places and sizes of tiles."""
    count = math.ceil(math.log(_LARGEST / _SMALLEST) / math.log(_SIZE_STEP))
    sizes = _SMALLEST * _SIZE_STEP ** np.arange(count + 1)
    places = sorted((_placed(spectrum, key, size, _GRID) for size in sizes), reverse=True)
    best: WatermarkFound | None = None
    for rough in places[:_CANDIDATES]:
        near = rough.size * (1 + (_SIZE_STEP - 1) * np.linspace(-0.6, 0.6, _FINE_SIZES))
        place = max(_placed(spectrum, key, size, _FINE_GRID) for size in near)
        told = _told(spectrum, key, place)
        if told is not None and (best is None or told[1] > best.score):
            bits, score = told
            best = WatermarkFound(
                bits, index, score, false_alarm(score), float(place.size), mirrored
            )
    return best


def _placed(spectrum: _Spectrum, key: str, size: float, grid: int) -> _Place:
    """Where tiles of a size begin, most likely."""
    waves = waves_of(key)
    turned = spectrum.waves(size, waves.places) * _TURNS[waves.place_phases].conj()
    across, down = COUNTS[waves.places].T
    # Real input to the inverse transform's other half: twice the real part of each wave.
    half = np.zeros((grid, grid // 2 + 1), np.complex64)
    half[down % grid, across] = turned
    scores = np.fft.irfft2(half, (grid, grid))
    highest = int(scores.argmax())
    score = float(scores.flat[highest]) * grid * grid / 2 / math.sqrt(len(waves.places) / 2)
    return _Place(score, float(size), highest // grid / grid, highest % grid / grid)


def _told(spectrum: _Spectrum, key: str, place: _Place) -> tuple[Bits, float] | None:
    """What the symbols say at a place, and the score of all waves; None where no checksum fits."""
    waves = waves_of(key)
    shifts = COUNTS[:, 0] * place.across + COUNTS[:, 1] * place.down
    phases = spectrum.waves(place.size, np.arange(WAVES)) * np.exp(2j * np.pi * shifts)
    shared = float((phases[waves.places] * _TURNS[waves.place_phases].conj()).real.sum())
    scores = [
        (table @ phases[which].astype(np.complex64)).real
        for table, which in zip(_tables(key), waves.symbols, strict=True)
    ]
    for symbols, score in _messages(scores):
        bits = bits_of(symbols)
        if bits is not None:
            return bits, (shared + score) / math.sqrt(WAVES / 2)
    return None


def _messages(scores: Sequence[Float64 | Float32]) -> Iterator[tuple[tuple[int, ...], float]]:
    """The likeliest values of all symbols with their scores, the best first."""
    likely = [np.argsort(score)[: -_SECOND_BEST - 1 : -1] for score in scores]
    told = [
        (
            tuple(int(value) for value in values),
            float(sum(score[value] for score, value in zip(scores, values, strict=True))),
        )
        for values in itertools.product(*likely)
    ]
    return iter(sorted(told, key=lambda message: -message[1]))


_TURNS: Final = np.exp(2j * np.pi * np.arange(256) / 256).astype(np.complex64)


@lru_cache(maxsize=2)
def _tables(key: str) -> tuple[Complex64, ...]:
    """For each symbol (1024, n): what turns the phases of each value back to 0."""
    waves = waves_of(key)
    return tuple(
        _TURNS[[waves.symbol_phases(symbol, value) for value in range(1 << SYMBOL_BITS)]].conj()
        for symbol in range(len(waves.symbols))
    )
