"""The best path is the best of all that there are."""

from __future__ import annotations

import itertools
from itertools import repeat

import numpy as np
import pytest

from portravox.best_path import MANY_STATES, best_path, first_best

STAY_OR_STEP = np.array([[0, 1, 2], [0, 0, 1]])
COST = np.array([[0.0, 0.0, 0.0], [np.inf, 0.0, 0.0]])


def worth(
    path: tuple[int, ...], gains: np.ndarray, came_from: np.ndarray, costs: np.ndarray
) -> float:
    """Gains less costs of a path, -inf where a step of it has no way."""
    total = gains[0, path[0]]
    for row in range(1, len(path)):
        ways = np.flatnonzero(came_from[:, path[row]] == path[row - 1])
        least = costs[row - 1, ways, path[row]].min(initial=np.inf)
        total += gains[row, path[row]] - least
    return float(total)


@pytest.mark.parametrize("seed", range(20))
def test_no_path_is_worth_more(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, states, ways = 5, 4, 3
    gains = rng.normal(size=(rows, states))
    came_from = np.stack([rng.permutation(states)[:ways] for _ in range(states)], axis=1)
    costs = rng.exponential(size=(rows - 1, ways, states))
    costs[rng.random(costs.shape) < 0.1] = np.inf
    found = best_path(gains, came_from, costs)
    every = itertools.product(range(states), repeat=rows)
    best = max(every, key=lambda path: worth(path, gains, came_from, costs))
    assert tuple(found) == best


def test_what_cannot_be_is_not_on_the_path() -> None:
    gains = np.zeros((3, 3))
    gains[0, 1:] = gains[2, :2] = -np.inf
    assert best_path(gains, STAY_OR_STEP, repeat(COST)).tolist() == [0, 1, 2]


def test_of_equal_ways_and_ends_the_first_is_taken() -> None:
    gains = np.zeros((4, 3))
    gains[0, 1:] = -np.inf
    assert best_path(gains, STAY_OR_STEP, repeat(COST)).tolist() == [0, 0, 0, 0]


def test_single_precision_stays_single() -> None:
    # 1 + 2^-24 is 1 in single precision: both states gain the same, and the first is taken
    gains = np.array([[1.0, 1.0], [0.0, 2.0**-24]], np.float32)
    stay, free = np.arange(2)[np.newaxis], np.zeros((1, 2), np.float32)
    assert best_path(gains, stay, repeat(free)).tolist() == [0, 0]
    assert best_path(gains.astype(np.float64), stay, repeat(free)).tolist() == [1, 1]


@pytest.mark.parametrize(("rows", "path"), [(0, []), (1, [1])])
def test_there_may_be_no_step(rows: int, path: list[int]) -> None:
    gains = np.array([[0.0, 2.0, 1.0]])[:rows]
    assert best_path(gains, STAY_OR_STEP, repeat(COST)).tolist() == path


@pytest.mark.parametrize("states", [1, MANY_STATES - 1, MANY_STATES, 3 * MANY_STATES])
@pytest.mark.parametrize("ways", [1, 3, 9])
def test_the_first_of_the_best_ways_is_found_however_many_states(states: int, ways: int) -> None:
    rng = np.random.default_rng(ways)
    reached = rng.integers(0, 3, (ways, states)).astype(np.float32)
    reached[rng.random(reached.shape) < 0.5] = -np.inf  # some columns have no way at all
    way, most = first_best(reached)
    assert np.array_equal(most, reached.max(axis=0))
    assert way.tolist() == [column.tolist().index(column.max()) for column in reached.T]
