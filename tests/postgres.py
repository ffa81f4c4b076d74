"""A real PostgreSQL for the tests that need one: a cluster of their own in a temporary folder.

Started at the first use, ended with the run.
"""

from __future__ import annotations

import atexit
import functools
from pathlib import Path

import pytest

from benchmarks.cluster.server import PostgresServer, programs

LACKS = "needs the programs of PostgreSQL (Debian: apt-get install postgresql)"


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
