from __future__ import annotations

from benchmarks.teeth import POSES, teeth_seen
from portravox.arrays import UInt8
from portravox.media.picture import Picture


def test_the_demos_teeth_are_light_and_spread_sounds_show_the_upper_row(photo: UInt8) -> None:
    seen = teeth_seen(Picture(photo))
    assert tuple(seen) == POSES
    bright, lower, warm = seen["ee"]
    assert 0.8 < bright < 2.0
    assert lower < 0.2
    assert 0.0 < warm < 0.3  # ivory
    assert seen["aa"][1] > lower  # a lowered jaw shows more of them
