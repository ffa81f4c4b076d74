"""One chapter of the report: a question, a table, what was wanted.

Flow      head, mouth, people, picture -> Part -> report

A check says what was wanted and whether it was reached; a figure without a check is there to be
compared with that of another version or of a recording of a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Row = tuple[str | float | int, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """Something that was wanted."""

    text: str
    met: bool


@dataclass(frozen=True, slots=True)
class Part:
    """A chapter."""

    key: str
    title: str
    about: str
    columns: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    checks: tuple[Check, ...] = ()
    pictures: tuple[tuple[str, str], ...] = ()
    """(caption, path below OUT)"""

    skipped: str = ""
    """Why there is nothing, where there is nothing."""

    figures: Mapping[str, float] = field(default_factory=dict)
    """Single numbers that belong to no row."""
