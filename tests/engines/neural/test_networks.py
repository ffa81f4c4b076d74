"""Frames have no memory of each other, and precision where it counts."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from benchmarks.neural.vectors import place_of, read, tiny_weights  # noqa: E402
from portravox.engines.neural.decode import DecoderNetwork  # noqa: E402
from portravox.engines.neural.warp import WarpNetwork  # noqa: E402


@pytest.fixture(scope="module")
def recorded():  # type: ignore[no-untyped-def]
    torch.set_num_threads(1)
    place = place_of("l_tiny_networks")
    assert place is not None
    return read(place)


def test_a_batch_of_frames_is_the_frames_one_by_one(recorded) -> None:  # type: ignore[no-untyped-def]
    warp, decode = (
        WarpNetwork(tiny_weights(recorded, "W")),
        DecoderNetwork(tiny_weights(recorded, "G")),
    )
    volume, kp_source, kp_driving = (
        torch.from_numpy(recorded[key]) for key in ("W_feature_3d", "W_kp_source", "W_kp_driving")
    )
    source = warp.prepare(volume[:1])
    first, second = kp_driving[:1], kp_driving[1:]
    batch = warp(source, kp_source[:1], torch.cat([first, second, second])).feature
    for place, one in enumerate((first, second, second)):
        alone = warp(source, kp_source[:1], one).feature[0]
        assert (batch[place] - alone).abs().max() < 1e-5
    drawn = decode(batch)
    assert (drawn[1] - drawn[2]).abs().max() < 1e-6
    assert (drawn[0] - decode(batch[:1])[0]).abs().max() < 1e-5
    assert (drawn[0] - drawn[1]).abs().max() > 1e-3


def test_flow_and_samples_stay_in_single_precision_where_weights_are_halved(recorded) -> None:  # type: ignore[no-untyped-def]
    warp = WarpNetwork(tiny_weights(recorded, "W"))
    given = [torch.from_numpy(recorded[key])[:1] for key in ("W_kp_source", "W_kp_driving")]
    volume = torch.from_numpy(recorded["W_feature_3d"])[:1]
    exact = warp(warp.prepare(volume), *given)
    warp.to("cpu", torch.float16)
    coarse = warp(warp.prepare(volume), *given)
    assert coarse.flow.dtype == torch.float32
    assert coarse.feature.dtype == torch.float16
    assert (coarse.flow - exact.flow).abs().max() < 0.01
