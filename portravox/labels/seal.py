"""The last thing written into a video: a manifest of where it comes from, and who signs for it.

Flow      an MP4 -> prepare (where files of strangers are opened) -> seal (where the key is)

In two steps, so that the process that takes files apart has no key, and the one with the key takes
none apart: the first leaves a manifest with a placeholder, the second compares every word of it
with what it knows by itself, hashes the video, and writes the signature over the placeholder
(docs/decisions/0036-who-signs-reads-every-word.md).
"""

from __future__ import annotations

import contextlib
import mmap
import os
import secrets
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from portravox.atomic_file import SHARED, part_of
from portravox.errors import SealFailed
from portravox.labels import c2pa_library
from portravox.labels.manifest import ManifestRefused, Unsigned, unsigned_manifest
from portravox.labels.origin import Origin, definition
from portravox.labels.signer import Signer
from portravox.system import open_strangers_file


@dataclass(frozen=True, slots=True, kw_only=True)
class Placeholder:
    """What a manifest is prepared with: nothing in it is secret."""

    chain_pem: str
    algorithm: str
    content: bytes
    """Stands where the signature will, and is as long."""


def placeholder_for(signer: Signer) -> Placeholder:
    """One that stands nowhere else: random, and no signature of ECDSA in DER."""
    return Placeholder(
        chain_pem=signer.chain_pem,
        algorithm=signer.algorithm,
        content=b"\xff" + secrets.token_bytes(signer.signature_bytes - 1),
    )


def prepare(video: Path, origin: Origin, placeholder: Placeholder) -> None:
    """Put a manifest without a signature into a video. Raises SealFailed, OSError."""
    prepared = part_of(video, mode=SHARED)
    try:
        c2pa_library.put_manifest(
            video,
            prepared,
            definition(origin),
            chain_pem=placeholder.chain_pem,
            algorithm=placeholder.algorithm,
            placeholder=placeholder.content,
        )
        prepared.replace(video)
    except ValueError as error:
        raise SealFailed(f"no manifest could be put into the video: {error}") from error
    finally:
        prepared.unlink(missing_ok=True)


def seal(video: Path, origin: Origin, signer: Signer, placeholder: bytes) -> None:
    """Sign the manifest of a video in its place, and read it back; on the disk when this returns.

    Raises SealFailed where it does not say what it is to say, CredentialsUnusable, OSError.
    """
    with _mapped(video) as whole:
        before = _unsigned(whole, origin, signer, placeholder)
    signature = signer.sign(before.to_sign)
    descriptor = os.open(video, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    with os.fdopen(descriptor, "r+b") as stream:
        stream.seek(before.signature_at)
        stream.write(signature)
        stream.flush()
        os.fsync(descriptor)
    with _mapped(video) as whole:
        after = _unsigned(whole, origin, signer, signature)
    if after != before:
        raise SealFailed("the video does not carry its signature; it was not kept")


def _unsigned(whole: mmap.mmap, origin: Origin, signer: Signer, placeholder: bytes) -> Unsigned:
    try:
        return unsigned_manifest(
            whole,
            origin,
            chain=signer.chain,
            algorithm=signer.algorithm,
            placeholder=placeholder,
        )
    except ManifestRefused as error:
        raise SealFailed(f"the video's manifest was not signed: {error}") from error


@contextlib.contextmanager
def _mapped(video: Path) -> Iterator[mmap.mmap]:
    """The bytes of a file that somebody else may have put there. Raises SealFailed."""
    descriptor = open_strangers_file(video)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode) or not os.fstat(descriptor).st_size:
            raise SealFailed("there is no video to sign")
        with mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) as whole:
            yield whole
    finally:
        os.close(descriptor)
