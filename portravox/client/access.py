"""Which server to ask, and with which key.

Flow      cli.client -> client.access -> client.connection

A key is never taken from the command line, where every user of the machine can read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from portravox.errors import FileMissing, SettingOutOfRange

API = "/api/v1"

DEFAULT_BASE_URL = "http://127.0.0.1:8000"
"""Where `portravox serve` listens unless told otherwise."""

BASE_URLS = ("PORTRAVOX_BASE_URL", "DASHSCOPE_HTTP_BASE_URL")
"""Environment variables, the first that is not empty counts. The second is the one that the
official packages know."""

KEYS = (
    ("PORTRAVOX_API_KEY", "PORTRAVOX_API_KEY_FILE"),
    ("DASHSCOPE_API_KEY", "DASHSCOPE_API_KEY_FILE_PATH"),
)
"""The same for the key, and for a file with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """A server, and who we are there."""

    base_url: str
    """Ends in /api/v1."""

    api_key: str | None = field(default=None, repr=False)
    """None: the server asks for none."""

    @property
    def is_this_machine(self) -> bool:
        """Whether the base URL names loopback."""
        return urlsplit(self.base_url).hostname in ("localhost", "127.0.0.1", "::1")

    @property
    def host(self) -> str:
        """For messages."""
        return urlsplit(self.base_url).netloc


def find_access(
    environment: Mapping[str, str],
    *,
    base_url: str | None = None,
    api_key_file: Path | None = None,
) -> Access:
    """What the command line says, else what the environment says.

    base_url      with or without /api/v1 at the end
    api_key_file  has the key as its only line

    Raises SettingOutOfRange for what is no URL or no key, FileMissing.
    """
    named = (environment.get(name) for name in BASE_URLS)
    chosen = base_url or next(filter(None, named), DEFAULT_BASE_URL)
    return Access(base_url=_with_api(chosen), api_key=_key(environment, api_key_file))


def _with_api(url: str) -> str:
    wanted = SettingOutOfRange("base_url", url, "http://host or https://host")
    try:
        parts = urlsplit(url.strip())
        named = parts.scheme in ("http", "https") and parts.hostname and (parts.port or True)
    except ValueError as error:  # a port that is no number, brackets that do not match
        raise wanted from error
    if not named or parts.query or parts.fragment:
        raise wanted
    return url.strip().rstrip("/").removesuffix(API) + API


def _key(environment: Mapping[str, str], file: Path | None) -> str | None:
    if file is not None:
        return _checked(_read(file))
    for key, key_file in KEYS:
        if environment.get(key):
            return _checked(environment[key])
        if environment.get(key_file):
            return _checked(_read(Path(environment[key_file]).expanduser()))
    return None


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise FileMissing(file, error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise FileMissing(file, "not a text") from error


def _checked(text: str) -> str:
    """A key that a header can carry. Its value is not told: it may be most of a real one."""
    key = text.strip()
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise SettingOutOfRange("api_key", "…", "one line of letters, digits and signs")
    return key
