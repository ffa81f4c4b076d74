"""The live benchmark ends in time and says what it left out."""

from __future__ import annotations

from benchmarks.live import Figure, within


def test_what_has_not_begun_in_time_is_named_and_left_out() -> None:
    met = Figure("delay", "≤ 1 s", "0.5 s", True)
    assert within(60.0, {"delays": lambda: [met]}) == [met]
    (left,) = within(0.0, {"delays": lambda: [met]})
    assert (left.measure, left.met) == ("delays", None)
    assert left.measured.startswith("left out")
