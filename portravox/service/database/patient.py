"""The engine's connections: who waits while the database is away, and is there when it is back.

Flow      cluster.engine -> database.patient -> PostgreSQL
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

import psycopg
from procrastinate import PsycopgConnector
from procrastinate.connector import Notify
from procrastinate.exceptions import ConnectorException

T = TypeVar("T")

PAUSE_S = 1.0
"""Between two tries. Our choice: the engine is back a second after the database."""

_log = logging.getLogger("portravox.engine")


class PatientConnector(PsycopgConnector):
    """A connector of Procrastinate that repeats what failed because nobody answered.

    Without, its workers end when the database restarts. What was done though the answer got lost is
    done twice: a job that was fetched so stays behind, and `TICKETS` calls for the work anew.
    """

    async def execute_query_async(self, query: Any, **arguments: Any) -> None:
        await _patiently(lambda: PsycopgConnector.execute_query_async(self, query, **arguments))

    async def execute_query_one_async(self, query: Any, **arguments: Any) -> dict[str, Any]:
        return await _patiently(
            lambda: PsycopgConnector.execute_query_one_async(self, query, **arguments)
        )

    async def execute_query_all_async(self, query: Any, **arguments: Any) -> list[dict[str, Any]]:
        return await _patiently(
            lambda: PsycopgConnector.execute_query_all_async(self, query, **arguments)
        )

    async def listen_notify(self, on_notification: Notify, channels: Iterable[str]) -> None:
        names = list(channels)
        await _patiently(lambda: PsycopgConnector.listen_notify(self, on_notification, names))


async def _patiently(call: Callable[[], Awaitable[T]]) -> T:
    is_told = False
    while True:
        try:
            return await call()
        except (ConnectorException, psycopg.OperationalError) as error:
            cause = error if isinstance(error, psycopg.Error) else error.__cause__
            if not isinstance(cause, psycopg.OperationalError):
                raise
            if not is_told:
                _log.warning("the engine waits for the database")
                is_told = True
            await asyncio.sleep(PAUSE_S)
