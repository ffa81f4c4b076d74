"""Where model files lie, and whether they are what they should be.

Flow      model_files.catalogue -> model_files.store -> fetch, required, cli.models

Looked for in the folder that PORTRAVOX_MODELS_DIR names, and nowhere else; or, where it names none,
in the Python environment that Portravox is installed in and then in the user's cache folder.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from typing import Literal

from portravox.errors import ModelFileBroken, ModelFileMissing
from portravox.model_files.catalogue import SETS, ModelFile, ModelSet
from portravox.system import user_cache_folder

VARIABLE = "PORTRAVOX_MODELS_DIR"

State = Literal["ok", "missing", "broken"]

_CHUNK_BYTES = 1 << 20

_VERIFIED: dict[Path, tuple[int, int]] = {}
"""Size and time of change (ns) of the files whose bytes were right when this process read them."""


def folders() -> tuple[Path, ...]:
    """Where files are looked for, in this order."""
    named = os.environ.get(VARIABLE)
    if named:
        return (Path(named),)
    return (_in_the_environment(), user_cache_folder() / "portravox" / "models")


def folder_to_fetch_into() -> Path:
    """Where fetched files go: into a virtual environment of one's own, with which they are removed
    again, or else into the user's cache folder."""
    choices = folders()
    if len(choices) == 1:
        return choices[0]
    environment, cache = choices
    own = sys.prefix != sys.base_prefix and os.access(sys.prefix, os.W_OK | os.X_OK)
    return environment if own else cache


def find(file: ModelFile) -> Path | None:
    """Where a file lies, an intact one before a broken one."""
    places = [folder / file.name for folder in folders() if (folder / file.name).is_file()]
    intact = (place for place in places if is_intact(file, place))
    return next(intact, places[0] if places else None)


def state_of(file: ModelFile) -> State:
    """Whether a file is there and its bytes are the right ones."""
    place = find(file)
    if place is None:
        return "missing"
    return "ok" if is_intact(file, place) else "broken"


def is_intact(file: ModelFile, place: Path) -> bool:
    """Whether these are the bytes that the catalogue names; each file is read once a process."""
    try:
        found = place.stat()
        stamp = (found.st_size, found.st_mtime_ns)
        if _VERIFIED.get(place) != stamp:
            if found.st_size != file.bytes or sha256_of(place) != file.sha256:
                return False
            _VERIFIED[place] = stamp
        return True
    except OSError:
        return False


def sha256_of(place: Path) -> str:
    digest = hashlib.sha256()
    with place.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def missing_files(sets: tuple[ModelSet, ...] = SETS) -> tuple[ModelFile, ...]:
    """Files that are not there or are broken."""
    return tuple(file for each in sets for file in each.files if state_of(file) != "ok")


def installed(file: ModelFile) -> Path:
    """The place of a file whose bytes were checked; nothing is fetched.

    Raises ModelFileMissing, ModelFileBroken.
    """
    place = find(file)
    if place is None:
        raise ModelFileMissing(file.name, folder_to_fetch_into())
    if not is_intact(file, place):
        raise ModelFileBroken(place)
    return place


def _in_the_environment() -> Path:
    return Path(sys.prefix) / "share" / "portravox" / "models"
