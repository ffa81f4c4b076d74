"""A real PostgreSQL for the tests that need one: a cluster of their own in a temporary folder.

Started at the first use, ended with the run. PostgreSQL refuses to be root, so where we are root
it runs as another user.
"""

from __future__ import annotations

import atexit
import functools
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

LACKS = "needs the programs of PostgreSQL (Debian: apt-get install postgresql)"


class PostgresServer:
    """A cluster that runs, reached by a socket in its folder."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self.folder = Path(tempfile.mkdtemp(prefix="portravox-pg-"))
        self._who: dict[str, int] = {}
        if os.geteuid() == 0:
            user = next(
                (pwd.getpwnam(name) for name in ("postgres", "nobody") if _exists(name)), None
            )
            assert user is not None
            self._who = {"user": user.pw_uid, "group": user.pw_gid}
            os.chown(self.folder, user.pw_uid, user.pw_gid)
        self.folder.chmod(0o755)
        self.data = self.folder / "data"
        self._run("initdb", "-D", self.data, "-U", "portravox", "-A", "trust", "-N", "-E", "UTF8",
                  "--locale=C.UTF-8")  # fmt: skip
        self.start()

    def start(self) -> None:
        # No crash of the machine is played here, and fsync would make tests wait for the disk.
        options = (
            f"-c listen_addresses='' -c unix_socket_directories={self.folder} -c fsync=off"
            " -c shared_buffers=32MB -c max_connections=100 -c log_min_messages=error"
        )
        self._run("pg_ctl", "-D", self.data, "-l", self.folder / "log", "-o", options, "-w",
                  "start")  # fmt: skip

    def stop(self, mode: str = "immediate") -> None:
        """As a crash does, or `fast`."""
        self._run("pg_ctl", "-D", self.data, "-m", mode, "-w", "stop")

    def url(self, name: str = "portravox") -> str:
        return f"postgresql://portravox@/{name}?host={self.folder}"

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *arguments: object) -> None:
        subprocess.run(
            [self._programs / program, *map(str, arguments)],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            **self._who,
        )


def programs() -> Path | None:
    """The folder of initdb and pg_ctl, of the newest version here."""
    found = shutil.which("pg_ctl")
    folders = [Path(found).parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


@functools.cache
def postgres_server() -> PostgresServer:
    """The server of this run; skips the test where there can be none."""
    folder = programs()
    if folder is None:
        pytest.skip(LACKS)
    server = PostgresServer(folder)
    atexit.register(server.close)
    return server


_used_by: dict[str, Path] = {}


def database_of(folder: Path, name: str = "tests") -> str:
    """The address of a database that is empty when a test, by its folder, asks for the first time,
    and keeps what it wrote until another one asks."""
    import psycopg
    from psycopg.sql import SQL, Identifier

    server = postgres_server()
    url = server.url(name)
    if _used_by.get(name) == folder:
        return url
    is_new = name not in _used_by
    _used_by[name] = folder
    if is_new:
        with psycopg.connect(server.url("postgres"), autocommit=True) as db:
            db.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        return url
    with psycopg.connect(url, autocommit=True) as db:
        db.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        kept = ("alembic_version", "schema_readers", "engine_schema")
        tables = [
            table
            for (table,) in db.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            )
            if table not in kept
        ]
        if tables:
            db.execute(
                SQL("TRUNCATE {} RESTART IDENTITY CASCADE").format(
                    SQL(", ").join(map(Identifier, tables))
                )
            )
    return url


def _exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
