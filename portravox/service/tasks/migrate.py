"""Migrate the file of tasks to the schema of this version.

Flow      tasks.sqlite, before its own connections -> tasks.migrate -> migrations/
"""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from portravox.errors import QueueDamaged, QueueUnavailable

HEAD = "0003"
"""The newest step in migrations/versions."""

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(file: Path, *, migrations: Path = MIGRATIONS, head: str = HEAD) -> None:
    """Run the steps that are missing in one transaction: all or none. Makes the file.

    Nothing else may have it open. Raises QueueUnavailable for a file that a later version has
    changed, and sqlite3.Error.
    """
    if _revision(file) == head:
        return  # and alembic, the slowest thing to load in a start, is left alone
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError
    from sqlalchemy import create_engine, event
    from sqlalchemy.engine import Connection
    from sqlalchemy.exc import DBAPIError
    from sqlalchemy.pool import NullPool

    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    engine = create_engine(
        "sqlite://", creator=lambda: sqlite3.connect(file, isolation_level=None), poolclass=NullPool
    )

    # The driver begins no transaction before CREATE TABLE, so it is begun here.
    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, head)
    except CommandError as error:
        raise QueueUnavailable(f"a later version of Portravox changed {file}") from error
    except DBAPIError as error:
        raise QueueUnavailable(f"{file} cannot be brought up to date: {error.orig}") from error


def _revision(file: Path) -> str | None:
    """The step that was run last; None for a new file."""
    with contextlib.closing(sqlite3.connect(file)) as db:
        try:
            rows = db.execute("SELECT version_num FROM alembic_version").fetchall()
        except sqlite3.OperationalError:
            return None
    match rows:
        case [(str(revision),)]:
            return revision
        case _:
            told = ", ".join(str(revision) for (revision,) in rows) or "none"
            raise QueueDamaged(
                file, f"alembic_version should name one version of the tables and names {told}"
            )
