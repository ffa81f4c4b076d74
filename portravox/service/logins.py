"""Signing in at the page without typing a key: one-time links, and the passes they give.

Flow      cli.serve, cli.link -> LoginTokens.create -> a link on the terminal -> the page
          the page -> routes.studio -> LoginTokens.redeem -> Passes.create -> Service.caller

Whoever can write into the data folder may make links: they could read everything there anyway. A
token is an empty file called by its hash, and removing that file is redeeming it: of any number
that try, one succeeds, also across restarts.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from portravox.service.errors import SecretsUnreadable

TOKEN_LIFE_S = 600.0
"""How long an unused link works. Our choice."""

PASS_LIFE_S = 12 * 3600.0
"""How long a pass works: a working day. Our choice."""

_TOKEN_BYTES = 16

PASS_PREFIX = "st-"
"""As DashScope's temporary keys begin."""

_MOST_PASSES = 1000
"""Beyond, the oldest end early. Our choice."""


class Logins(Protocol):
    """Makes tokens of one-time links, and knows each of them once."""

    def create(self) -> str: ...

    def redeem(self, token: str) -> bool: ...


class StudioPasses(Protocol):
    """Gives temporary keys, and knows those that it gave."""

    def create(self) -> str: ...

    def holds(self, presented: str) -> bool: ...


class LoginTokens:
    """Tokens of one-time links, in a folder."""

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._clock = clock

    def create(self) -> str:
        """A token that works once, for TOKEN_LIFE_S. Raises SecretsUnreadable."""
        token = secrets.token_hex(_TOKEN_BYTES)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for file in self._folder.iterdir():
                if self._age_s(file) > TOKEN_LIFE_S:
                    file.unlink(missing_ok=True)
            self._file(token).touch(mode=0o600, exist_ok=False)
        except OSError as error:
            raise SecretsUnreadable(self._folder, error.strerror or str(error)) from error
        return token

    def redeem(self, token: str) -> bool:
        """Whether a token is good; it never is again."""
        file = self._file(token)
        try:
            fresh = self._age_s(file) <= TOKEN_LIFE_S
            file.unlink()
        except OSError:  # no such token, or somebody was faster
            return False
        return fresh

    def _file(self, token: str) -> Path:
        return self._folder / hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()

    def _age_s(self, file: Path) -> float:
        return self._clock() - file.stat().st_mtime


class Passes:
    """Temporary keys of a running server, each good for the page of one browser tab.

    Kept in memory: a restart ends them all.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ends: dict[str, float] = {}

    def create(self) -> str:
        """A new pass."""
        secret = PASS_PREFIX + secrets.token_hex(_TOKEN_BYTES)
        now = self._clock()
        self._ends = {name: end for name, end in self._ends.items() if end > now}
        while len(self._ends) >= _MOST_PASSES:
            del self._ends[next(iter(self._ends))]
        self._ends[_sha256(secret)] = now + PASS_LIFE_S
        return secret

    def holds(self, presented: str) -> bool:
        """Whether somebody presents a pass that has not ended.

        Looked up by its hash, so that time tells nothing about passes that are nearly right.
        """
        end = self._ends.get(_sha256(presented))
        return end is not None and end > self._clock()


def _sha256(presented: str) -> str:
    return hashlib.sha256(presented.encode("utf-8", "surrogatepass")).hexdigest()
