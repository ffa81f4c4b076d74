"""Engines by name: what each is, what it needs, and how it is opened.

Flow      pipeline, command line -> engines.registry -> an engine

An entry loads nothing: its module is imported when the engine is opened.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from portravox.errors import EngineUnavailable, ModelFileMissing, SettingOutOfRange
from portravox.model_files.catalogue import OPTIONAL_SETS
from portravox.model_files.store import folder_to_fetch_into, missing_files

if TYPE_CHECKING:
    from collections.abc import Callable

    from portravox.engines.base import Engine


DEVICE = "PORTRAVOX_DEVICE"
"""Environment variable: where an engine that can choose computes: cuda, cuda:1, mps, xpu or cpu;
unset: the first graphics card."""


PROCESSOR = "the processor"

PROBE_TIME_S = 120.0
"""For a look at devices: a driver that has to wake its cards takes some seconds. Our choice."""


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

    draws_alpha: bool = False
    """Whether frames of a picture that is to be seen through say what of them is the person."""

    weights: tuple[str, ...] = ()
    """Names of sets of model files, one of which has to be there."""

    probe: str = ""
    """A module that, run as a program, prints the device that the engine would compute on, or says
    on stderr why there is none. Empty: the processor, by whatever is installed anyway."""

    @property
    def missing(self) -> tuple[str, ...]:
        """The modules among `needs` that are not installed."""
        return tuple(module for module in self.needs if find_spec(module) is None)


ENTRIES: Mapping[str, EngineEntry] = MappingProxyType(
    {
        "embedded": EngineEntry(
            factory="portravox.engines.embedded:EmbeddedEngine",
            description="moves the photograph itself by a rig; runs on the processor, no weights",
            draws_alpha=True,
        ),
        "neural": EngineEntry(
            factory="portravox.engines.neural.engine:open_neural",
            description="draws with LivePortrait's networks; wants a graphics card and weights",
            needs=("torch",),
            repeats_within_levels=2,
            weights=("neural", "neural-safetensors"),
            probe="portravox.engines.neural.devices",
        ),
    }
)


def open_engine(name: str, entries: Mapping[str, EngineEntry] = ENTRIES) -> Engine:
    """Open an engine by its name.

    Raises SettingOutOfRange where there is none of this name, EngineUnavailable where a module
    that it needs is not installed.
    """
    entry = _installed_entry(name, entries)
    module, _, factory = entry.factory.partition(":")
    opened = cast("Callable[[], Engine]", getattr(importlib.import_module(module), factory))
    return opened()


def device_of(name: str, entries: Mapping[str, EngineEntry] = ENTRIES) -> str:
    """What an engine would compute on, for people, after looking whether it could be opened.

    Its libraries are loaded in a process of their own: whoever asks needs none of them.

    Raises as `open_engine`, and ModelFileMissing where weights are not there.
    """
    entry = _installed_entry(name, entries)
    sets = tuple(each for each in OPTIONAL_SETS if each.name in entry.weights)
    if sets and all(missing_files((each,)) for each in sets):
        error = ModelFileMissing(missing_files(sets[:1])[0].name, folder_to_fetch_into())
        error.hint = f"Run `portravox models fetch {sets[0].name}`, which shows the licences first."
        raise error
    if not entry.probe:
        return PROCESSOR
    command = [sys.executable, "-m", entry.probe]
    try:
        told = subprocess.run(
            command, capture_output=True, text=True, timeout=PROBE_TIME_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EngineUnavailable(f"{name}: the look for a device does not end: {error}") from error
    if told.returncode:
        lines = told.stderr.strip().splitlines() or ["it says nothing"]
        raise EngineUnavailable(f"{name}: {lines[-1]}")
    return told.stdout.strip()


def _installed_entry(name: str, entries: Mapping[str, EngineEntry]) -> EngineEntry:
    """The entry of an engine whose libraries are there."""
    entry = entries.get(name)
    if entry is None:
        raise SettingOutOfRange("engine", name, ", ".join(entries))
    if entry.missing:
        raise EngineUnavailable(
            f"the engine {name!r} needs {', '.join(entry.missing)}, which is not installed:"
            f" pip install 'portravox[{name}]'"
        )
    return entry
