"""The record of a batch: which videos are finished, so that a second run goes on from there.

Flow      cli.batch -> cli.batch_ledger -> results.jsonl beside the videos

Each finished or failed row adds one line; the last line about a video counts. A row is finished
when its inputs and settings are the same by content as recorded and the video is still as written.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from portravox.cli.paths import require_folder
from portravox.errors import FileMissing, OutputNotWritable
from portravox.media.files import MIB

NAME = "results.jsonl"

_WORTH_HASHING = 1024 * MIB
"""Larger inputs are refused anyway, so nothing needs to know them again."""


class Ledger:
    """The results.jsonl of one folder."""

    def __init__(self, folder: Path) -> None:
        """Read what is there; lines cut off by a crash are passed over. Makes the folder, in
        one that is there.

        Raises OutputNotWritable.
        """
        self._folder = folder
        self._path = folder / NAME
        self._latest: dict[str, Mapping[str, object]] = {}
        require_folder(folder)
        try:
            folder.mkdir(exist_ok=True)
            with self._path.open("a+b") as file:
                file.seek(0)
                content = file.read()
                if content and not content.endswith(b"\n"):
                    file.write(b"\n")
        except OSError as error:
            raise OutputNotWritable(folder, error.strerror or str(error)) from error
        for line in content.splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict) and isinstance(entry.get("output"), str):
                self._latest[entry["output"]] = entry

    def is_finished(self, output: str, key: str) -> bool:
        """Whether this video was made from these inputs and is whole."""
        entry = self._latest.get(output, {})
        if not key or entry.get("status") != "done" or entry.get("key") != key:
            return False
        video = self._folder / output
        return video.is_file() and entry.get("sha256") == _digest(video)

    def record_done(self, output: str, key: str, result: Mapping[str, object]) -> None:
        """A video was made."""
        video = {"sha256": _digest(self._folder / output)}
        self._add({"output": output, "status": "done", "key": key, **video, "result": result})

    def record_failed(self, output: str, key: str, error: Mapping[str, object]) -> None:
        """A video could not be made."""
        self._add({"output": output, "status": "failed", "key": key, "error": error})

    def _add(self, entry: Mapping[str, object]) -> None:
        self._latest[str(entry["output"])] = entry
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")
        except OSError as error:
            raise OutputNotWritable(self._path, error.strerror or str(error)) from error


def job_key(files: Iterable[Path | None], settings: Mapping[str, object]) -> str:
    """The same for the same content and settings, whatever the files are called.

    Empty where a file is too large to be taken. Raises FileMissing.
    """
    parts = [json.dumps(settings, sort_keys=True)]
    for path in filter(None, files):
        if not path.is_file():
            raise FileMissing(path, "not a file" if path.exists() else "no such file")
        try:
            if path.stat().st_size > _WORTH_HASHING:
                return ""
            parts.append(_digest(path))
        except OSError as error:
            raise FileMissing(path, error.strerror or str(error)) from error
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
