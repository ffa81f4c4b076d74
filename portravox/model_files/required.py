"""A model file where it is needed: fetched at its first use, or an error that says how to have it.

Flow      model_files.store, model_files.fetch -> model_files.required -> face.networks, demo
"""

from __future__ import annotations

import threading
from pathlib import Path

from portravox.model_files.catalogue import FACES, SETS, ModelFile, ModelSet, file_named
from portravox.model_files.store import find, installed

_LOCK = threading.Lock()
_may_fetch = True


def forbid_fetching() -> None:
    """From now on a missing file is an error at once: for processes without a network."""
    global _may_fetch
    _may_fetch = False


def required(name: str) -> Path:
    """The place of a file whose bytes were checked, fetched now if it is not there yet.

    Raises ModelFileMissing, ModelFileBroken or ModelFetchFailed.
    """
    file = file_named(name)
    with _LOCK:
        if find(file) is None and _may_fetch:
            from portravox.model_files.fetch import fetch_missing  # brings HTTP and zip files in

            fetch_missing((_set_with(file),))
        return installed(file)


def require_all(sets: tuple[ModelSet, ...] = (FACES,)) -> None:
    """Have all files of some sets, so that nothing is fetched later; raises as `required`."""
    for each in sets:
        for file in each.files:
            required(file.name)


def _set_with(file: ModelFile) -> ModelSet:
    return next(each for each in SETS if file in each.files)
