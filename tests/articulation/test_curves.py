import numpy as np
import pytest

from portravox.articulation.curves import CHANNELS, ArticulationCurves


def test_channels_are_read_by_name():
    values = np.tile(np.arange(len(CHANNELS), dtype=np.float32), (3, 1))
    curves = ArticulationCurves(values, 0.03)
    assert all(np.all(curves[name] == n) for n, name in enumerate(CHANNELS))
    with pytest.raises(ValueError):
        curves["tail"]


def test_a_row_is_timed_at_the_middle_of_its_10_ms():
    curves = ArticulationCurves(np.zeros((3, len(CHANNELS)), np.float32), 0.03)
    assert np.allclose(curves.times_s, [0.005, 0.015, 0.025])
