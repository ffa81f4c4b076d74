"""The engine's connections: who waits while the database is away, and is there when it is back.

Flow      cluster.engine -> database.patient -> PostgreSQL
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

import psycopg
from procrastinate import PsycopgConnector
from procrastinate.connector import Notify
from procrastinate.exceptions import ConnectorException

T = TypeVar("T")

PAUSE_S = 1.0
"""Between two tries. Our choice: the engine is back a second after the database."""

TOLD_WITHIN_S = 0.02
"""Calls for work that come within a time up to this are told as one. Chance decides how long it is:
else all idle machines would ask for the same job at the same moment, and all but one in vain. Our
choice: nothing beside a video."""

_log = logging.getLogger("portravox.engine")


class PatientConnector(PsycopgConnector):
    """A connector of Procrastinate that repeats what failed because nobody answered.

    Without, its workers end when the database restarts. What was done though the answer got lost is
    done twice: a job that was fetched so stays behind, and `TICKETS` calls for the work anew.
    """

    async def execute_query_async(self, query: Any, **arguments: Any) -> None:
        try:
            await _patiently(lambda: PsycopgConnector.execute_query_async(self, query, **arguments))
        except ConnectorException as error:
            # Done before, when the answer got lost, or by upkeep, which took us for gone.
            if not _is_of_no_job(error.__cause__):
                raise

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
        gathered = GatheredCalls(on_notification)
        await _patiently(lambda: PsycopgConnector.listen_notify(self, gathered, names))


class GatheredCalls:
    """Tells of new jobs now and then, and of all else at once."""

    def __init__(self, tell: Notify) -> None:
        self._tell = tell
        self._telling: asyncio.Task[None] | None = None

    async def __call__(self, *, channel: str, payload: str) -> None:
        if '"job_inserted"' not in payload:
            await self._tell(channel=channel, payload=payload)
        elif self._telling is None:
            self._telling = asyncio.create_task(self._tell_later(channel, payload))

    async def _tell_later(self, channel: str, payload: str) -> None:
        await asyncio.sleep(random.uniform(0.0, TOLD_WITHIN_S))
        self._telling = None  # what is called out from now on may be missed by who asks now
        await self._tell(channel=channel, payload=payload)


def _is_of_no_job(cause: BaseException | None) -> bool:
    """Whether a job was to end that is not there any more."""
    return isinstance(cause, psycopg.errors.RaiseException) and "Job was not found" in str(cause)


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
