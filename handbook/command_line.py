"""The reference of the command line, from the parser that reads it.

Flow      portravox.cli.app -> command_line -> docs/reference/cli.md
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from handbook.markdown import anchor, block, cell, code, table
from portravox.cli.app import app


def commands() -> Iterator[tuple[str, Any]]:
    """Every command that does something, by its name as it is typed."""
    yield from _below("portravox", typer.main.get_command(app))


def _below(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    children = getattr(command, "commands", {})
    if not children:
        yield path, command
    for name, child in children.items():
        yield from _below(f"{path} {name}", child)


def section() -> str:
    """All commands with all their options."""
    parts = []
    for path, command in commands():
        arguments = [p for p in command.params if p.param_type_name == "argument"]
        options = [p for p in command.params if p.param_type_name == "option"]
        typed = [path, *(_typed(argument) for argument in arguments), "[OPTIONS]"]
        parts.append(f"## {path} {{ #{anchor(path)} }}")
        parts.append(command.help.strip())
        parts.append(block(" ".join(typed), "text"))
        if arguments:
            parts.append(
                table(("argument", ""), [(code(_typed(a)), a.help or "") for a in arguments])
            )
        if options:
            parts.append(table(("option", "default", ""), [_option(o) for o in options]))
    return "\n\n".join(parts)


def _typed(argument: Any) -> str:
    name = argument.metavar or argument.name.upper()
    return name if argument.required else f"[{name}]"


def _option(option: Any) -> tuple[str, str, str]:
    names = "/".join(["`, `".join(option.opts), *option.secondary_opts])
    value = (
        "" if option.is_flag else f" {option.metavar or _KINDS[option.type_descriptor.annotation]}"
    )
    return f"`{cell(names + value)}`", _default(option), option.help or ""


def _default(option: Any) -> str:
    if option.required:
        return "required"
    if isinstance(option.show_default, str):
        return option.show_default
    if option.secondary_opts:
        return code(option.opts[0] if option.default else option.secondary_opts[0])
    if option.is_flag or option.default is None:
        return ""
    return code(option.default)


_KINDS: dict[type, str] = {str: "TEXT", int: "N", float: "NUMBER", Path: "PATH"}
"""What stands for a value whose option does not say it itself."""
