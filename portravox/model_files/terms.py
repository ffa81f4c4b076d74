"""Which terms were accepted: asked once, remembered beside the files.

Flow      cli.models -> model_files.terms -> the models folder
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from portravox.model_files.catalogue import ModelSet


def are_accepted(each: ModelSet, folder: Path) -> bool:
    """Whether these very terms were accepted here; others have to be read anew."""
    try:
        return _place(each, folder).read_text(encoding="ascii").strip() == _digest(each)
    except (OSError, UnicodeDecodeError):
        return False


def remember(each: ModelSet, folder: Path) -> None:
    """Note that the terms of a set were accepted. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    _place(each, folder).write_text(_digest(each) + "\n", encoding="ascii")


def _place(each: ModelSet, folder: Path) -> Path:
    return folder / f".accepted-{each.name}"


def _digest(each: ModelSet) -> str:
    return hashlib.sha256("\n".join(each.terms).encode()).hexdigest()
