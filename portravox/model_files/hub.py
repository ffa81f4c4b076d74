"""Model files from a hub: by HTTP, resumed where a connection ended, or from a folder.

Flow      model_files.fetch -> model_files.hub -> the models folder

Files have hundreds of megabytes and connections end. What has arrived stays beside the place of the
file under a hidden name, and the next try, of this call or of another, asks for the rest.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, urlsplit

from portravox.errors import ModelFetchFailed
from portravox.model_files.catalogue import HUB, HubRepository, ModelFile
from portravox.model_files.store import is_intact

ENDPOINT = "HF_ENDPOINT"
"""Environment variable of the hub's own tools: the address of a mirror."""

SILENCE_S = 30.0
"""A connection that brings nothing for so long has ended. Our choice."""

TRIES = 5
"""In a row that bring nothing new."""

PAUSE_S = 1.0
"""Before the second try; twice as long before each further one."""

_PIECE_BYTES = 1 << 20


def fetch_from_hub(
    repository: HubRepository,
    files: tuple[ModelFile, ...],
    folder: Path,
    elsewhere: str | Path | None,
    tell: Callable[[str], None],
    *,
    pause_s: float = PAUSE_S,
) -> None:
    """Bring files into the models folder, each checked by its SHA-256 before it is put in place.

    elsewhere   a folder that has them, flat or as the repository has them; or the address of a
                mirror; None: the hub, or the mirror that HF_ENDPOINT names

    Raises ModelFetchFailed; what arrived of a file that is not whole is kept for the next call.
    """
    if isinstance(elsewhere, Path):
        for file in files:
            _copy(file, elsewhere, folder)
        return
    base = elsewhere or os.environ.get(ENDPOINT) or HUB
    if urlsplit(base).scheme not in ("http", "https"):
        raise ModelFetchFailed(f"{base!r} is no address of a model hub; wanted http or https")
    megabytes = sum(file.bytes for file in files) / 1e6
    tell(
        f"portravox: fetching {len(files)} files ({megabytes:.0f} MB: {repository.name},"
        f" {repository.licence}) from {base} into {folder}"
    )
    for file in files:
        _download(file, address_of(repository, file, base), folder, tell, pause_s)


def address_of(repository: HubRepository, file: ModelFile, base: str) -> str:
    """Where a hub has a file of a fixed revision."""
    return (
        f"{base.rstrip('/')}/{repository.name}/resolve/{repository.revision}/{quote(file.member)}"
    )


def part_of_download(file: ModelFile, folder: Path) -> Path:
    """Where what has arrived is kept; by its hash, so that another revision's is not resumed."""
    return folder / f".{file.sha256[:16]}.part"


def _copy(file: ModelFile, source: Path, folder: Path) -> None:
    places = (source / file.name, source / file.member)
    place = next((place for place in places if place.is_file()), None)
    if place is None:
        raise ModelFetchFailed(f"{file.name} is not in {source}")
    if not is_intact(file, place):
        raise ModelFetchFailed(f"{place} has other bytes than it should")
    part = part_of_download(file, folder)
    shutil.copyfile(place, part)
    _put_in_place(file, part, folder)


def _download(
    file: ModelFile, address: str, folder: Path, tell: Callable[[str], None], pause_s: float
) -> None:
    part = part_of_download(file, folder)
    tell(f"portravox: {file.name}, {file.bytes / 1e6:.0f} MB")
    in_vain, reason = 0, ""
    while _size(part) < file.bytes:
        before = _size(part)
        try:
            _receive(file, address, part)
            reason = "the connection ended"
        except urllib.error.HTTPError as error:
            error.close()  # it holds the connection
            if error.code < 500 and error.code not in (408, 416, 429):
                raise ModelFetchFailed(f"{address} answers {error.code}: {error.reason}") from error
            if error.code == 416:  # what is here is no beginning of what is there
                part.unlink(missing_ok=True)
            reason = f"{error.code}: {error.reason}"
        except (urllib.error.URLError, http.client.HTTPException, TimeoutError, OSError) as error:
            if isinstance(error, OSError) and not isinstance(error, urllib.error.URLError):
                _require_writable(part, error)
            reason = str(getattr(error, "reason", "") or error) or type(error).__name__
        if _size(part) > before:
            in_vain = 0
            continue
        in_vain += 1
        if in_vain >= TRIES:
            raise ModelFetchFailed(f"{address} cannot be downloaded: {reason}")
        time.sleep(pause_s * 2 ** (in_vain - 1))
    _put_in_place(file, part, folder)


def _receive(file: ModelFile, address: str, part: Path) -> None:
    """Append what comes, from where the part ends; begin anew where the server sends all."""
    start = _size(part)
    headers = {"User-Agent": "portravox", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    request = urllib.request.Request(address, headers=headers)
    with urllib.request.urlopen(request, timeout=SILENCE_S) as answer:
        resumed = answer.status == 206 and _begins_at(answer.headers.get("Content-Range")) == start
        left = file.bytes - (start if resumed else 0)
        with part.open("ab" if resumed else "wb") as stream:
            while left > 0 and (piece := answer.read(min(_PIECE_BYTES, left))):
                stream.write(piece)
                left -= len(piece)


def _begins_at(content_range: str | None) -> int | None:
    """The first byte of `bytes 100-199/200`."""
    found = re.match(r"bytes (\d+)-", content_range or "")
    return int(found[1]) if found else None


def _put_in_place(file: ModelFile, part: Path, folder: Path) -> None:
    if not is_intact(file, part):
        part.unlink(missing_ok=True)
        raise ModelFetchFailed(f"{file.name} has other bytes than it should; it was thrown away")
    part.chmod(0o644)
    part.replace(folder / file.name)


def _require_writable(part: Path, error: OSError) -> None:
    """A full disk is no reason to try again."""
    with contextlib.suppress(OSError):
        if shutil.disk_usage(part.parent).free < _PIECE_BYTES:
            raise ModelFetchFailed(f"{part.parent} is full") from error


def _size(part: Path) -> int:
    try:
        return part.stat().st_size
    except FileNotFoundError:
        return 0
