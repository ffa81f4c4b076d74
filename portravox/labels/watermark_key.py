"""The key by which watermarks are made and found: of whoever runs the program, or public.

Flow      PORTRAVOX_WATERMARK_KEY, settings -> watermark_key -> labels.watermark, inspection
"""

from __future__ import annotations

import os
from typing import Final

from portravox.errors import SettingOutOfRange
from portravox.system import ENVIRONMENT

PUBLIC_KEY: Final = "Portravox, a key that everybody may know"
"""Of marks where whoever runs the program has no key of their own: whoever has this program can
find them, and whoever can find a mark can also take it out."""

OFF: Final = "off"
"""Instead of a key: no mark."""

MIN_CHARACTERS, MAX_CHARACTERS = 16, 200
"""Of a key; our choice."""

VARIABLE: Final = f"{ENVIRONMENT}WATERMARK_KEY"
"""Environment variable with the key, or `off`."""

WANTED: Final = f"off, or a key of {MIN_CHARACTERS} to {MAX_CHARACTERS} characters"


def checked_key(key: str) -> str:
    """A key, or `off`; the public one where nothing is said. Raises SettingOutOfRange, which does
    not tell the key."""
    if key in ("", OFF):
        return key or PUBLIC_KEY
    if not MIN_CHARACTERS <= len(key) <= MAX_CHARACTERS or not key.isprintable():
        raise SettingOutOfRange("watermark_key", f"{len(key)} characters", WANTED)
    return key


def key_of_environment() -> str:
    """What PORTRAVOX_WATERMARK_KEY says: a key, or `off`; the public key where it says nothing.

    Raises SettingOutOfRange.
    """
    return checked_key(os.environ.get(VARIABLE, ""))


def keys_looked_for(key: str) -> tuple[str, ...]:
    """Whose marks a reader looks for: those of a key of one's own, if there is one, and the public
    ones."""
    return tuple(dict.fromkeys(known for known in (key, PUBLIC_KEY) if known != OFF))
