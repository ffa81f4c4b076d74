"""The secret with which the server signs what it hands out and will know again.

Flow      a file in the data folder -> SigningKeys -> storage.local: links
                                                   -> storage.uploads: policies
"""

from __future__ import annotations

import base64
import hmac
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from portravox.atomic_file import writing
from portravox.service.errors import SecretsUnreadable

_KEY_BYTES = 32
"""As long as the hash's output: longer ones add nothing (RFC 2104, section 3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKeys:
    """Two keys, so that one can be replaced without breaking what the other has signed."""

    current: bytes = field(repr=False)
    """Signs, and is accepted."""

    previous: bytes | None = field(default=None, repr=False)
    """Only accepted. To be dropped once all that it signed has expired: 24 h for links."""

    def sign(self, purpose: str, text: str) -> str:
        """HMAC-SHA256 in URL-safe base64 without padding, 43 characters.

        purpose  what it is for: a signature made for one purpose is none for another
        """
        return _signature(self.current, purpose, text)

    def is_signed(self, purpose: str, text: str, signature: str) -> bool:
        """Whether one of the keys made this signature; takes as long whatever is wrong with it."""
        asked = _bytes(signature)
        keys = [self.current] if self.previous is None else [self.current, self.previous]
        # A list, so that the second comparison is made whatever the first one says.
        fits = [hmac.compare_digest(_bytes(_signature(k, purpose, text)), asked) for k in keys]
        return any(fits)


def open_signing_keys(path: Path) -> SigningKeys:
    """The keys in a file, which is made with a new key if there is none.

    One key a line, 64 hexadecimal digits: the one that signs, then perhaps the one before. To
    replace a key put a new line on top, remove a third one and restart the server.
    Raises SecretsUnreadable.
    """
    try:
        if not path.exists():
            with writing(path) as stream:
                stream.write(secrets.token_hex(_KEY_BYTES).encode() + b"\n")
        text = path.read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise SecretsUnreadable(path, str(error)) from error
    try:
        keys = [bytes.fromhex(line) for line in text.split()]
    except ValueError:
        keys = []
    if len(keys) not in (1, 2) or any(len(key) != _KEY_BYTES for key in keys):
        # Without what stands there: it may be most of a key.
        raise SecretsUnreadable(path, f"wanted one or two lines of {2 * _KEY_BYTES} hex digits")
    return SigningKeys(current=keys[0], previous=keys[1] if len(keys) == 2 else None)


def _signature(key: bytes, purpose: str, text: str) -> str:
    digest = hmac.digest(key, purpose.encode() + b"\0" + _bytes(text), "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    """Any text as bytes, lone surrogates included: what clients send is compared, never decoded."""
    return text.encode("utf-8", "surrogatepass")
