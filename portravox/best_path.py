"""Best path: one state for each row, so that what the rows gain less what the steps cost is most.

Flow      speech.pitch, face.mouth, articulation.alignment -> best_path

Found exactly by dynamic programming; where gains are logarithms of probabilities, this is the
Viterbi algorithm.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from portravox.arrays import AnyFloat, AnyInteger, Int32, UInt8

MANY_STATES = 400
"""From so many on, numpy's argmax down columns is slower than comparing row by row, four times so
for 3 ways into 5,000 states. Measured."""


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
    ways = bytearray(len(total))
    for gain, cost in zip(remaining, costs, strict=False):  # one cost may stand for all steps
        way, most = first_best(total.take(came_from) - cost)
        ways += way.data
        total = most + gain
    taken = np.frombuffer(ways, np.uint8).reshape(-1, len(total))
    path = np.zeros(len(taken), dtype=np.int32)
    path[-1] = total.argmax()
    for row in range(len(path) - 1, 0, -1):
        path[row - 1] = came_from[taken[row][path[row]], path[row]]
    return path


def first_best(reached: AnyFloat) -> tuple[UInt8, AnyFloat]:
    """(S,) the first row that holds each column's largest value, and (S,) that value.

    reached  (K, S)
    """
    most = reached.max(axis=0)
    if reached.shape[1] < MANY_STATES:
        return reached.argmax(axis=0).astype(np.uint8), most
    way = np.zeros(len(most), dtype=np.uint8)
    less = reached[0] != most
    for values in reached[1:]:
        way += less
        less &= values != most
    return way, most
