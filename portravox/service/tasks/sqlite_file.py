"""The file of the queue: who owns it, whether it is whole, its connections, and its size.

Flow      tasks.sqlite -> tasks.sqlite_file -> the file, in WAL mode

One process owns the file and one connection in it writes and checkpoints: two would meet a fault of
older versions of SQLite (docs/decisions/0010-one-writing-connection.md).
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import sqlite3
import threading
import time
from io import FileIO
from pathlib import Path

from portravox.service.errors import QueueDamaged, QueueUnavailable

CHECK_S = 1.0
"""How long a start may look for damage; what is left then is looked at beside the work. Our choice:
`serve` has to be ready within 3 s, and takes half of that without tasks."""

WAL_BYTES = 64 * 1024 * 1024
"""Beyond this the write-ahead log is emptied into the file and cut. Our choice: a burst of some ten
thousand submissions."""

FREE_BYTES = 8 * 1024 * 1024
"""Free pages that the file may keep, and a tenth of it besides: the next tasks take them. Our
choice."""

VACUUM_PAGES = 1024
"""Pages given back at a time, 4 MiB: some 20 ms in which no commit goes on. Our choice."""

_INCREMENTAL = 2
"""What `PRAGMA auto_vacuum` says of a file that can shrink a little at a time."""

_BUSY_MS = 5_000
"""The driver's own: how long a statement waits for a lock."""

_STEPS = 10_000
"""Of SQLite's virtual machine, between two looks at the clock."""

_log = logging.getLogger("portravox.tasks")


def own(file: Path) -> FileIO:
    """A lock that lasts until it is closed or the process ends. Raises QueueUnavailable.

    Children that are started afresh do not inherit it; a forked one would, and would keep the next
    server from starting for as long as it lives.
    """
    beside = file.with_name(f"{file.name}.lock")
    try:
        lock = FileIO(beside, "w", opener=_open_private)
    except OSError as error:
        raise QueueUnavailable(f"cannot write {beside}: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise QueueUnavailable(f"{file} is in use by another server") from None
    return lock


def open_writer(file: Path) -> sqlite3.Connection:
    """The connection that writes and checkpoints."""
    db = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    db.row_factory = sqlite3.Row
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")  # a commit waits for the disk
    db.execute("PRAGMA secure_delete = ON")  # what is forgotten leaves no trace in the file
    db.execute(f"PRAGMA journal_size_limit = {WAL_BYTES}")
    return db


def open_reader(file: Path) -> sqlite3.Connection:
    """A connection that can neither write nor checkpoint."""
    db = sqlite3.connect(
        f"{file.absolute().as_uri()}?mode=ro",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
    )
    db.row_factory = sqlite3.Row
    return db


def make_shrinkable(file: Path) -> None:
    """Let the file give pages back to the disk. A new one is born so; one of an earlier version is
    written anew once, and stays as it is where the disk has no room for that."""
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as db:
        [mode] = db.execute("PRAGMA auto_vacuum").fetchone()
        if mode == _INCREMENTAL:
            return
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")
        if not db.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone():
            return  # an empty file takes the mode with its first table
        begun = time.monotonic()
        try:
            db.execute("VACUUM")
        except sqlite3.OperationalError as error:
            _log.warning("%s keeps its size until there is room to write it anew: %s", file, error)
        else:
            _log.info("%s can shrink from now on (%.1f s)", file, time.monotonic() - begun)


def give_back(db: sqlite3.Connection) -> bool:
    """Return some free pages to the disk and bound the write-ahead log; True if there is more.

    Outside of a transaction, on the connection that writes.
    """
    page_bytes, pages, free = (
        int(db.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("page_size", "page_count", "freelist_count")
    )
    kept = max(FREE_BYTES // page_bytes, pages // 10)
    more = free > kept
    if more:
        # A page a step, and `execute` takes one step where there are no columns to read.
        db.executescript(f"PRAGMA incremental_vacuum({min(VACUUM_PAGES, free - kept)})")
    wal = Path(str(db.execute("PRAGMA database_list").fetchone()["file"]) + "-wal")
    with contextlib.suppress(FileNotFoundError):
        if more or wal.stat().st_size > WAL_BYTES:
            # Without waiting for readers: they are done within milliseconds, and this comes again.
            db.execute("PRAGMA busy_timeout = 0")
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            db.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
    return free - kept > VACUUM_PAGES


def found_damage(
    db: sqlite3.Connection, *, within_s: float | None = None, stop: threading.Event | None = None
) -> str | None:
    """What SQLite's own check says is wrong with the file; None where nothing is.

    Raises TimeoutError where the time was too short, or it was told to stop.
    """
    ends = None if within_s is None else time.monotonic() + within_s

    def interrupt() -> bool:
        late = ends is not None and time.monotonic() >= ends
        return late or (stop is not None and stop.is_set())

    if interrupt():
        raise TimeoutError
    db.set_progress_handler(interrupt, _STEPS)
    try:
        [line] = db.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError as error:
        if interrupt():
            raise TimeoutError from error
        return str(error)
    except sqlite3.DatabaseError as error:
        return str(error)
    finally:
        db.set_progress_handler(None, 0)
    return None if line == "ok" else " ".join(str(line).split())


class DamageWatch:
    """Looks for damage: at the start for CHECK_S, then, if that was too short, in a thread."""

    def __init__(self, file: Path, *, check_s: float = CHECK_S) -> None:
        """Raises QueueDamaged where damage is found at once, and sqlite3.Error."""
        self.damage: str | None = None
        """What is known to be wrong."""

        self._file = file
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        with contextlib.closing(sqlite3.connect(file)) as db:
            try:
                self.damage = found_damage(db, within_s=check_s)
            except TimeoutError:
                self._thread = threading.Thread(target=self._go_on, name="damage", daemon=True)
        if self.damage is not None:
            raise QueueDamaged(file, self.damage)

    def start(self) -> None:
        """Go on beside the work, where the start was too short."""
        if self._thread is not None:
            self._thread.start()

    def close(self) -> None:
        """Look no further."""
        self._stop.set()
        if self._thread is not None and self._thread.ident is not None:
            self._thread.join()

    def _go_on(self) -> None:
        begun = time.monotonic()
        try:
            with contextlib.closing(open_reader(self._file)) as db:
                self.damage = found_damage(db, stop=self._stop)
        except TimeoutError:
            return
        except sqlite3.Error as error:
            _log.warning("%s could not be checked for damage: %s", self._file, error)
            return
        if self.damage is not None:
            _log.error("%s; %s", QueueDamaged(self._file, self.damage), QueueDamaged.hint)
        else:
            _log.info("%s is whole (%.1f s)", self._file, time.monotonic() - begun)


def _open_private(path: str, flags: int) -> int:
    """Open a file that only its owner may read, for clients' addresses are in it."""
    return os.open(path, flags | os.O_CLOEXEC, 0o600)
