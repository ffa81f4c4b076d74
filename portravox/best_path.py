"""Best path: one state for each row, so that what the rows gain less what the steps cost is most.

Flow      speech.pitch, face.mouth, articulation.alignment -> best_path

Found exactly by dynamic programming; where gains are logarithms of probabilities, this is the
Viterbi algorithm.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from portravox.arrays import AnyFloat, AnyInteger, Int32


def best_path(gains: Iterable[AnyFloat], came_from: AnyInteger, costs: Iterable[AnyFloat]) -> Int32:
    """(T,) the state of each row. Of equal ways the first is taken, of equal ends, too.

    gains      T times (S,): of being in each state; -inf where it cannot be
    came_from  (K, S) the ways into each state, 255 at most: states of the row before
    costs      for each step (K, S), of each way; inf where there is none

    Keeps a byte for each row and state. Sums have the precision of gains and costs.
    """
    remaining = iter(gains)
    total = next(remaining, None)
    if total is None:
        return np.zeros(0, dtype=np.int32)
    every = np.arange(len(total))
    taken = [np.zeros(len(total), dtype=np.uint8)]
    for gain, cost in zip(remaining, costs, strict=False):  # one cost may stand for all steps
        reached = total[came_from] - cost
        way = reached.argmax(axis=0)
        taken.append(way.astype(np.uint8))
        total = reached[way, every] + gain
    path = np.zeros(len(taken), dtype=np.int32)
    path[-1] = total.argmax()
    for row in range(len(path) - 1, 0, -1):
        path[row - 1] = came_from[taken[row][path[row]], path[row]]
    return path
