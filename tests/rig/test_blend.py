from __future__ import annotations

import numpy as np

from portravox.rig.blend import Blend

SWAP_AND_MEAN = Blend.of(
    np.array([0, 1, 2, 2, 2]),
    np.array([1, 0, 0, 1, 1]),
    np.array([1.0, 1.0, 0.5, 0.25, 0.25]),
    count=3,
    source_count=2,
)
"""Of two values: the second, the first, their mean, whose second weight is given in two parts."""


def test_values_are_weighted_sums() -> None:
    assert SWAP_AND_MEAN.of_values(np.array([2.0, 4.0])).tolist() == [4.0, 2.0, 3.0]
    rows = SWAP_AND_MEAN.of_values(np.array([[2.0, 0.0], [4.0, 1.0]]))
    assert rows.tolist() == [[4.0, 1.0], [2.0, 0.0], [3.0, 0.5]]


def test_one_after_the_other_is_the_product() -> None:
    twice = Blend.of(
        np.array([0, 0]), np.array([0, 2]), np.array([1.0, -2.0]), count=1, source_count=3
    ).after(SWAP_AND_MEAN)
    values = np.array([2.0, 4.0])
    assert twice.of_values(values).tolist() == [4.0 - 2.0 * 3.0]


def test_unchanged_changes_nothing() -> None:
    values = np.arange(6.0).reshape(3, 2)
    assert np.array_equal(Blend.unchanged(3).of_values(values), values)
    assert np.array_equal(SWAP_AND_MEAN.after(Blend.unchanged(2)).weights, SWAP_AND_MEAN.weights)


def test_share_counts_the_weights_of_one_source() -> None:
    assert SWAP_AND_MEAN.share_of(1, [0, 2]) == 1.5
