"""The benchmark for graphics cards runs to its end, rehearsed on a processor taken for one."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

from benchmarks.neural import speed
from portravox.engines.neural.devices import CPU, ComputeDevice
from tests.engines.neural import see_through

LIKE_A_CARD = ComputeDevice("cpu:0", "the processor, taken for a card", None)


@pytest.mark.parametrize(
    ("device", "expected"),
    [
        (LIKE_A_CARD, ("half, batch 2: frames/s", "half against single, dB", "video of 24 frames")),
        (CPU, ("single, batch 2: frames/s", "24 frames: processor s a frame")),
    ],
)
def test_one_run_measures_all(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    device: ComputeDevice,
    expected: tuple[str, ...],
) -> None:
    monkeypatch.setattr(speed, "chosen_device", lambda: device)
    monkeypatch.setattr(speed, "random_networks", see_through.networks)
    monkeypatch.setattr(speed, "LEAST_S", 0.01)
    monkeypatch.setattr(
        sys, "argv", ["speed", "-o", str(tmp_path), "--batches", "1,2", "--frames", "24"]
    )
    assert speed.main() == 0
    results = json.loads((tmp_path / "results.json").read_text())
    for name in expected:
        found = [value for key, value in results.items() if key.startswith(name)]
        assert found
        assert all(value > 0.0 for value in found)
    if device is LIKE_A_CARD:
        assert results["half against single, dB"] > 40.0
