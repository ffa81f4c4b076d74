"""The reference of the Python package, from its signatures and docstrings.

Flow      portravox.__all__ -> python_api -> docs/reference/python.md
"""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any

import portravox
from handbook.markdown import anchor, block, code, described_fields, table
from portravox.options import Direction, options_of


def section() -> str:
    """Every public name: functions first, then classes, each in the order of the alphabet."""
    named = [(name, getattr(portravox, name)) for name in portravox.__all__ if name[0] != "_"]
    named.sort(key=lambda entry: (isinstance(entry[1], type), entry[0].lower()))
    return "\n\n".join(part for name, thing in named for part in _described(name, thing))


def _described(name: str, thing: Any) -> list[str]:
    parts = [f"## {name} {{ #{anchor(name)} }}"]
    if not isinstance(thing, type):
        return [*parts, block(_signature(name, thing), "python"), *_text(thing)]
    parts += _text(thing)
    if dataclasses.is_dataclass(thing):
        texts = described_fields(thing)
        if issubclass(thing, Direction):
            texts |= {name: option.help.en for name, option in options_of(thing).items()}
        rows = [
            (code(field.name), code(_type_name(field.type)), _default(field), texts[field.name])
            for field in dataclasses.fields(thing)
        ]
        parts.append(table(("field", "", "default", ""), rows))
    for member, value in _public_members(thing):
        parts.append(f"### {name}.{member} {{ #{anchor(f'{name}-{member}')} }}")
        if isinstance(value, property):
            kind = inspect.signature(value.fget).return_annotation if value.fget else ""
            parts += [block(f"{member}: {kind}", "python"), *_text(value)]
        else:
            function = value.__func__ if isinstance(value, (classmethod, staticmethod)) else value
            parts += [block(_signature(member, function), "python"), *_text(function)]
    return parts


_MEMBERS = (property, classmethod, staticmethod)


def _public_members(kind: type) -> list[tuple[str, Any]]:
    """Methods and properties that the class itself defines."""
    return [
        (name, value)
        for name, value in vars(kind).items()
        if not name.startswith("_") and (isinstance(value, _MEMBERS) or inspect.isfunction(value))
    ]


def _signature(name: str, function: Any) -> str:
    """As it would stand in the code, in one line or one for each argument."""
    signature = inspect.signature(function)
    arguments = []
    for parameter in signature.parameters.values():
        if parameter.name == "self":
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in arguments:
            arguments.append("*")
        arguments.append(_argument(parameter))
    line = f"{name}({', '.join(arguments)}) -> {signature.return_annotation}"
    if len(line) <= _LINE:
        return line
    inside = "".join(f"    {argument},\n" for argument in arguments)
    return f"{name}(\n{inside}) -> {signature.return_annotation}"


_LINE = 88
"""Characters that fit beside the list of pages; our choice."""


def _argument(parameter: inspect.Parameter) -> str:
    default = "" if parameter.default is parameter.empty else f" = {parameter.default!r}"
    return f"{parameter.name}: {parameter.annotation}{default}"


def _text(thing: Any) -> list[str]:
    """A docstring: sentences as they are, lists of arguments as they were laid out."""
    text = inspect.getdoc(thing) or ""
    parts = []
    for paragraph in text.split("\n\n"):
        lines = paragraph.split("\n")
        if paragraph.startswith(">>> "):
            parts.append(block(paragraph, "pycon"))
            continue
        laid_out = any("   " in line.strip() or line.startswith(" ") for line in lines)
        parts.append(block(paragraph, "text") if laid_out else paragraph)
    return [part for part in parts if part]


def _type_name(kind: Any) -> str:
    return kind if isinstance(kind, str) else getattr(kind, "__name__", str(kind))


def _default(field: dataclasses.Field[Any]) -> str:
    return "" if field.default is dataclasses.MISSING else code(repr(field.default))
