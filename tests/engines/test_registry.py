"""Engines are found by name, and opened only when asked for."""

from __future__ import annotations

import subprocess
import sys

import pytest

from portravox.engines.registry import ENTRIES, EngineEntry, open_engine
from portravox.errors import EngineUnavailable, SettingOutOfRange


@pytest.mark.parametrize("name", ENTRIES)
def test_an_entry_tells_what_the_engine_is(name: str) -> None:
    assert ENTRIES[name].description


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SettingOutOfRange, match="embedded"):
        open_engine("abacus")


def test_an_engine_that_lacks_a_module_is_not_the_callers_fault() -> None:
    entries = {"far": EngineEntry("portravox.nowhere:Far", "is not there", ("no_such_module",))}
    with pytest.raises(EngineUnavailable, match="no_such_module"):
        open_engine("far", entries)


def test_the_registry_loads_no_engine() -> None:
    code = (
        "import sys, portravox.engines.registry;"
        "assert 'portravox.engines.embedded' not in sys.modules and 'cv2' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
