"""Pieces of Markdown that pages made from the code are put together of.

Flow      handbook.{command_line, http_api, ...} -> markdown -> a page
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterable, Sequence


def table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells may hold any text in one or more lines."""
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join("| " + " | ".join(map(cell, line)) + " |" for line in lines)


def cell(text: str) -> str:
    """Text that a table can carry: in one line, its bars kept from ending the cell."""
    return re.sub(r"(?<!\\)\|", r"\\|", " ".join(text.split()))


def code(text: object) -> str:
    """As code, also in a table and when it holds the mark itself."""
    shown = str(text)
    mark = "``" if "`" in shown else "`"
    return f"{mark}{shown}{mark}" if shown else ""


def block(text: str, language: str = "") -> str:
    """Several lines of code."""
    return f"```{language}\n{text.rstrip()}\n```"


def anchor(name: str) -> str:
    """An id for a heading: the same for the same name, whatever the generator makes of headings."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def described_fields(kind: type, *, shared: bool = False) -> dict[str, str]:
    """What stands under each annotated name of a class, in the order of the class.

    shared   names directly under each other, without a text between, share the one that follows
    """
    tree = ast.parse(textwrap.dedent(inspect.getsource(kind)))
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    texts: dict[str, str] = {}
    waiting: list[str] = []
    last_line = 0
    for statement in body:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name)):
                if not shared or statement.lineno > last_line + 1:
                    waiting = []
                waiting.append(name)
                texts[name] = ""
            case ast.Expr(value=ast.Constant(value=str(text))) if waiting:
                texts.update(dict.fromkeys(waiting, inspect.cleandoc(text)))
                waiting = []
            case _:
                waiting = []
        last_line = statement.end_lineno or statement.lineno
    return texts
