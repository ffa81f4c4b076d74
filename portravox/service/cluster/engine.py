"""The engine: Procrastinate brings work to the workers and says which of them are gone.

Flow      a task that waits -> a trigger defers "do one task" -> Engine -> PostgresTaskQueue.claim
          -> WorkerLoop.do
          the clock -> Procrastinate -> upkeep on one machine: stalled, overdue, tickets

The engine's are delivery, waking, liveness, repetition, abort and the clock; ours are whose task is
done, how many of a key at a time, and whether what an attempt says still counts
(docs/decisions/0043-what-is-the-engines.md).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from procrastinate import App, JobContext
from procrastinate.jobs import Status
from procrastinate.worker import Worker

from portravox.engines.registry import ENTRIES
from portravox.errors import PortravoxError
from portravox.options import OPTIONS
from portravox.service.database.database import WAIT_S, Database, engine_pool
from portravox.service.database.patient import PatientConnector
from portravox.service.tasks.postgres import PostgresTaskQueue
from portravox.service.tasks.queue import LEASE_S
from portravox.service.tasks.task import Released, Task
from portravox.service.worker.loop import WorkerLoop
from portravox.service.worker.parts import PartMaker

BEAT_S = 2.0
GONE_S = 6.0
"""How often a worker says that it lives, and after which silence it is gone: with UPKEEP_CRON a
machine that dies is noticed within 10 s."""

POLL_S = 1.0
"""How often the engine looks for work that nobody told of. Its own default, 5 s, is what a new task
waits after a restart of the database."""

UPKEEP_CRON = "* * * * * */2"
JANITOR_CRON = "* * * * * */5"
"""Seconds are the sixth field."""

LOOKS_S = 8.0
"""For so long upkeep has to have looked without a gap before it calls a worker gone: after the
database was away, all of them are silent for a moment. Our choice."""

TICKETS = 64
"""Jobs that wait at least where as many tasks do. Our choice: more than slots become free between
two looks of upkeep."""

_LOOK = """
INSERT INTO upkeep AS u VALUES (true, extract(epoch FROM clock_timestamp()),
    extract(epoch FROM clock_timestamp()))
ON CONFLICT (only_one) DO UPDATE SET
    since = CASE WHEN u.at < excluded.at - 6.0 THEN excluded.at ELSE u.since END, at = excluded.at
RETURNING (at - since)::float8 AS looked_s
"""

_TOP_UP = """
WITH missing AS (
    SELECT portravox_queue(engine) AS queue, (
        SELECT count(*) FROM (
            SELECT FROM tasks
            WHERE tasks.engine = known.engine AND state = 'PENDING' LIMIT %(tickets)s
        ) AS tasks
    ) - (
        SELECT count(*) FROM (
            SELECT FROM procrastinate_jobs
            WHERE status = 'todo' AND queue_name = portravox_queue(known.engine)
            LIMIT %(tickets)s
        ) AS jobs
    ) AS tickets
    FROM unnest(%(engines)s::text[]) AS known (engine)
)
SELECT procrastinate_defer_jobs_v1(ARRAY[
    ROW(queue, 'portravox.do_one_task', 0, NULL, NULL, '{}'::jsonb, NULL)
]::procrastinate_job_to_defer_v1[])
FROM missing, generate_series(1, missing.tickets)
"""

_log = logging.getLogger("portravox.engine")

Round = Callable[[], Awaitable[object]]
DoJob = Callable[[JobContext], Awaitable[None]]


def queue_of(engine: str) -> str:
    """Name of the queue that brings what an engine draws to machines that have it. As the
    database's function portravox_queue does."""
    return "tasks" if engine == OPTIONS["engine"].default else f"tasks.{engine}"


def parts_queue_of(engine: str) -> str:
    """The same for parts of long videos. As the database's function portravox_parts_queue does."""
    return "parts" if engine == OPTIONS["engine"].default else f"parts.{engine}"


