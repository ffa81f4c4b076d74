"""The mark in the picture is not seen, and is found by who has its key."""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from portravox.arrays import UInt8
from portravox.demo import demo_portrait
from portravox.errors import SettingOutOfRange
from portravox.labels.watermark import (
    COUNTS,
    WAVES,
    Bits,
    Watermark,
    bits_of,
    shared_out,
    symbols_of,
    watermark_of,
)
from portravox.labels.watermark_details import reduced, weights_of
from portravox.labels.watermark_key import (
    OFF,
    PUBLIC_KEY,
    VARIABLE,
    checked_key,
    key_of_environment,
    keys_looked_for,
)
from portravox.labels.watermark_reading import (
    MAX_FALSE_ALARM,
    _Spectrum,
    false_alarm,
    loaded,
    read_watermark,
    smallest_score,
    stored,
    strongest,
)
from portravox.media.picture_file import read_picture
from portravox.media.planes import Planes

KEY = "a key that only this test has"
BITS = Bits.of("Somebody", "0123")


@pytest.fixture(scope="module")
def portrait() -> UInt8:
    return Planes.of(read_picture(demo_portrait()).pixels).luma


def marked(luma: UInt8, key: str = KEY, bits: Bits = BITS) -> UInt8:
    out = np.empty_like(luma)
    Watermark.of(key, bits).levels(luma).add(luma, out)
    return out


@pytest.fixture(scope="module")
def marked_portrait(portrait: UInt8) -> UInt8:
    return marked(portrait)


def test_what_it_says_comes_back() -> None:
    generator = np.random.default_rng(1)
    for whole in (0, 2**32 - 1, *generator.integers(0, 2**32, 100).tolist()):
        bits = Bits.from_whole(whole)
        symbols = symbols_of(bits)
        assert all(0 <= symbol < 1024 for symbol in symbols)
        assert bits_of(symbols) == bits and bits.whole == whole


def test_most_wrong_symbols_are_known_by_the_checksum() -> None:
    first, *rest = symbols_of(BITS)
    others = [bits_of((other, *rest)) for other in range(1024) if other != first]
    assert sum(bits is None for bits in others) >= 0.99 * len(others)


def test_its_digests_are_those_of_sha_256() -> None:
    """printf Portravox | sha256sum"""
    assert Bits.of("Portravox", "").producer_hex == "0cc"
    assert Bits.of("", "0123").number_hex == "1be2e"


def test_it_is_below_48_db(portrait: UInt8, marked_portrait: UInt8) -> None:
    error = np.mean((marked_portrait.astype(np.float64) - portrait) ** 2)
    assert 10 * math.log10(255**2 / error) > 48


@pytest.mark.parametrize("grey", [16, 90, 235])
def test_on_a_flat_ground_hardly_anything_changes(grey: int) -> None:
    flat = np.full((512, 512), grey, np.uint8)
    change = marked(flat).astype(int) - flat
    assert np.abs(change).max() <= 2
    assert np.mean(np.abs(change) > 1) < 0.001
    assert abs(change.mean()) < 0.01


def test_no_level_turns_over(portrait: UInt8) -> None:
    """A frame of an engine of somebody's own may have levels beyond 16 to 235."""
    for level in (0, 255):
        out = np.full_like(portrait, level)
        Watermark.of(KEY, BITS).levels(portrait).add(out, out)
        assert np.abs(out.astype(int) - level).max() < 10


def jpeg(luma: UInt8, quality: int) -> UInt8:
    _, file = cv2.imencode(".jpg", luma, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(file, cv2.IMREAD_GRAYSCALE), np.uint8)


