"""The table of the service's settings, from the class that reads them.

Flow      portravox.service.settings -> settings -> docs/reference/settings.md
"""

from __future__ import annotations

import types
import typing
from enum import Enum
from typing import Any

from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from handbook.command_line import commands
from handbook.markdown import code, described_fields, table
from portravox.service.settings import ServiceSettings


def section() -> str:
    """All settings, by name and flag."""
    texts = described_fields(ServiceSettings, shared=True)
    flags = {p.name: p.opts[0] for p in dict(commands())["portravox serve"].params}
    rows = [
        (
            code(name),
            code(flags.get(name, "")),
            _kind(field.annotation),
            _default(field),
            texts[name],
        )
        for name, field in ServiceSettings.model_fields.items()
    ]
    return table(("name", "flag", "", "default", ""), rows)


def _kind(annotation: Any) -> str:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return " or ".join(_kind(a) for a in typing.get_args(annotation) if a is not type(None))
    if typing.get_origin(annotation) is typing.Literal:
        return ", ".join(code(value) for value in typing.get_args(annotation))
    if typing.get_origin(annotation) is typing.Annotated:
        return _kind(typing.get_args(annotation)[0])
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return ", ".join(code(member.value) for member in annotation)
    if typing.get_origin(annotation) is dict:
        return "table of texts"
    if annotation is SecretStr:
        return "secret text"
    return {str: "text", int: "whole number", float: "number", bool: "`true`, `false`"}.get(
        annotation, "path"
    )


def _default(field: Any) -> str:
    if field.default_factory is dict:
        return "none"
    if field.default_factory is not None:
        return code("~/.local/share/portravox")
    if field.default is PydanticUndefined or field.default in (None, ""):
        return "none"
    if isinstance(field.default, bool):
        return code(str(field.default).lower())
    return code(field.default.value if isinstance(field.default, Enum) else field.default)
