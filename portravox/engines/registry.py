"""Engines by name: what each is, what it needs, and how it is opened.

Flow      pipeline, command line -> engines.registry -> an engine

An entry loads nothing: its module is imported when the engine is opened.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from portravox.errors import EngineUnavailable, SettingOutOfRange

if TYPE_CHECKING:
    from collections.abc import Callable

    from portravox.engines.base import Engine


@dataclass(frozen=True, slots=True)
class EngineEntry:
    """One engine of the registry."""

    factory: str
    """module:name of what is called, without arguments, to open it."""

    description: str

    needs: tuple[str, ...] = ()
    """Modules that must be installed beyond the package's own requirements."""

    repeats_within_levels: int = 0
    """Most by which a pixel, 0..255, may differ between two videos of the same inputs and options
    on the same machine. 0: byte for byte the same. Sums on a graphics card may come in any order.
    """

    @property
    def missing(self) -> tuple[str, ...]:
        """The modules among `needs` that are not installed."""
        return tuple(module for module in self.needs if find_spec(module) is None)


ENTRIES: Mapping[str, EngineEntry] = MappingProxyType(
    {
        "embedded": EngineEntry(
            factory="portravox.engines.embedded:EmbeddedEngine",
            description="moves the photograph itself by a rig; runs on the processor, no weights",
        ),
        "neural": EngineEntry(
            factory="portravox.engines.neural.engine:open_neural",
            description="draws with LivePortrait's networks; wants a graphics card and weights",
            needs=("torch",),
            repeats_within_levels=2,
        ),
    }
)


def open_engine(name: str, entries: Mapping[str, EngineEntry] = ENTRIES) -> Engine:
    """Open an engine by its name.

    Raises SettingOutOfRange where there is none of this name, EngineUnavailable where a module
    that it needs is not installed.
    """
    entry = entries.get(name)
    if entry is None:
        raise SettingOutOfRange("engine", name, ", ".join(entries))
    if entry.missing:
        raise EngineUnavailable(
            f"the engine {name!r} needs {', '.join(entry.missing)}, which is not installed:"
            f" pip install 'portravox[{name}]'"
        )
    module, _, factory = entry.factory.partition(":")
    opened = cast("Callable[[], Engine]", getattr(importlib.import_module(module), factory))
    return opened()
