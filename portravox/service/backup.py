"""Backups of a server's data, made while it runs, and the way back from them.

Flow      cli.backup -> backup.back_up -> a folder; backup.restore -> the data folder -> a server

A backup is a folder: a copy of the table of tasks, the API keys, the signing keys, the records that
an operator has to keep, and if wanted videos and uploads, with a manifest that has the size and the
SHA-256 of each file. It appears whole or not at all.

A restore checks all of that before it touches anything, keeps what was there beside, and is
written down before it begins: one that was interrupted is finished by the next server that starts,
or by the next restore. There is no moment at which a server could start on half of it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import sqlite3
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Any

from portravox import __version__
from portravox.atomic_file import sync_file, sync_folder, writing
from portravox.service import consent, label_policy
from portravox.service.disk import DiskSpace, storage_errors
from portravox.service.errors import BackupUnusable, QueueDamaged, QueueUnavailable, StorageFailed
from portravox.service.keys import ApiKeys
from portravox.service.storage.signing import open_signing_keys
from portravox.service.tasks.sqlite_file import found_damage, open_reader, own

MANIFEST = "manifest.json"

PENDING = "restore.json"
"""In the data folder, while a restore is under way."""

_VERSION = 1


class Part(StrEnum):
    """What a backup may hold, by the names on the command line."""

    TASKS = "tasks"
    KEYS = "keys"
    SIGNING_KEYS = "signing-keys"
    CONSENT = "consent"
    STATEMENTS = "statements"
    UNLABELLED = "unlabelled"
    VIDEOS = "videos"
    UPLOADS = "uploads"


PLACES = {
    Part.TASKS: "tasks.db",
    Part.KEYS: "keys.json",
    Part.SIGNING_KEYS: "signing-keys.txt",
    Part.CONSENT: consent.RECORD_NAME,
    Part.STATEMENTS: consent.STATEMENTS_NAME,
    Part.UNLABELLED: label_policy.RECORD_NAME,
    Part.VIDEOS: "videos",
    Part.UPLOADS: "uploads",
}
"""Where each lies in the data folder and in a backup: a file, or a folder of files."""

USUAL = tuple(part for part in Part if part not in (Part.VIDEOS, Part.UPLOADS))
"""What is small, and lost for good."""

_BESIDE = {Part.TASKS: ("tasks.db-wal", "tasks.db-shm")}
"""What belongs to a file of before and would be taken for a part of the new one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A backup that was made or checked."""

    folder: Path
    made_at: float
    parts: tuple[Part, ...]
    files: int
    size_bytes: int


def back_up(data_dir: Path, target: Path, parts: Iterable[Part]) -> Backup:
    """Make a backup in a new folder; the server may run meanwhile.

    Parts that the data folder lacks are left out; the table of tasks must be there if it is wanted.
    Raises BackupUnusable where the target is taken, QueueUnavailable, QueueDamaged and
    SecretsUnreadable for data that is damaged already, StorageFailed.
    """
    wanted = tuple(part for part in Part if part in set(parts))
    if target.exists():
        raise BackupUnusable(target, "something is there already; wanted a new name")
    hidden = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    with storage_errors(f"make {target}"):
        hidden.mkdir(mode=0o700, parents=True)
    try:
        with storage_errors(f"make {target}"):
            # The table first: what it says has succeeded has its video by then.
            for part in wanted:
                _copy_part(part, data_dir / PLACES[part], hidden / PLACES[part])
            files = {str(name): _described(hidden / name) for name in _files_in(hidden)}
            made_at = time.time()
            manifest = {
                "version": _VERSION,
                "portravox": __version__,
                "made_at": made_at,
                "parts": [part for part in wanted if (hidden / PLACES[part]).exists()],
                "files": files,
            }
            with writing(hidden / MANIFEST) as stream:
                stream.write(json.dumps(manifest, indent=1).encode() + b"\n")
            _sync_tree(hidden)
            hidden.rename(target)
            sync_folder(target.parent)
    except BaseException:
        shutil.rmtree(hidden, ignore_errors=True)
        raise
    return _backup(target, manifest)


def check(folder: Path) -> Backup:
    """Read a backup to its end. Raises BackupUnusable where a file of it is missing, changed or
    damaged, or where it holds what no backup of ours does."""
    manifest = _manifest(folder)
    try:
        with storage_errors(f"read {folder}"):
            found = {str(name) for name in _files_in(folder)} - {MANIFEST}
            if found != set(manifest["files"]):
                [name, *_] = sorted(found ^ set(manifest["files"]))
                raise BackupUnusable(folder, f"{name} is missing, or is not in the manifest")
            for name, told in manifest["files"].items():
                if _described(folder / name) != told:
                    raise BackupUnusable(folder, f"{name} is not what was written")
    except StorageFailed as error:
        raise BackupUnusable(folder, str(error)) from error
    if Part.TASKS in manifest["parts"]:
        _require_whole(folder / PLACES[Part.TASKS])
    return _backup(folder, manifest)


def restore(
    folder: Path, data_dir: Path, parts: Iterable[Part] | None = None
) -> tuple[Path, Backup]:
    """Put a backup in place of what a data folder holds; gives where the latter is kept.

    parts  of the backup; by default all that it has

    Raises BackupUnusable, QueueUnavailable where a server uses the folder, StorageFailed; then
    nothing has changed, or `finish_restore` goes on with it.
    """
    backup = check(folder)
    wanted = backup.parts if parts is None else tuple(parts)
    if missing := set(wanted) - set(backup.parts):
        raise BackupUnusable(folder, f"it has no {', '.join(sorted(missing))}")
    with storage_errors(f"make {data_dir}"):
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with own(data_dir / PLACES[Part.TASKS]):
        _finish(data_dir)
        moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        aside = f"before-restore-{moment}-{secrets.token_hex(2)}"
        staged = f".restore-{secrets.token_hex(4)}.part"
        try:
            with storage_errors(f"copy {folder}"):
                (data_dir / staged).mkdir(mode=0o700)
                for part in wanted:
                    _copy_tree(folder / PLACES[part], data_dir / staged / PLACES[part])
                _give_to_owner_of(data_dir, data_dir / staged)
                _sync_tree(data_dir / staged)
                plan = {"staged": staged, "aside": aside, "parts": list(wanted)}
                with writing(data_dir / PENDING) as stream:
                    stream.write(json.dumps(plan).encode() + b"\n")
        except BaseException:
            if not (data_dir / PENDING).exists():
                shutil.rmtree(data_dir / staged, ignore_errors=True)
            raise
        _finish(data_dir)
    return data_dir / aside, backup


def finish_restore(data_dir: Path) -> bool:
    """Finish a restore that was interrupted; True if there was one. Raises QueueUnavailable where
    a server uses the folder, StorageFailed."""
    if not (data_dir / PENDING).exists():
        return False
    with own(data_dir / PLACES[Part.TASKS]):
        _finish(data_dir)
    return True


def _finish(data_dir: Path) -> None:
    """Do what is left of the restore that was written down. Any step may have been done before."""
    try:
        plan = json.loads((data_dir / PENDING).read_bytes())
    except FileNotFoundError:
        return
    with storage_errors(f"restore into {data_dir}"):
        staged, aside = data_dir / plan["staged"], data_dir / plan["aside"]
        aside.mkdir(mode=0o700, exist_ok=True)
        for part in map(Part, plan["parts"]):
            name = PLACES[part]
            if not (staged / name).exists():
                continue  # it is in place
            for old in (*_BESIDE.get(part, ()), name):
                if (data_dir / old).exists():
                    (data_dir / old).rename(aside / old)
            sync_folder(data_dir)
            (staged / name).rename(data_dir / name)
        _give_to_owner_of(data_dir, aside)
        sync_folder(aside)
        sync_folder(data_dir)
        (data_dir / PENDING).unlink()
        sync_folder(data_dir)
        shutil.rmtree(staged, ignore_errors=True)


def _copy_part(part: Part, source: Path, target: Path) -> None:
    match part:
        case Part.TASKS:
            _copy_table(source, target)
        case Part.KEYS:
            if source.exists():
                ApiKeys(source).load()  # a damaged file is no backup
                _copy_tree(source, target)
        case Part.SIGNING_KEYS:
            if source.exists():
                open_signing_keys(source)
                _copy_tree(source, target)
        case _:
            if source.exists():
                _copy_tree(source, target)


def _copy_table(source: Path, target: Path) -> None:
    """One consistent state of the table, while others write. Raises QueueUnavailable."""
    if not source.exists():
        raise QueueUnavailable(f"there is no {source}")
    DiskSpace().require(target.parent, source.stat().st_size)
    target.touch(0o600)
    try:
        with contextlib.ExitStack() as opened:
            try:
                # No server: what it left in its log beside the file has to be read, too.
                opened.enter_context(own(source))
                db = opened.enter_context(contextlib.closing(sqlite3.connect(source)))
            except QueueUnavailable:
                # A server runs. A connection that only reads takes part in no checkpoint.
                db = opened.enter_context(contextlib.closing(open_reader(source)))
            copy = opened.enter_context(contextlib.closing(sqlite3.connect(target)))
            db.backup(copy)
            # Alone in one file, without a log beside it.
            copy.execute("PRAGMA journal_mode = DELETE")
            if (damage := found_damage(copy)) is not None:
                raise QueueDamaged(source, damage)
    except sqlite3.DatabaseError as error:
        raise QueueDamaged(source, str(error)) from error


def _require_whole(file: Path) -> None:
    """Raise BackupUnusable for a table that is damaged. Nothing is written beside it."""
    try:
        uri = f"{file.absolute().as_uri()}?mode=ro&immutable=1"
        with contextlib.closing(sqlite3.connect(uri, uri=True)) as db:
            damage = found_damage(db)
    except sqlite3.Error as error:
        damage = str(error)
    if damage is not None:
        raise BackupUnusable(file, damage)


def _copy_tree(source: Path, target: Path) -> None:
    """A file, or a folder of files; what is removed meanwhile is not there."""
    if not source.is_dir():
        _copy_file(source, target)
        return
    target.mkdir(mode=0o700)
    for entry in sorted(source.iterdir()):
        # Hidden ones are being written just now.
        if entry.is_file() and not entry.is_symlink() and not entry.name.startswith("."):
            with contextlib.suppress(FileNotFoundError):
                _copy_file(entry, target / entry.name)


def _copy_file(source: Path, target: Path) -> None:
    with source.open("rb") as content:
        DiskSpace().require(target.parent, os.fstat(content.fileno()).st_size)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as copy:
            shutil.copyfileobj(content, copy, 1 << 20)
        # Uploads and videos are forgotten by their age.
        status = os.fstat(content.fileno())
        os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))


def _files_in(folder: Path) -> Iterator[PurePosixPath]:
    for path in sorted(folder.rglob("*")):
        if not path.is_dir():
            yield PurePosixPath(path.relative_to(folder).as_posix())


def _described(file: Path) -> dict[str, Any]:
    if file.is_symlink() or not file.is_file():
        return {}
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
        return {"size": os.fstat(content.fileno()).st_size, "sha256": digest}


def _manifest(folder: Path) -> dict[str, Any]:
    """What a backup says about itself, as far as it can be trusted with paths."""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        if manifest["version"] != _VERSION:
            raise BackupUnusable(folder, f"it is of version {manifest['version']!r:.20}")
        manifest["parts"] = [Part(part) for part in manifest["parts"]]
        places = {PLACES[part] for part in manifest["parts"]}
        if any(name.split("/")[0] not in places or ".." in name for name in manifest["files"]):
            raise BackupUnusable(folder, "it names files that no backup has")
        float(manifest["made_at"])
    except OSError as error:
        raise BackupUnusable(folder, f"no {MANIFEST}: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BackupUnusable(folder, f"{MANIFEST} is not what we write") from error
    return dict(manifest)


def _backup(folder: Path, manifest: dict[str, Any]) -> Backup:
    return Backup(
        folder=folder,
        made_at=float(manifest["made_at"]),
        parts=tuple(Part(part) for part in manifest["parts"]),
        files=len(manifest["files"]),
        size_bytes=sum(int(told["size"]) for told in manifest["files"].values()),
    )


def _sync_tree(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_dir():
            sync_folder(path)
        else:
            sync_file(path)
    sync_folder(folder)


def _give_to_owner_of(data_dir: Path, folder: Path) -> None:
    """What root puts back has to be readable for the user that serves."""
    if os.geteuid() != 0:
        return
    owner = data_dir.stat()
    for path in (folder, *folder.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
