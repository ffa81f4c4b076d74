"""Migrate the tables of tasks to the schema of this version, in SQLite and in PostgreSQL.

Flow      tasks.sqlite, before its own connections -> tasks.migrate -> migrations/
          tasks.postgres, at each start -> tasks.migrate -> postgres_migrations/
"""

from __future__ import annotations

import contextlib
import sqlite3
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from portravox.service.errors import QueueDamaged, QueueUnavailable

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy.engine import Connection

    from portravox.service.database.database import Database

HEAD = "0004"
"""The newest step in migrations/versions."""

MIGRATIONS = Path(__file__).parent / "migrations"

POSTGRES_HEAD = "0007"
"""The newest step in postgres_migrations/versions."""

POSTGRES_MIGRATIONS = Path(__file__).parent / "postgres_migrations"

_MIGRATING = 0x706F_7274_6D69
"""Key of the advisory lock under which one machine migrates and the others wait."""


def migrate(file: Path, *, migrations: Path = MIGRATIONS, head: str = HEAD) -> None:
    """Run the steps that are missing in one transaction: all or none. Makes the file.

    Nothing else may have it open. Raises QueueUnavailable for a file that a later version has
    changed, and sqlite3.Error.
    """
    if _revision(file) == head:
        return  # and alembic, the slowest thing to load in a start, is left alone
    from alembic import command
    from alembic.util import CommandError
    from sqlalchemy import create_engine, event
    from sqlalchemy.exc import DBAPIError
    from sqlalchemy.pool import NullPool

    config = _config(migrations)
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


def migrate_postgres(
    database: Database, *, migrations: Path = POSTGRES_MIGRATIONS, head: str = POSTGRES_HEAD
) -> None:
    """Run the steps that are missing in one transaction, on one machine while the others wait.

    Tables that a later version has changed are used as they are, if that version left them so that
    this one can. Raises QueueUnavailable where it did not, and where PostgreSQL fails.
    """
    with database.connect() as db:
        if _is_usable(db, head):
            return
    from alembic import command
    from sqlalchemy import create_engine
    from sqlalchemy.exc import DBAPIError
    from sqlalchemy.pool import NullPool

    config = _config(migrations)
    engine = create_engine("postgresql+psycopg://", creator=database.connection, poolclass=NullPool)
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATING})")
            with database.connect() as db:
                if _is_usable(db, head):
                    return  # another machine did it meanwhile
            config.attributes["connection"] = connection
            command.upgrade(config, head)
            _update_engine(connection)
    except DBAPIError as error:
        reason = str(error.orig).splitlines()[0]
        raise QueueUnavailable(f"the tables cannot be brought up to date: {reason}") from error


def make_engine(connection: Connection) -> None:
    """Make the tables of the engine, and remember which of its own steps they have."""
    sql = files("procrastinate.sql")
    driver: Any = connection.connection.driver_connection
    driver.execute((sql / "schema.sql").read_text("utf-8"))
    driver.execute("CREATE TABLE engine_schema (step text NOT NULL)")
    driver.execute("INSERT INTO engine_schema VALUES (%s)", [_engine_steps()[-1]])


def _update_engine(connection: Connection) -> None:
    """Run the engine's own steps that are missing, in the order of their names."""
    driver: Any = connection.connection.driver_connection
    [(last,)] = driver.execute("SELECT step FROM engine_schema").fetchall()
    for step in _engine_steps():
        if step > last:
            driver.execute((files("procrastinate.sql") / "migrations" / step).read_text("utf-8"))
            driver.execute("UPDATE engine_schema SET step = %s", [step])


def _engine_steps() -> list[str]:
    folder = files("procrastinate.sql") / "migrations"
    return sorted(step.name for step in folder.iterdir() if step.name.endswith(".sql"))


def _config(migrations: Path) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _is_usable(db: Any, head: str) -> bool:
    """Whether the tables are those of `head`, or later ones that it may use. Raises
    QueueUnavailable where they are later ones that it may not use."""
    [row] = db.execute("SELECT to_regclass('alembic_version') IS NOT NULL AS there").fetchall()
    if not row["there"]:
        return False
    found = [row["version_num"] for row in db.execute("SELECT version_num FROM alembic_version")]
    if len(found) != 1 or found[0] < head:
        return False  # alembic says what is missing
    [engine] = db.execute("SELECT step FROM engine_schema").fetchall()
    if engine["step"] < _engine_steps()[-1]:
        return False
    if found[0] == head:
        return True
    [readers] = db.execute("SELECT oldest FROM schema_readers").fetchall()
    if head < readers["oldest"]:
        raise QueueUnavailable("a later version of Portravox changed the database")
    return True


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
