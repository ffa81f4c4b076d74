"""A worker process that is none, for tests that answer for it."""

from __future__ import annotations

from portravox.service.worker.process import WorkerProcess


class UnstartedProcess(WorkerProcess):
    """Always ready without a process; what it answers is up to who derives from it.

    Without it each pool that keeps its processes warm would start real ones beside the test, and
    asyncio, told to end amid that, may wait for them for ever.
    """

    async def warm(self) -> None:
        """See `WorkerProcess`."""