def half(luma: UInt8) -> UInt8:
    small = cv2.resize(luma, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


@pytest.mark.parametrize(
    ("treat", "scale"),
    [
        (lambda luma: luma, 1.0),
        (lambda luma: half(luma), 1.0),
        (lambda luma: luma[60:-42, 51:-51], 1.25),
        (lambda luma: jpeg(cv2.resize(luma, (1000, 1000)), 70), 1.0),
        (lambda luma: np.pad(luma, ((0, 0), (150, 150)), constant_values=16), 1.0),
    ],
    ids=["as it is", "half as large", "cropped by 20 %", "a screenshot", "with borders"],
)
def test_it_is_found(marked_portrait: UInt8, treat: Callable[[UInt8], UInt8], scale: float) -> None:
    found = read_watermark(np.ascontiguousarray(treat(marked_portrait)), (PUBLIC_KEY, KEY))
    assert found is not None
    assert (found.bits, found.key, found.mirrored) == (BITS, 1, False)
    assert found.scale == pytest.approx(scale, rel=0.02)
    assert found.false_alarm < MAX_FALSE_ALARM


def test_it_is_found_in_a_mirror(marked_portrait: UInt8) -> None:
    found = read_watermark(np.ascontiguousarray(marked_portrait[:, ::-1]), (KEY,))
    assert found is not None and found.mirrored and found.bits == BITS


def test_who_has_another_key_finds_nothing(marked_portrait: UInt8) -> None:
    assert read_watermark(marked_portrait, (PUBLIC_KEY,)) is None


def test_scores_of_chance_are_those_of_theory(portrait: UInt8) -> None:
    """At one place, for any picture, a key's score has a mean of 0 and a deviation of 1."""
    details, weights = weights_of(reduced(portrait))
    phases = _Spectrum(details * weights).waves(1.0, np.arange(WAVES))
    turns = [
        np.frombuffer(Watermark.of(f"key {n}", BITS).phases, np.uint8) / 256 for n in range(300)
    ]
    scores = [
        (phases * np.exp(-2j * np.pi * turn)).real.sum() / math.sqrt(WAVES / 2) for turn in turns
    ]
    assert abs(np.mean(scores)) < 0.2
    assert np.std(scores) == pytest.approx(1, abs=0.12)


def test_the_best_scores_of_chance_stay_below(portrait: UInt8) -> None:
    best = [strongest(portrait, f"a key for chance, {number}") for number in range(2)]
    assert max(best) < smallest_score() - 1


def test_the_smallest_score_is_where_false_alarms_are_rare_enough() -> None:
    assert false_alarm(smallest_score()) == pytest.approx(MAX_FALSE_ALARM)
    assert false_alarm(0.0) == 1.0
    assert smallest_score(keys=2) > smallest_score()


def test_waves_lie_off_the_axes_and_are_counted_once() -> None:
    assert np.all(COUNTS != 0)
    assert len(np.unique(COUNTS, axis=0)) == WAVES
    assert not set(map(tuple, COUNTS.tolist())) & set(map(tuple, (-COUNTS).tolist()))


def test_strength_goes_where_it_tells_most() -> None:
    """Not to a wave that is right already, nor to one that no strength will turn."""
    right = np.array([0.0, 0.0, 5.0, 0.0])
    wrong = np.array([0.0, 1.0, 0.0, 50.0])
    shares = shared_out(right, wrong)
    assert np.mean(shares**2) == pytest.approx(1)
    assert shares[1] > shares[2] and shares[1] > shares[3]


def test_a_picture_is_stored_for_who_has_the_key(marked_portrait: UInt8) -> None:
    light = loaded(stored(marked_portrait))
    assert light is not None
    found = read_watermark(light, (KEY,))
    assert found is not None and found.bits == BITS


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 8, b"\0\0\0\1\0\0\0\1", b"\xff" * 100, b"\0" * 10_000_000]
)
def test_what_nobody_stored_is_not_loaded(content: bytes) -> None:
    assert loaded(content) is None


def test_the_smallest_frames_have_a_mark_that_nobody_finds() -> None:
    for shape in ((2, 2), (48, 64), (64, 300)):
        Watermark.of(KEY, BITS).levels(np.full(shape, 99, np.uint8))


def test_keys_are_long_or_off_and_never_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert checked_key("") == PUBLIC_KEY
    assert watermark_of(checked_key(OFF), "a", "b") is None
    with pytest.raises(SettingOutOfRange) as refused:
        checked_key("too short")
    assert "too short" not in str(refused.value)
    monkeypatch.setenv(VARIABLE, KEY)
    assert key_of_environment() == KEY
    assert keys_looked_for(KEY) == (KEY, PUBLIC_KEY)
    assert keys_looked_for(PUBLIC_KEY) == keys_looked_for(OFF) == (PUBLIC_KEY,)
