from __future__ import annotations

from benchmarks.lids import lid_looks
from portravox.arrays import UInt8
from portravox.media.picture import Picture


def test_the_demos_lids_are_skin(photo: UInt8) -> None:
    for look in lid_looks(Picture(photo)):
        assert look.white == 0.0
        assert look.smear < 0.05
        assert look.colour < 30
        assert 0.2 < look.pores / look.pores_of_cheek < 2.0
        assert look.row().startswith("grain ")
