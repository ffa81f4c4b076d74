from __future__ import annotations

import numpy as np
import pytest

from portravox.arrays import Float64, Int32
from portravox.rig.fields import FieldSolver

SIDE = 7


@pytest.fixture
def sheet() -> tuple[Float64, Int32]:
    """A bent square sheet of SIDE x SIDE vertices."""
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float64)
    positions = np.stack([x, y, 0.1 * x**2], axis=-1).reshape(-1, 3)
    index = np.arange(SIDE * SIDE, dtype=np.int32).reshape(SIDE, SIDE)
    a, b, c, d = (
        part.ravel() for part in (index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:])
    )
    return positions, np.concatenate([np.stack([a, b, c], 1), np.stack([b, d, c], 1)])


def test_handles_go_exactly_where_they_are_told(sheet: tuple[Float64, Int32]) -> None:
    way = np.array([1.0, -2.0, 0.5])
    field = FieldSolver(*sheet).extend({0: way, 48: np.zeros(3)})
    assert field[0].tolist() == way.tolist()
    assert field[48].tolist() == [0, 0, 0]


def test_when_all_handles_move_alike_everything_does(sheet: tuple[Float64, Int32]) -> None:
    way = np.array([1.0, -2.0, 0.5])
    field = FieldSolver(*sheet).extend({0: way, 6: way, 24: way, 48: way})
    np.testing.assert_allclose(field, np.tile(way, (SIDE * SIDE, 1)), atol=1e-6)


def test_twice_the_pull_moves_twice_as_far(sheet: tuple[Float64, Int32]) -> None:
    solver = FieldSolver(*sheet)
    once = solver.extend({24: np.array([0.0, 0, 1]), 0: np.zeros(3), 48: np.zeros(3)})
    twice = solver.extend({24: np.array([0.0, 0, 2]), 0: np.zeros(3), 48: np.zeros(3)})
    np.testing.assert_allclose(twice, 2 * once, atol=1e-9)


def test_a_pull_fades_with_distance(sheet: tuple[Float64, Int32]) -> None:
    still = {i: np.zeros(3) for i in (*range(SIDE), *range(42, 49))}
    field = FieldSolver(*sheet, stiffness=0.5).extend({24: np.array([0.0, 0, 1]), **still})
    column = field.reshape(SIDE, SIDE, 3)[3:, 3, 2]
    assert np.all(np.diff(column) < 0)


def test_vertices_that_are_always_held_change_nothing_but_the_time(
    sheet: tuple[Float64, Int32],
) -> None:
    held = {i: np.array([0.0, 0.1 * i, 0.0]) for i in (*range(SIDE), 48)}
    plain, prepared = FieldSolver(*sheet), FieldSolver(*sheet, held=held)
    for pulled in ({24: np.array([1.0, 0, 1])}, {17: np.zeros(3), 31: np.ones(3)}, {}):
        handles = {**held, **pulled}
        np.testing.assert_allclose(prepared.extend(handles), plain.extend(handles), atol=1e-9)


def test_field_solves_the_equations_that_a_general_solver_solves(
    sheet: tuple[Float64, Int32],
) -> None:
    solver = FieldSolver(*sheet)
    told = {3: np.array([0.0, 1, 0]), 24: np.array([1.0, 0, 2]), 45: np.zeros(3)}
    index, free = list(told), [i for i in range(SIDE * SIDE) if i not in told]
    energy = solver._energy
    pull = energy[np.ix_(free, index)] @ np.array(list(told.values()))
    wanted = np.linalg.solve(energy[np.ix_(free, free)], -pull)
    np.testing.assert_allclose(solver.extend(told)[free], wanted, atol=1e-6)
