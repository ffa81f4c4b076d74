from __future__ import annotations

import numpy as np

from portravox.ramps import smooth_share, smoothstep


def test_one_number_steps_as_many_do() -> None:
    x = np.linspace(-1, 2, 31)
    assert [smooth_share(0.1, 0.9, float(v)) for v in x] == smoothstep(0.1, 0.9, x).tolist()


def test_a_step_is_flat_at_both_ends_and_half_in_the_middle() -> None:
    assert smooth_share(2.0, 4.0, 2.0) == 0.0
    assert smooth_share(2.0, 4.0, 4.0) == 1.0
    assert smooth_share(2.0, 4.0, 3.0) == 0.5
    assert smooth_share(2.0, 4.0, 2.01) < 1e-4
