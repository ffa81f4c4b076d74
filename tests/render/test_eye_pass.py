from __future__ import annotations

import numpy as np

from portravox.render.eye_pass import solve_in_place


def test_a_small_system_is_solved() -> None:
    rng = np.random.default_rng(5)
    terms = rng.normal(0, 1, (6, 40))
    system, wanted = terms @ terms.T, rng.normal(0, 1, (6, 2))
    right = system @ wanted
    solve_in_place(system.copy(), right)
    assert np.allclose(right, wanted)
