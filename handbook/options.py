"""The list of options, from their definitions.

Flow      portravox.options -> options -> docs/parameters.md
"""

from __future__ import annotations

from handbook.markdown import code, table
from portravox.options import EXTENSION, OPTIONS, Choice, Option, Real, Text, Truth, Whole


def section() -> str:
    """A row for each option: how it is written everywhere, what it may be, what it is for."""
    heading = ("name", "values", "default", "over HTTP", "")
    return table(heading, [_row(option) for option in OPTIONS.values()])


def _row(option: Option) -> tuple[str, str, str, str, str]:
    default = code(_written(option.default)) if option.none is None else option.none.en
    place = "parameters" if option.original else f"parameters.{EXTENSION}"
    return code(option.name), _values(option), default, code(place), option.help.en


def _values(option: Option) -> str:
    unit = f" {option.unit.en}" if option.unit else ""
    match option.kind:
        case Real(low, high):
            return f"{low:g} to {high:g}{unit}"
        case Whole(low, high):
            return f"{low} to {high}{unit}"
        case Truth():
            return "`true`, `false`"
        case Choice(names):
            return ", ".join(map(code, names))
        case Text(wanted=wanted):
            return wanted
    return ""


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
