"""One PostgreSQL, as this process reaches it: connections, its clock, and what it calls out.

Flow      tasks.postgres, key_table, engine -> database.database -> PostgreSQL

Every change is made under one lock of the whole database and sent in one piece: a process that is
stopped, or whose cable is pulled, leaves no transaction open behind it for others to wait for
(docs/decisions/0042-one-writer-at-a-time-in-postgresql.md).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, LiteralString, TypeVar
from weakref import WeakKeyDictionary

import psycopg
from psycopg import AsyncConnection, conninfo
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from portravox.errors import SettingOutOfRange
from portravox.service.errors import QueueUnavailable

T = TypeVar("T")

Rows = list[DictRow]
Statement = tuple[str, Mapping[str, Any]]

CONNECTIONS = 5
"""Of one process, beside those of the engine: one that writes, the others read. Our choice."""

WAIT_S = 3.0
"""How long a caller waits for a connection before he is told that there is none. Our choice."""

RECONNECT_S = 2.0
"""After so long a pool lets whoever asks next begin to reach the database anew; until then it
pauses for longer from try to try. Our choice: 1 s at most between two tries."""

STATEMENT_MS = 10_000
IDLE_IN_TRANSACTION_MS = 5_000
"""What PostgreSQL grants a statement, and a transaction in which nobody says anything: a process
that was stopped in its midst holds others up for no longer. Our choice."""

IDLE_S = 1.0
"""A connection that nobody used for so long is looked at before it is. Our choice: of those that
die in use the user is told anyway."""

CLOCK_S = 30.0
"""How often the database is asked for the time. Our choice: clocks drift by 3 ms meanwhile."""

_SEEN_FROM_THERE = (
    "SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2;"
    " SET tcp_keepalives_count = 3; SET tcp_user_timeout = 8000"
)
"""The same for PostgreSQL's end of a connection: by its own settings it notices after two hours
that a cable was pulled, and until then each connection that was given up keeps its place."""

WRITERS_LOCK = 0x706F_7274_7261
"""Key of the advisory lock under which everything is written; "portra"."""

_BATCH = 64
"""Changes in one transaction at most. Our choice."""

_REACHING: dict[str, str | int] = {
    "connect_timeout": 3,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 8000,  # ms; a pulled cable is an error after that
    "application_name": "portravox",
}

_log = logging.getLogger("portravox.database")


class Database:
    """Connections to one database. Everything but the constructor belongs to one event loop."""

    def __init__(self, url: str) -> None:
        """Reach it once. Raises SettingOutOfRange for what is no address of a PostgreSQL, and
        QueueUnavailable where it does not answer.

        url  postgresql://user:password@host/name, as libpq takes it
        """
        self._conninfo = _conninfo(url)
        self._pool: AsyncConnectionPool[AsyncConnection[DictRow]] | None = None
        self._waiting: list[_Change] = []
        self._writing: asyncio.Task[None] | None = None
        self._idle = IdleConnections()
        self._closed = False
        self._asking: asyncio.Task[None] | None = None
        with self.connect() as db:
            self._told = _time_of(db)

    @contextlib.contextmanager
    def connect(self) -> Iterator[psycopg.Connection[DictRow]]:
        """A connection for what happens before the event loop, or outside of any.

        Raises QueueUnavailable, also for what fails inside.
        """
        try:
            with psycopg.connect(self._conninfo, autocommit=True, row_factory=dict_row) as db:
                yield db
        except psycopg.Error as error:
            raise QueueUnavailable(_reason(error)) from error

    def connection(self) -> psycopg.Connection[Any]:
        """A connection of its own for who closes it himself. Raises psycopg.Error."""
        return psycopg.connect(self._conninfo)

    @property
    def conninfo(self) -> str:
        """How to reach it, for who has connections of his own."""
        return self._conninfo

    def now(self) -> float:
        """What time it is by the database's clock, seconds since 1970.

        Carried on by this machine's steady clock, so that machines whose clocks differ agree.
        """
        there, here = self._told
        return there + (time.monotonic() - here)

    async def change(self, statements: Sequence[Statement], read: Callable[[list[Rows]], T]) -> T:
        """What `read` makes of the statements' rows, once they are committed.

        Statements of one change stand in one transaction, together with the changes of others that
        came meanwhile, under the lock of all writers. What `read` raises is raised here; it undoes
        nothing. Raises QueueUnavailable where PostgreSQL fails: then nothing is known to have
        changed.
        """
        if self._closed:
            raise QueueUnavailable("it is closed")
        answer: asyncio.Future[list[Rows]] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Change(statements, answer))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all(), name="database")
        return read(await answer)

    async def fetch(self, statement: str, values: Mapping[str, Any]) -> Rows:
        """The rows of one statement that changes nothing, or one row only. Raises
        QueueUnavailable."""
        [rows] = await self.survey([(statement, values)])
        return rows

    async def survey(self, statements: Sequence[Statement]) -> list[Rows]:
        """The rows of statements that see one consistent state. Raises QueueUnavailable."""
        try:
            try:
                return await self._survey(statements)
            except psycopg.OperationalError as error:
                if isinstance(error, psycopg.errors.QueryCanceled):
                    raise
                # The connection died: another one is looked at before it is used.
                self._idle.all_are()
                return await self._survey(statements)
        except (psycopg.Error, UnicodeError) as error:
            raise QueueUnavailable(_reason(error)) from error

    async def _survey(self, statements: Sequence[Statement]) -> list[Rows]:
        async with self._connection() as db:
            if len(statements) == 1:
                [(statement, values)] = statements
                return [await _rows(await db.execute(_sql(statement), values))]
            begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
            return await _in_one_piece(db, begin, statements)

    async def close(self) -> None:
        """Write what was asked for, then let go of all connections."""
        self._closed = True
        if self._writing is not None:
            await self._writing
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)
        if self._pool is not None:
            await self._pool.close()

    async def listen(
        self, channel: str, on_notice: Callable[[str | None], Awaitable[None] | None]
    ) -> None:
        """Hear what is called out on a channel, until cancelled.

        on_notice  is given what was said; None where something may have been missed meanwhile
        """
        pause_s = 0.2
        while True:
            try:
                async with await AsyncConnection.connect(self._conninfo, autocommit=True) as db:
                    await db.execute(_sql(f"{_SEEN_FROM_THERE}; LISTEN {channel}"))
                    await _called(on_notice, None)
                    pause_s = 0.2
                    while True:
                        async for notice in db.notifies(timeout=10.0):
                            await _called(on_notice, notice.payload)
                        await db.execute("SELECT 1")  # finds out whether anybody is there
            except psycopg.Error as error:
                _log.warning("no notices come from the database: %s", _reason(error))
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, 2.0)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AsyncConnection[DictRow]]:
        if self._closed and self._pool is None:
            raise QueueUnavailable("it is closed")
        if self._pool is None:
            self._pool = AsyncConnectionPool(
                self._conninfo,
                kwargs={"autocommit": True, "row_factory": dict_row},
                min_size=1,
                max_size=CONNECTIONS,
                timeout=WAIT_S,
                open=False,
                configure=_limit,
                check=self._idle.check,
                reconnect_timeout=RECONNECT_S,
            )
            await self._pool.open(wait=False)
            self._asking = asyncio.create_task(self._ask_the_time(), name="database clock")
        try:
            async with self._pool.connection() as db:
                yield db
        except PoolTimeout as error:
            raise QueueUnavailable("no connection to the database") from error

    async def _ask_the_time(self) -> None:
        while True:
            await asyncio.sleep(CLOCK_S)
            try:
                async with self._connection() as db:
                    began = time.monotonic()
                    answered = await db.execute(_sql(_TIME))
                    [row] = await answered.fetchall()
                    ended = time.monotonic()
            except (psycopg.Error, QueueUnavailable):
                continue  # the clock goes on by itself
            self._told = (row["now"], (began + ended) / 2)

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:_BATCH], self._waiting[_BATCH:]
                await self._write(batch)
        finally:
            self._writing = None

    async def _write(self, batch: list[_Change]) -> None:
        """Commit changes together; one by one where a statement among them cannot be run."""
        statements = [statement for change in batch for statement in change.statements]
        try:
            async with self._connection() as db:
                rows = await _in_one_piece(db, "BEGIN", [_LOCK, *statements])
        except QueueUnavailable as error:
            _fail(batch, error)
        except psycopg.OperationalError as error:
            self._idle.all_are()
            _fail(batch, QueueUnavailable(_reason(error)))
        except (psycopg.Error, ValueError, TypeError) as error:
            if len(batch) > 1:
                for change in batch:
                    await self._write([change])
            else:
                _fail(batch, QueueUnavailable(_reason(error)))
        else:
            given = iter(rows[1:])
            for change in batch:
                answer = [next(given) for _ in change.statements]
                if not change.answer.done():
                    change.answer.set_result(answer)


class IdleConnections:
    """Which connections of a pool nobody used for a moment: these are looked at before they are
    used. Of those that die in use the user is told anyway."""

    def __init__(self) -> None:
        self._used_at: WeakKeyDictionary[AsyncConnection[Any], float] = WeakKeyDictionary()

    async def check(self, db: AsyncConnection[Any]) -> None:
        """Find out whether a connection has died unnoticed. Raises psycopg.OperationalError."""
        now = time.monotonic()
        if now - self._used_at.get(db, 0.0) > IDLE_S:
            await AsyncConnectionPool.check_connection(db)
        self._used_at[db] = now

    def all_are(self) -> None:
        """One of them died in use, so the others may have died, too."""
        self._used_at.clear()


def engine_pool(**arguments: Any) -> AsyncConnectionPool[Any]:
    """Connections for the engine: as it wants them, but for what costs it most.

    It has each looked at before every statement, begins and ends a transaction around every
    statement, and its commits would wait for the disk. After a database was away it would go on
    trying ever more seldom, up to once in two minutes.
    """
    changed = {
        "check": IdleConnections().check,
        "configure": _hurry,
        "reconnect_timeout": RECONNECT_S,
    }
    return AsyncConnectionPool(**{**arguments, **changed})


async def _hurry(db: AsyncConnection[Any]) -> None:
    """Each statement is a transaction, whose commit does not wait for the disk: the engine's jobs
    are calls, which upkeep repeats. A commit of ours afterwards takes them along."""
    await db.set_autocommit(True)
    await db.execute(_sql(f"SET synchronous_commit = off; {_SEEN_FROM_THERE}"))


@dataclass(slots=True)
class _Change:
    statements: Sequence[Statement]
    answer: asyncio.Future[list[Rows]]


_LOCK: Statement = ("SELECT pg_advisory_xact_lock(%(key)s)", {"key": WRITERS_LOCK})

_TIME = "SELECT extract(epoch FROM clock_timestamp())::float8 AS now"


async def _in_one_piece(
    db: AsyncConnection[DictRow], begin: str, statements: Sequence[Statement]
) -> list[Rows]:
    """The rows of each statement in one transaction, all of it sent before an answer is awaited:
    PostgreSQL goes through it without waiting for us."""
    try:
        async with db.pipeline():
            await db.execute(_sql(begin))
            cursors = [await db.execute(_sql(text), values) for text, values in statements]
            await db.execute("COMMIT")
        return [await _rows(cursor) for cursor in cursors]
    except BaseException:
        if not db.closed:
            with contextlib.suppress(psycopg.Error):
                await db.rollback()
        raise


async def _rows(cursor: psycopg.AsyncCursor[DictRow]) -> Rows:
    return await cursor.fetchall() if cursor.description is not None else []


async def _limit(db: AsyncConnection[Any]) -> None:
    await db.execute(
        _sql(
            f"SET statement_timeout = {STATEMENT_MS};"
            f" SET idle_in_transaction_session_timeout = {IDLE_IN_TRANSACTION_MS};"
            f" {_SEEN_FROM_THERE}"
        )
    )


async def _called(
    on_notice: Callable[[str | None], Awaitable[None] | None], said: str | None
) -> None:
    answer = on_notice(said)
    if answer is not None:
        await answer


def _fail(batch: list[_Change], error: QueueUnavailable) -> None:
    for change in batch:
        if not change.answer.done():
            change.answer.set_exception(error)


def _time_of(db: psycopg.Connection[DictRow]) -> tuple[float, float]:
    """The database's time, and when that was by our steady clock."""
    began = time.monotonic()
    [row] = db.execute(_sql(_TIME)).fetchall()
    return row["now"], (began + time.monotonic()) / 2


def _conninfo(url: str) -> str:
    try:
        given = conninfo.conninfo_to_dict(url)
        return conninfo.make_conninfo("", **{**_REACHING, **given})
    except psycopg.Error as error:
        # Without the address: a password may stand in it.
        wanted = "postgresql://user:password@host/name"
        raise SettingOutOfRange("database_url", "…", wanted) from error


def _reason(error: Exception) -> str:
    """What is wrong in one line, without values of statements."""
    if isinstance(error, psycopg.Error) and error.diag.message_primary:
        return error.diag.message_primary
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _sql(text: str) -> LiteralString:
    """psycopg takes statements that no client wrote; ours stand in modules of statements."""
    return text
