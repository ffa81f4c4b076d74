"""No file within the limits costs much processor time, whether it is read or refused."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.fuzz.conftest import Tally
from tests.fuzz.cost_search import Found, search
from tests.fuzz.costly_files import COSTLY, measured

PACKAGE = Path(__file__).parents[2]

WHOLE = "PORTRAVOX_FUZZ_OUT" in os.environ
"""`make fuzz`; otherwise the files of which reports spoke."""

REPORTED = ("JPEG, 557 kB", "JPEG, 10 MB of 34", "JPEG, 2 MB of 10-byte", "PNG, 860,000")

LIMIT_S = 4.0
"""Twice what is aimed at, 2 s on a quiet machine: others may be at work beside it."""


@pytest.mark.parametrize("name", [name for name in COSTLY if WHOLE or name.startswith(REPORTED)])
def test_a_file_made_to_cost_time_costs_little(name: str, tmp_path: Path, tally: Tally) -> None:
    path = tmp_path / "case"
    path.write_bytes(COSTLY[name]())
    began = time.perf_counter()
    took_s, outcome = measured(path, name.split(",")[0].lower(), PACKAGE)
    tally.add(f"costly: {name}", outcome, time.perf_counter() - began)
    assert not outcome.startswith("!"), outcome
    assert took_s < LIMIT_S


SEARCH_S = 60.0 if WHOLE else 4.0


def test_a_search_for_costly_files_finds_none(tally: Tally) -> None:
    """Each kind takes turns; what is found that costs more than the rest is changed further."""
    tried: list[str] = []

    def count(suffix: str, found: Found) -> None:
        tried.append(suffix)
        tally.add(f"searched {suffix}", found.outcome, found.cost_s)

    worst = search(SEARCH_S, 1, count)
    assert set(tried) == set(worst)
    for suffix, found in worst.items():
        for one in found:
            assert one.cost_s < LIMIT_S, (suffix, len(one.content), one.outcome)
            assert not one.outcome.startswith("!"), (suffix, one.outcome)
