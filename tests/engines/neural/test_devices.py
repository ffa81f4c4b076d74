"""Where the engine computes is what was asked for, or an error that says what there is."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from portravox.engines.neural import devices  # noqa: E402
from portravox.engines.neural.devices import CPU, ComputeDevice, chosen_device  # noqa: E402
from portravox.errors import EngineUnavailable, SettingOutOfRange  # noqa: E402

CARDS = (
    ComputeDevice("cuda:0", "Small", 8192),
    ComputeDevice("cuda:1", "Large", 81_920),
)


@pytest.mark.parametrize(
    ("asked", "given"), [("", "cuda:0"), ("cuda", "cuda:0"), ("CUDA:1", "cuda:1"), ("cpu", "cpu")]
)
def test_the_first_card_or_the_one_that_is_named(
    monkeypatch: pytest.MonkeyPatch, asked: str, given: str
) -> None:
    monkeypatch.setattr(devices, "graphics_cards", lambda: CARDS)
    assert chosen_device(asked).name == given
    monkeypatch.setenv("PORTRAVOX_DEVICE", asked)
    assert chosen_device().name == given


@pytest.mark.parametrize("asked", ["", "cuda", "cuda:7", "mps"])
def test_the_processor_is_never_taken_in_silence(
    monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    monkeypatch.setattr(devices, "graphics_cards", lambda: ())
    with pytest.raises(EngineUnavailable, match="PORTRAVOX_DEVICE=cpu"):
        chosen_device(asked)


def test_what_is_no_device_is_refused() -> None:
    for asked in ("gpu", "cuda:x", "0"):
        with pytest.raises(SettingOutOfRange, match="cuda"):
            chosen_device(asked)


def test_a_card_computes_batches_in_half_precision_and_the_processor_single_frames() -> None:
    assert (CARDS[0].batch, CARDS[0].dtype) == (8, torch.float16)
    assert (CPU.batch, CPU.dtype) == (1, torch.float32)
    assert str(CARDS[0]) == "cuda:0 (Small, 8192 MiB)"
