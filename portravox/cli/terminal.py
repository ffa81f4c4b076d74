"""What the commands print: results on stdout, everything else on stderr.

Flow      a command -> cli.terminal -> the shell
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping


def tell(line: str) -> None:
    """A line for the person who waits: progress, notices, what went wrong."""
    sys.stderr.write(_printable(line) + "\n")
    sys.stderr.flush()


def tell_error(message: str, hint: str = "") -> None:
    """One line that says what went wrong, and one that says what to do, where we know."""
    tell(f"error: {message}")
    if hint:
        tell(f"hint: {hint}")


def give(line: str) -> None:
    """A line of the result."""
    sys.stdout.write(_printable(line) + "\n")
    sys.stdout.flush()


def give_json(result: Mapping[str, object]) -> None:
    """The result as one line of JSON, plain ASCII whatever the terminal speaks."""
    sys.stdout.write(json.dumps(result) + "\n")
    sys.stdout.flush()


def in_one_line(error: BaseException) -> str:
    """Kind and message of an error nobody foresaw."""
    return " ".join(f"{type(error).__name__}: {error}".split())


def _printable(line: str) -> str:
    """File names may hold line breaks, escape codes and bytes that are no text."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
