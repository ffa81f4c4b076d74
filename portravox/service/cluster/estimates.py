"""How work goes on all machines, for servers that tell people how long they wait.

Flow      tasks.postgres -> cluster.estimates -> eta

A server may do none of the work itself, and then knows none of it but by the table of tasks.
"""

from __future__ import annotations

import asyncio
import contextlib

from portravox.service.errors import QueueUnavailable
from portravox.service.eta import TaskEta
from portravox.service.tasks.postgres import PostgresTaskQueue

LOOK_S = 5.0
"""Between two looks. Our choice: people are told whole seconds of minutes."""


async def keep_estimating(queue: PostgresTaskQueue, eta: TaskEta) -> None:
    """Look at the table now and then, until cancelled."""
    while True:
        with contextlib.suppress(QueueUnavailable):
            eta.learn(await queue.latest_attempts())
        await asyncio.sleep(LOOK_S)