class Engine:
    """What one process does of the engine's work. Belongs to one event loop."""

    def __init__(self, database: Database, queue: PostgresTaskQueue) -> None:
        self._database = database
        self._queue = queue
        self._connector = PatientConnector(
            conninfo=database.conninfo,
            min_size=1,
            max_size=4,
            timeout=WAIT_S,
            pool_factory=engine_pool,
        )
        # A line for each job that begins and ends is what its own logs are full of.
        logging.getLogger("procrastinate").setLevel(logging.WARNING)
        self._apps: list[App] = []
        self._workers: list[tuple[Worker, asyncio.Task[None]]] = []
        self._told_to_stop: set[Worker] = set()

    def app(self) -> App:
        """A set of jobs of its own, over the same connections."""
        made = App(connector=self._connector)
        self._apps.append(made)
        return made

    async def start_upkeep(self, *, end_overdue: Round, clean: Round | None = None) -> None:
        """Take part in what some machine has to do now and then.

        end_overdue  fails tasks that waited longer than their life
        clean        removes what has expired; None on a machine that may not
        """
        app = self.app()

        @app.periodic(cron=UPKEEP_CRON)
        @app.task(name="portravox.upkeep", queue="upkeep", queueing_lock="upkeep")
        async def upkeep(timestamp: int) -> None:
            del timestamp
            await self.keep_up(app)
            await end_overdue()

        queues = ["upkeep"]
        if clean is not None:
            round_of_janitor = clean

            @app.periodic(cron=JANITOR_CRON)
            @app.task(name="portravox.janitor", queue="janitor", queueing_lock="janitor")
            async def janitor(timestamp: int) -> None:
                del timestamp
                await round_of_janitor()

            queues.append("janitor")
        await self._start(app, queues, concurrency=2, drain_s=5.0)

    async def start_tasks(
        self, slots: int, engines: Sequence[str], do: DoJob, do_part: DoJob | None = None
    ) -> Worker:
        """Take "do one task" jobs of what these engines draw, so many at a time; where there are
        none, parts of long videos."""
        app = self.app()

        @app.task(name="portravox.do_one_task", pass_context=True)
        async def do_one_task(context: JobContext) -> None:
            await do(context)

        queues = [queue_of(engine) for engine in engines]
        if do_part is not None:
            doing_part = do_part

            @app.task(name="portravox.do_one_part", pass_context=True)
            async def do_one_part(context: JobContext) -> None:
                await doing_part(context)

            queues += [parts_queue_of(engine) for engine in engines]
        return await self._start(app, queues, concurrency=slots, drain_s=None)

    async def keep_up(self, app: App) -> None:
        """Take tasks from machines that are gone, and call for work that nobody is called for."""
        [look] = await self._database.change([(_LOOK, {})], lambda found: found[0])
        if look["looked_s"] >= LOOKS_S:
            stalled = list(await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=GONE_S))
            if stalled:
                gone = [f"job {job.id}" for job in stalled]
                lost = await self._queue.expire_leases_of(gone)
                await self._queue.parts.requeue_expired(gone)
                _log.warning("%d jobs of workers that are gone; tasks: %s", len(stalled), lost)
            for job in stalled:
                # Its task waits again, and has a job of its own by that.
                with suppress(Exception):
                    await app.job_manager.finish_job(job, status=Status.FAILED, delete_job=True)
        await self._queue.requeue_expired(self._queue.now())
        await self._queue.parts.requeue_expired()
        await self.top_up()

    async def top_up(self) -> None:
        """Call for work where fewer jobs wait than tasks: a key that had as many running as it may
        has one less, or a job found nothing to claim."""
        asked = {"tickets": TICKETS, "engines": list(ENTRIES)}
        await self._database.change([(_TOP_UP, asked)], lambda found: None)

    async def _start(
        self, app: App, queues: list[str], *, concurrency: int, drain_s: float | None
    ) -> Worker:
        if len(self._apps) == 1:
            await self._connector.open_async()
        worker = Worker(
            app=app,
            queues=queues,
            name=queues[0],
            concurrency=concurrency,
            fetch_job_polling_interval=POLL_S,
            abort_job_polling_interval=POLL_S,
            shutdown_graceful_timeout=drain_s,
            delete_jobs="always",
            install_signal_handlers=False,
            update_heartbeat_interval=BEAT_S,
            stalled_worker_timeout=10 * GONE_S,
        )
        running = asyncio.create_task(self._keep_running(worker), name=f"engine {queues[0]}")
        self._workers.append((worker, running))
        return worker

    async def _keep_running(self, worker: Worker) -> None:
        """Begin anew where the engine's worker ended without being told to: it ends by itself, and
        raises nothing, where its heartbeat, its clock or what listens for it fails."""
        while True:
            try:
                await worker.run()
            except Exception:
                _log.exception("the engine goes on after a pause")
            if worker in self._told_to_stop:
                return
            _log.error("the engine ended and begins anew")
            await asyncio.sleep(POLL_S)

    def stop_taking(self, worker: Worker) -> None:
        """Have one of its workers take no more jobs."""
        self._told_to_stop.add(worker)
        worker.stop()

    def trouble(self) -> str | None:
        """Why no work comes here, if so."""
        if any(running.done() for _, running in self._workers):
            return "the engine has ended"
        return None

    async def stop(self, *, within_s: float = 10.0) -> None:
        """Take no more jobs, and end when those at hand have ended."""
        for worker, _ in self._workers:
            self.stop_taking(worker)
        ends = [running for _, running in self._workers]
        if ends:
            _, late = await asyncio.wait(ends, timeout=within_s)
            for end in late:
                end.cancel()
            if late:
                await asyncio.wait(late, timeout=within_s)
        with suppress(Exception):
            await asyncio.wait_for(self._connector.close_async(), within_s)


