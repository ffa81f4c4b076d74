"""The networks and formulas give what the public code gave, on recorded inputs."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

from benchmarks.neural.vectors import CHECKS, compared, place_of


@pytest.mark.parametrize("recording", CHECKS)
def test_every_quantity_is_within_five_times_the_agreement_of_its_recording(recording: str) -> None:
    if place_of(recording) is None:
        pytest.skip("the sample material is not at ../shared/neural-vectors")
    found = compared(recording)
    assert found
    assert not [each for each in found if not each.is_met]
