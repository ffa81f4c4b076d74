"""A graphics card gives the encoder the same bytes as the processor does."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from portravox.engines.neural.planes import packed_planes, unpacked_planes  # noqa: E402
from portravox.media.planes import Planes  # noqa: E402


def test_planes_are_those_of_the_processor_byte_for_byte() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (34, 50, 3)).astype(np.uint8)
    pixels[:2, :4] = [[[0, 0, 0]] * 4, [[255, 255, 255]] * 4]
    ours = unpacked_planes(packed_planes(torch.from_numpy(pixels).permute(2, 0, 1)), 34, 50)
    theirs = Planes.of(pixels)
    assert ours.shape == theirs.shape == (34, 50)
    for name in ("luma", "cb", "cr"):
        assert np.array_equal(getattr(ours, name), getattr(theirs, name))


def test_grey_stays_grey() -> None:
    levels = torch.arange(256, dtype=torch.uint8).repeat_interleave(4).reshape(1, 4, 256)
    planes = unpacked_planes(packed_planes(levels.expand(3, 4, 256)), 4, 256)
    assert set(np.unique(planes.cb)) == set(np.unique(planes.cr)) == {128}
    assert planes.luma.min() == 16 and planes.luma.max() == 235
