"""The statement that an operator asks for with each task, and a record of who made it.

Flow      settings -> Consent -> routes.videos: refuse, or write down; routes.consent, studio: tell

A client names the statement by a digest of its text: what was agreed to is what was shown, and a
statement that has changed has to be read anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from portravox.atomic_file import writing
from portravox.service import problems
from portravox.service.errors import StorageFailed
from portravox.service.problems import Refusal
from portravox.service.records import append, session_and_when, who_and_when
from portravox.service.tasks.queue import Json
from portravox.service.tasks.task import Task

RECORD_NAME = "consent.jsonl"
STATEMENTS_NAME = "statements"
"""In the data folder: who agreed to what, and the texts by their ids."""

MAX_STATEMENT = 2000
"""Characters; what people read before they tick a box. Our choice."""

ID_DIGITS = 32
"""Of SHA-256, in hexadecimal digits: 128 bits, beyond anybody's search for two texts of one id."""


@dataclass(frozen=True)
class Consent:
    """What the operator asks for."""

    statement: str
    folder: Path
    """Where records lie."""

    @cached_property
    def id(self) -> str:
        """By which clients name the statement."""
        return hashlib.sha256(self.statement.encode()).hexdigest()[:ID_DIGITS]

    def require(self, given: Json) -> None:
        """Refuse a submission that does not name this very statement. Raises Refusal."""
        if given != self.id:
            raise Refusal(problems.CONSENT_REQUIRED)

    def write_down(self, task: Task) -> None:
        """Record who agreed to what; on the disk when this returns, text and all.

        Raises StorageFailed.
        """
        self._write(who_and_when(task))

    def write_session_down(self, session_id: str, key_id: str, begun_at: float) -> None:
        """The same of a live session. Raises StorageFailed."""
        self._write(session_and_when(session_id, key_id, begun_at))

    def _write(self, line: Mapping[str, str]) -> None:
        kept = self.folder / STATEMENTS_NAME / f"{self.id}.txt"
        try:
            if not kept.exists():
                kept.parent.mkdir(mode=0o700, exist_ok=True)
                with writing(kept) as file:
                    file.write(self.statement.encode())
        except OSError as error:
            raise StorageFailed(f"{kept.name}: {error.strerror}") from error
        append(self.folder / RECORD_NAME, {**line, "statement": self.id})
