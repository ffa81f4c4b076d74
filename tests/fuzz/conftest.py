"""How much is tried, and a table of what came of it."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest


@dataclass
class Tally:
    """What came of all cases of each kind."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)
    slowest_s: dict[str, float] = field(default_factory=dict)

    def add(self, kind: str, outcome: str, took_s: float) -> None:
        self.counts.setdefault(kind, Counter())[outcome] += 1
        self.slowest_s[kind] = max(self.slowest_s.get(kind, 0.0), took_s)

    def markdown(self) -> str:
        lines = ["| what | cases | what came of them | slowest, s |", "|---|---|---|---|"]
        for kind, counts in self.counts.items():
            told = ", ".join(f"{outcome} {n}" for outcome, n in counts.most_common())
            lines.append(f"| {kind} | {counts.total()} | {told} | {self.slowest_s[kind]:.2f} |")
        return "\n".join(lines) + "\n"


@pytest.fixture(scope="session")
def tally() -> Iterator[Tally]:
    """Written down where PORTRAVOX_FUZZ_OUT says, if it does."""
    tally = Tally()
    yield tally
    out = os.environ.get("PORTRAVOX_FUZZ_OUT")
    if out and tally.counts:
        Path(out).mkdir(parents=True, exist_ok=True)
        (Path(out) / "fuzz.md").write_text(tally.markdown(), encoding="utf-8")
        facts = {"counts": tally.counts, "slowest_s": tally.slowest_s}
        (Path(out) / "fuzz.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


@pytest.fixture(scope="session")
def bodies() -> int:
    """How many requests are made up; a socket gets one of forty besides."""
    return int(os.environ.get("PORTRAVOX_FUZZ_BODIES", "2000"))


@pytest.fixture(scope="session")
def media() -> int:
    """How many pictures and sounds are broken."""
    return int(os.environ.get("PORTRAVOX_FUZZ_MEDIA", "400"))
