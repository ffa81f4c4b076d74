"""Blocks of code in the README and the pages, and the commands in them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import typer
from markdown_it import MarkdownIt

from portravox.cli.app import app

ROOT = Path(__file__).parents[2]
PAGES = (
    *sorted(ROOT.glob("README*.md")),
    *sorted(path for path in (ROOT / "docs").rglob("*.md") if "decisions" not in path.parts),
)

PROGRAMS = {"portravox", "make"}
"""What is read as a command wherever it stands first."""


@dataclass(frozen=True)
class Block:
    page: Path
    line: int
    language: str
    """Empty for indented blocks."""
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path) -> list[Block]:
    """All blocks of code of a page, in order."""
    tokens = MarkdownIt("commonmark").parse(page.read_text(encoding="utf-8"))
    return [
        Block(page, token.map[0] + 1 if token.map else 0, token.info.strip(), token.content)
        for token in tokens
        if token.type in ("fence", "code_block")
    ]


def commands(block: Block) -> Iterator[list[str]]:
    """Calls of our own programs in a block of shell, a list of words each, the program first."""
    joined = block.text.replace("\\\n", " ")
    for line in joined.splitlines():
        words = shlex.split(line, comments=True)
        for call in _split(words):
            while call and re.fullmatch(r"[A-Z_]+=.*", call[0]):
                call = call[1:]
            if call[:2] == ["sudo", "-u"]:
                call = call[3:]
            if call and Path(call[0]).name in PROGRAMS:
                yield [Path(call[0]).name, *call[1:]]


class NotTaken(Exception):
    """The parser refuses a call."""

    def __init__(self, message: str, *, lacks: bool) -> None:
        super().__init__(message)
        self.lacks = lacks
        """Nothing is wrong in it; arguments are left out."""


def take(words: list[str]) -> None:
    """Have the program's own parser read a call; nothing is carried out. Raises NotTaken."""
    command = typer.main.get_command(app)
    rest = words[1:]
    while children := getattr(command, "commands", None):
        if not rest or rest[0] not in children:
            raise NotTaken(f"no command in {words}", lacks=not rest)
        command, rest = children[rest[0]], rest[1:]
    try:
        command.make_context(words[0], rest)
    except Exception as error:  # typer has its own, private copies of click's
        lacks = type(error).__name__ == "MissingParameter"
        raise NotTaken(f"{words}: {getattr(error, 'message', error)}", lacks=lacks) from error


def _split(words: list[str]) -> Iterator[list[str]]:
    call: list[str] = []
    for word in words:
        if word in ("&&", "||", "|", ";"):
            yield call
            call = []
        else:
            call.append(word)
    yield call