class EngineWorker:
    """Does the tasks that the engine's jobs ask for: a `WorkerLoop` without its loop."""

    def __init__(
        self,
        engine: Engine,
        queue: PostgresTaskQueue,
        loop: WorkerLoop,
        *,
        slots: int,
        is_limited: Callable[[str], bool] = lambda key_id: False,
        parts: PartMaker | None = None,
    ) -> None:
        """
        is_limited   whether a key may have so many running tasks and no more
        parts        makes parts of other workers' long videos; None: nobody does here
        """
        self.name = loop.name
        self._engine = engine
        self._queue = queue
        self._loop = loop
        self._slots = slots
        self._is_limited = is_limited
        self._parts = parts
        self._worker: Worker | None = None
        self._attempts: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Begin to take tasks."""
        self._loop.keep_warm()
        self._worker = await self._engine.start_tasks(
            self._slots,
            self._queue.engines,
            self._do_one,
            None if self._parts is None else self._do_one_part,
        )

    async def _do_one(self, context: JobContext) -> None:
        claiming = asyncio.create_task(
            self._queue.claim(
                f"job {context.job.id}",
                lease_s=LEASE_S,
                except_keys=self._loop.keys_with_their_share(),
            )
        )
        try:
            task = await asyncio.shield(claiming)
        except asyncio.CancelledError:
            # Its end was asked for before we knew that it is ours.
            with suppress(PortravoxError):
                if (late := await claiming) is not None:
                    await self._give_back(late)
            raise
        except PortravoxError as error:
            _log.warning("nothing was claimed: %s", error)
            return  # upkeep calls anew
        if task is None:
            return
        attempt = asyncio.create_task(self._loop.attempt(task), name=f"attempt {task.task_id}")
        self._attempts.add(attempt)
        attempt.add_done_callback(self._attempts.discard)
        room = asyncio.create_task(self._lend_room(attempt))
        try:
            await asyncio.shield(attempt)
        except asyncio.CancelledError:
            # By the engine: the client asked for its end, or this worker was told to stop.
            attempt.cancel()
            await asyncio.gather(attempt, return_exceptions=True)
            await self._give_back(task)  # if it was cancelled before it began
            raise
        finally:
            await room
            if self._is_limited(task.key_id):
                with suppress(PortravoxError):
                    await self._engine.top_up()

    async def _do_one_part(self, context: JobContext) -> None:
        assert self._parts is not None
        try:
            # Cancelled in between, its lease says when somebody else may have it.
            claimed = await self._parts.claim(f"job {context.job.id}")
        except PortravoxError as error:
            _log.warning("no part was claimed: %s", error)
            return  # who planned the video makes it
        if claimed is None:
            return
        part, task = claimed
        making = asyncio.create_task(
            self._parts.make(part, task), name=f"part {part.number} of {task.task_id}"
        )
        self._attempts.add(making)
        making.add_done_callback(self._attempts.discard)
        try:
            await asyncio.shield(making)
        except asyncio.CancelledError:
            making.cancel()
            await asyncio.gather(making, return_exceptions=True)
            raise

    async def _give_back(self, task: Task) -> None:
        """End an attempt, where it has not said itself what came of it."""
        with suppress(PortravoxError):
            await self._queue.finish(task.task_id, task.attempt, Released())

    async def _lend_room(self, attempt: asyncio.Task[None]) -> None:
        """Let another job come while an attempt fetches slowly, and take the place back after."""
        places = self._worker._job_semaphore if self._worker is not None else None
        if not await self._loop.becomes_slow(attempt) or places is None:
            return
        places.release()
        await asyncio.wait([attempt])
        await places.acquire()

    @property
    def heartbeat_age_s(self) -> float:
        """0: the event loop is alive, or nobody would ask."""
        return 0.0

    @property
    def failed_starts(self) -> int:
        """How often in a row a process could not be started."""
        return self._loop.failed_starts

    def trouble(self) -> str | None:
        """Why no task is done here, if so."""
        return self._engine.trouble() or self._loop.trouble_of_processes()

    async def stop(self, *, drain_s: float, hurry: asyncio.Event) -> None:
        """Take no more; the tasks at hand may go on for so long, or until somebody is in a hurry.
        Then they are given back."""
        if self._worker is not None:
            self._engine.stop_taking(self._worker)
        hurried = asyncio.create_task(hurry.wait())
        if self._attempts:
            drained = asyncio.create_task(asyncio.wait(set(self._attempts)))
            await asyncio.wait(
                [drained, hurried], timeout=drain_s, return_when=asyncio.FIRST_COMPLETED
            )
            drained.cancel()
        for attempt in self._attempts:
            attempt.cancel()
        await asyncio.gather(*self._attempts, return_exceptions=True)
        hurried.cancel()
        await self._loop.close_processes()
