"""The application: every part of the server is made and wired here, and nowhere else.

Flow      cli.serve -> app.create_server -> uvicorn
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import (
    AbstractAsyncContextManager,
    ExitStack,
    asynccontextmanager,
    contextmanager,
    suppress,
)
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.datastructures import State
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from portravox.engines.registry import ENTRIES, device_of
from portravox.errors import PortravoxError, SettingOutOfRange
from portravox.labels.signer import Signer
from portravox.service.accounts import shared_database
from portravox.service.backup import finish_restore
from portravox.service.detector import FETCHERS, FETCHERS_PER_KEY, ProcessDetector
from portravox.service.disk import DiskSpace
from portravox.service.errors import StorageFailed
from portravox.service.eta import TaskEta
from portravox.service.fetch.addresses import AddressPolicy
from portravox.service.health import checks_of
from portravox.service.janitor import CleaningRounds, end_overdue, end_overdue_in, keep_clean
from portravox.service.keys import ApiKeys, Keys
from portravox.service.live import LiveLimits, LiveSessions
from portravox.service.live_calls import LiveCalls
from portravox.service.live_usage import KeepsLiveUsage, LiveUsage
from portravox.service.metrics import Metrics
from portravox.service.previews import ShowsPreviews
from portravox.service.request_middleware import RequestMiddleware
from portravox.service.routes import (
    consent,
    convert,
    detect,
    docs,
    files,
    health,
    inspect,
    live,
    studio,
    tasks,
    uploads,
    videos,
    webhooks,
)
from portravox.service.schemas import Account
from portravox.service.service import Service, limits_in_queue
from portravox.service.settings import ServiceSettings
from portravox.service.storage.local import LocalLinks, LocalStorage
from portravox.service.storage.opened import open_storages
from portravox.service.storage.signing import SigningKeys, open_signing_keys
from portravox.service.storage.uploads import UploadedFiles, UploadLimits, Uploads
from portravox.service.streams import Streams
from portravox.service.tasks.queue import TaskQueue
from portravox.service.tasks.sqlite import SqliteTaskQueue
from portravox.service.webhooks.deliver import Deliverer
from portravox.service.webhooks.post import WebhookSender
from portravox.service.worker.loop import SLOW_FETCHES_PER_SLOT, Worker, WorkerLoop
from portravox.service.worker.parts import PartMaker
from portravox.service.worker.peer_process import is_installed
from portravox.service.worker.process import ProcessPool, WorkerProcess
from portravox.service.worker.sandbox import SandboxMode, offered
from portravox.service.worker.scratch import ScratchSpace
from portravox.service.worker.seccomp import Role
from portravox.service.worker.speaker import Speaker
from portravox.synthesis.settings import PROGRAMS

if TYPE_CHECKING:
    from portravox.service.cluster.previews import SharedPreviews
    from portravox.service.database.database import Database
    from portravox.service.tasks.postgres import PostgresTaskQueue

ROUTES = (
    *tasks.ROUTES[:1],  # query
    *videos.ROUTES,
    *tasks.ROUTES[1:],
    *detect.ROUTES,
    *convert.ROUTES,
    *inspect.ROUTES,
    *live.ROUTES,
    *consent.ROUTES,
    *uploads.ROUTES,
    *webhooks.ROUTES,
    *files.ROUTES,
    *health.ROUTES,
    *docs.ROUTES,
    *studio.ROUTES,
)
"""What is served, looked through in this order for each request: what is asked most comes first. A
part that brings paths of its own adds its ROUTES here, what they need to `Service`, and its own
making to `_opened`."""

_log = logging.getLogger("portravox.service")

OpenService = Callable[[Metrics], AbstractAsyncContextManager[Service]]


CORS_HEADERS = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "Range",
    "X-DashScope-Async",
    "X-DashScope-OssResourceResolve",
)
"""What web pages of named origins may send. Keys travel in a header, so cookies are not needed."""

CORS_ANSWER_HEADERS = ("Content-Range", "Retry-After", "X-Request-Id")
"""What they may read beyond what every page may."""

SMALL_MEMORY_MIB: Mapping[Role, int] = {"fetch": 256, "peer": 768}
"""Of a process that fetches, which needs 40, and of one that holds a WebRTC connection, which
needs 250."""

STORE_THREADS = 64
"""Calls of an object store, and all else that waits for files, at the same time. Our choice."""

IDLE_FETCHERS = 2
"""Of each kind, that are kept ready; the others end with their request. Our choice."""


class Application:
    """The routes, and the service that they find as `request.app.state.service`.

    A bare router: what Starlette's own application adds is answers of its own to errors, which
    clients of the original do not understand.
    """

    def __init__(self, open_service: OpenService, *, cors_origins: Sequence[str] = ()) -> None:
        """Around a service that is opened when the server starts and closed when it stops.

        cors_origins  of web pages that may call it from a browser
        """
        self.state = State()
        self.failure: PortravoxError | None = None
        """Why the service did not open, or did not close well."""

        self._open_service = open_service
        self._metrics = Metrics()
        self._router = Router(routes=ROUTES, redirect_slashes=False)
        self._requests: ASGIApp = RequestMiddleware(self._router, self._metrics, self._settings)
        if cors_origins:
            self._requests = CORSMiddleware(
                self._requests,
                allow_origins=cors_origins,
                allow_methods=("GET", "POST"),
                allow_headers=CORS_HEADERS,
                expose_headers=CORS_ANSWER_HEADERS,
            )

    def stop(self) -> None:
        """Say that the end is near, as a signal handler may: nobody is sent here any more, nothing
        new is taken, and workers finish what they are making, for a while. Said again, it ends
        what the workers do at once."""
        service: Service | None = getattr(self.state, "service", None)
        if service is not None:
            (service.hurrying if service.stopping.is_set() else service.stopping).set()

    def _settings(self) -> ServiceSettings:
        service: Service = self.state.service
        return service.settings

    @property
    def drained(self) -> bool:
        """Whether the workers have ended after `stop`: until then clients are to be answered."""
        service: Service | None = getattr(self.state, "service", None)
        return service is None or service.drained.is_set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"] = self
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await self._requests(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        """Open the service, then close it when the server is told to stop.

        Written out, since Starlette sends a stack trace where we have one line to say.
        """
        phase = "startup"
        await receive()
        try:
            async with self._open_service(self._metrics) as service:
                self.state.service = service
                await send({"type": "lifespan.startup.complete"})
                phase = "shutdown"
                await receive()
        except PortravoxError as error:
            self.failure = error
            await send({"type": f"lifespan.{phase}.failed", "message": str(error)})
        else:
            await send({"type": "lifespan.shutdown.complete"})


def create_server(settings: ServiceSettings) -> Application:
    """The real thing. Raises SettingOutOfRange where strangers could use it without a key; opening
    it fails with QueueUnavailable, StorageFailed or SecretsUnreadable."""
    settings.require_safe()
    return Application(partial(_opened, settings), cors_origins=settings.allowed_origins)


@asynccontextmanager
async def _opened(settings: ServiceSettings, metrics: Metrics) -> AsyncIterator[Service]:
    _say_how_isolated(settings.sandbox)
    _make_data_folder(settings)
    drawn_on = {}
    if settings.workers > 0:
        drawn_on = await asyncio.to_thread(engine_devices, settings)
    database = shared_database(settings)
    if database is None:
        opening = _alone(settings, metrics, drawn_on)
    else:
        opening = _among_others(settings, metrics, database, drawn_on)
    with metrics.traces.sent_to(settings.traces_url):
        async with opening as service:
            yield service


@asynccontextmanager
async def _alone(
    settings: ServiceSettings, metrics: Metrics, drawn_on: Mapping[str, str]
) -> AsyncIterator[Service]:
    """With everything in the data folder, which no other server uses."""
    folder = settings.data_dir
    finish_restore(folder)
    keys = ApiKeys(settings.keys_file)
    if not settings.no_keys:
        keys.load()
    # First of all: it is locked, so none of what follows happens to a server that runs already.
    queue = SqliteTaskQueue(
        folder / "tasks.db",
        max_pending=settings.max_queued,
        limits_of=partial(limits_in_queue, keys, settings),
    )
    for emptied in (settings.work_dir, settings.processes_dir):
        with _making(emptied):
            shutil.rmtree(emptied, ignore_errors=True)  # of a server that was killed
            emptied.mkdir(mode=0o700)
    parts = _Parts(settings, metrics, signing=open_signing_keys(settings.signing_keys_file))
    service = parts.service(queue=queue, keys=keys, drawn_on=drawn_on)
    # No worker outlived the server that this one replaces.
    await queue.requeue_expired(float("inf"))
    worker = parts.worker(
        "worker",
        queue=queue,
        slots=settings.workers,
        eta=service.eta,
        previews=service.previews,
        streams=service.streams,
    )
    _watch(metrics, worker)
    deliverer = _deliverer(service)
    janitor = asyncio.create_task(keep_clean(service), name="janitor")
    worker.start()
    deliverer.start()
    async with _serving(service, worker, parts.detector, deliverer):
        try:
            yield service
        finally:
            await _cancelled(janitor)


async def _cancelled(task: asyncio.Task[None]) -> None:
    """End a task that never ends by itself."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def _shared_queue(settings: ServiceSettings, database: Database, keys: Keys) -> PostgresTaskQueue:
    """The queue of all machines, as this one takes part in it."""
    from portravox.service.tasks.postgres import PostgresTaskQueue

    return PostgresTaskQueue(
        database,
        max_pending=settings.max_queued,
        limits_of=partial(limits_in_queue, keys, settings),
        engines=settings.engines_here,
    )


def _is_limited(keys: Keys, settings: ServiceSettings, key_id: str) -> bool:
    """Whether a key may have only so many tasks running at once, in the whole cluster."""
    return limits_in_queue(keys, settings, key_id).max_running is not None


@asynccontextmanager
async def _among_others(
    settings: ServiceSettings, metrics: Metrics, database: Database, drawn_on: Mapping[str, str]
) -> AsyncIterator[Service]:
    """With tasks and keys in a database that other machines use, too."""
    from portravox.service.cluster.engine import Engine, EngineWorker
    from portravox.service.cluster.estimates import keep_estimating
    from portravox.service.cluster.keys import (
        SharedKeys,
        SharedLogins,
        SharedRates,
        SignedPasses,
    )
    from portravox.service.cluster.live_usage import SharedLiveUsage

    keys = SharedKeys(database)
    queue = _shared_queue(settings, database, keys)
    signing = open_signing_keys(settings.signing_keys_file)
    engine = Engine(database, queue)
    with tempfile.TemporaryDirectory(prefix="portravox-", ignore_cleanup_errors=True) as own:
        parts = _Parts(settings, metrics, signing=signing, own_folder=Path(own))
        previews = parts.shared_previews()
        service = parts.service(
            queue=queue,
            keys=keys,
            previews=previews,
            passes=SignedPasses(signing, database.now),
            login_tokens=SharedLogins(database),
            parts=queue.parts,
            rates=SharedRates(database),
            live_usage=SharedLiveUsage(database),
            own_folder=Path(own),
            drawn_on=drawn_on,
        )
        keys.start()
        worker = None
        await engine.start_upkeep(
            end_overdue=lambda: end_overdue(service, now=queue.now()),
            clean=CleaningRounds(service).next_round,
        )
        if settings.workers > 0:
            loop, maker = parts.shared_worker(
                queue=queue,
                slots=settings.workers,
                eta=service.eta,
                previews=previews,
                streams=service.streams,
            )
            worker = EngineWorker(
                engine,
                queue,
                loop,
                slots=settings.workers,
                is_limited=partial(_is_limited, keys, settings),
                parts=maker,
            )
            _watch(metrics, worker)
            await worker.start()
        deliverer = _deliverer(service)
        deliverer.start()
        service.followers.listen_with(partial(database.listen, "portravox_task"))
        estimating = asyncio.create_task(keep_estimating(queue, service.eta), name="estimates")
        async with _serving(service, worker, parts.detector, deliverer):
            try:
                yield service
            finally:
                await _cancelled(estimating)
                await engine.stop()
                await keys.stop()


@asynccontextmanager
async def opened_worker(
    settings: ServiceSettings,
    *,
    slots: int,
    stopping: asyncio.Event,
    hurrying: asyncio.Event,
    metrics_port: int | None = None,
) -> AsyncIterator[Worker]:
    """A worker without a server: it does tasks of the database that machines share, and holds none
    of the keys with which the servers sign.

    metrics_port  where Prometheus is answered, on `settings.host`; None: nowhere

    Raises SettingOutOfRange where there is no such database or port.
    """
    _say_how_isolated(settings.sandbox)
    database = shared_database(settings)
    if database is None:
        raise SettingOutOfRange("database_url", None, "the address of a PostgreSQL")
    from portravox.service.cluster.engine import Engine, EngineWorker
    from portravox.service.cluster.keys import SharedKeys

    _make_data_folder(settings)
    await asyncio.to_thread(engine_devices, settings)
    keys = SharedKeys(database)
    queue = _shared_queue(settings, database, keys)
    engine = Engine(database, queue)
    metrics = Metrics()
    with ExitStack() as opened:
        opened.enter_context(metrics.traces.sent_to(settings.traces_url))
        if metrics_port is not None:
            opened.enter_context(metrics.served(settings.host, metrics_port))
        own = opened.enter_context(
            tempfile.TemporaryDirectory(prefix="portravox-", ignore_cleanup_errors=True)
        )
        parts = _Parts(settings, metrics, own_folder=Path(own))
        loop, maker = parts.shared_worker(
            queue=queue,
            slots=slots,
            eta=TaskEta(workers=slots),
            previews=parts.shared_previews(),
        )
        worker = EngineWorker(
            engine,
            queue,
            loop,
            slots=slots,
            is_limited=partial(_is_limited, keys, settings),
            parts=maker,
        )
        _watch(metrics, worker)
        keys.start()
        life_s = settings.task_life_s
        await engine.start_upkeep(
            end_overdue=lambda: end_overdue_in(queue, before=queue.now() - life_s)
        )
        await worker.start()
        try:
            yield worker
            await stopping.wait()
        finally:
            await worker.stop(drain_s=settings.drain_s, hurry=hurrying)
            await engine.stop()
            await keys.stop()
            await queue.close()


class _Parts:
    """What a server and a worker are made of, in their own folders."""

    def __init__(
        self,
        settings: ServiceSettings,
        metrics: Metrics,
        *,
        signing: SigningKeys | None = None,
        own_folder: Path | None = None,
    ) -> None:
        """
        signing      of a server; a worker has none
        own_folder   where this process alone works, if the data folder is not its own
        """
        self._settings = settings
        self._metrics = metrics
        self._signing = signing
        self._processes = settings.processes_dir if own_folder is None else own_folder / "processes"
        work = settings.work_dir if own_folder is None else own_folder / "work"
        for made in (self._processes, work):
            made.mkdir(mode=0o700, exist_ok=True)
        self._space = DiskSpace()
        if settings.storage is not None:
            # Threads that wait for a store that is away must not be all that there are.
            asyncio.get_running_loop().set_default_executor(
                ThreadPoolExecutor(STORE_THREADS, thread_name_prefix="portravox-io")
            )
        self._storages = open_storages(settings.storage, settings.data_dir, self._space)
        self._scratch = ScratchSpace(
            root=work,
            uploaded=UploadedFiles(self._storages.uploads),
            allow_nets=settings.fetch_allow_nets,
            allow_ports=settings.fetch_ports,
            max_voice_s=settings.max_voice_s,
            space=self._space,
        )

    def shared_previews(self) -> SharedPreviews:
        """Previews that all machines see."""
        from portravox.service.cluster.previews import SharedPreviews

        stored = self._storages.previews
        return SharedPreviews(stored or LocalStorage(self._settings.data_dir / "previews"))

    def service(
        self,
        *,
        queue: TaskQueue,
        keys: Keys,
        live_usage: KeepsLiveUsage | None = None,
        **others: Any,
    ) -> Service:
        """A server, and `detector` with it.

        live_usage  of all machines; None: kept in the data folder
        """
        settings, signing = self._settings, self._signing
        assert signing is not None
        # By the clock that machines share: links and forms are checked by others than gave them.
        served_links = LocalLinks(signing, queue.now)
        self.detector = ProcessDetector(
            fetching=self._fetchers(at_once=FETCHERS, per_key=FETCHERS_PER_KEY),
            judging=self._decoders("judge", at_once=1),
            opening=self._decoders("judge", at_once=1),
            scratch=self._scratch,
            picture_formats=settings.picture_formats,
            anchors_pem=settings.anchors_pem,
            watermark_key=settings.watermark_key_used,
        )
        live = self._live_sessions(live_usage)
        return Service(
            live=live,
            calls=None if live is None else self._live_calls(live),
            settings=settings,
            queue=queue,
            videos=self._storages.videos,
            space=self._space,
            links=self._storages.links(
                served_links, direct=settings.links == "direct", clock=queue.now
            ),
            served_links=served_links,
            uploads=Uploads(
                self._storages.uploads,
                signing,
                limits=UploadLimits(file_mib=settings.upload_mib),
                clock=queue.now,
            ),
            keys=keys,
            detector=self.detector,
            eta=TaskEta(workers=max(settings.workers, 1)),
            signing=signing,
            metrics=self._metrics,
            **others,
        )

    def worker(
        self,
        name: str,
        *,
        queue: TaskQueue,
        slots: int,
        eta: TaskEta,
        previews: ShowsPreviews,
        streams: Streams | None = None,
        rendering: ProcessPool | None = None,
        maker: PartMaker | None = None,
    ) -> WorkerLoop:
        """
        streams    of the server in the same process, by which its videos are watched
        rendering  processes that `maker` uses, too
        maker      of parts of long videos
        """
        settings = self._settings
        return WorkerLoop(
            name,
            queue=queue,
            videos=self._storages.videos,
            scratch=self._scratch,
            fetching=self._fetchers(at_once=slots * (1 + SLOW_FETCHES_PER_SLOT)),
            rendering=rendering or self._decoders("render", at_once=slots),
            slots=slots,
            metrics=self._metrics,
            eta=eta,
            previews=previews,
            streams=streams,
            speaker=_speaker(settings),
            render_time_s=settings.render_time_s,
            task_life_s=settings.task_life_s,
            picture_formats=settings.picture_formats,
            voice_formats=settings.voice_formats,
            max_voice_s=settings.max_voice_s,
            producer=settings.producer,
            signer=_signer(settings),
            watermark_key=settings.watermark_key_used,
            parts=maker,
        )

    def shared_worker(
        self, *, queue: PostgresTaskQueue, slots: int, **others: Any
    ) -> tuple[WorkerLoop, PartMaker | None]:
        """A worker among others, and who makes parts of long videos with the same processes."""
        settings = self._settings
        rendering = self._decoders("render", at_once=slots)
        maker = None
        if settings.part_s > 0:
            maker = PartMaker(
                queue.parts,
                part_s=settings.part_s,
                engines=queue.engines,
                videos=self._storages.videos,
                scratch=self._scratch,
                rendering=rendering,
                metrics=self._metrics,
                render_time_s=settings.render_time_s,
                picture_formats=settings.picture_formats,
                voice_formats=settings.voice_formats,
                max_voice_s=settings.max_voice_s,
                producer=settings.producer,
                watermark_key=settings.watermark_key_used,
            )
        loop = self.worker(
            _host_name(), queue=queue, slots=slots, rendering=rendering, maker=maker, **others
        )
        return loop, maker

    def _live_sessions(self, usage: KeepsLiveUsage | None) -> LiveSessions | None:
        settings = self._settings
        if settings.live_sessions == 0:
            return None
        live = LiveSessions(
            limits=LiveLimits(
                sessions=settings.live_sessions,
                idle_s=settings.live_idle_s,
                session_s=settings.live_session_s,
            ),
            pool=ProcessPool(
                partial(self._process, "live"), at_once=settings.live_sessions, keep=1
            ),
            fetching=self._fetchers(at_once=FETCHERS, per_key=FETCHERS_PER_KEY),
            scratch=self._scratch,
            usage=usage or LiveUsage(settings.live_seconds_file),
            metrics=self._metrics,
            speaker=_speaker(settings),
            picture_formats=settings.picture_formats,
            producer=settings.producer,
            watermark_key=settings.watermark_key_used,
        )
        if settings.live_warm:
            live.keep_warm()
        return live

    def _live_calls(self, live: LiveSessions) -> LiveCalls | None:
        settings = self._settings
        if not (settings.live_webrtc and is_installed()):
            return None
        _log.info("live sessions over WebRTC are held, too")
        return LiveCalls(
            live,
            ProcessPool(partial(self._process, "peer"), at_once=settings.live_sessions, keep=1),
            address=settings.udp_address,
            announced=settings.live_udp_address or "",
            ports=settings.udp_ports,
        )

    def _fetchers(self, *, at_once: int, per_key: int | None = None) -> ProcessPool:
        return ProcessPool(
            partial(self._process, "fetch"), at_once=at_once, per_key=per_key, keep=IDLE_FETCHERS
        )

    def _decoders(self, role: Role, *, at_once: int) -> ProcessPool:
        return ProcessPool(partial(self._process, role), at_once=at_once, keep=at_once)

    def _process(self, role: Role) -> WorkerProcess:
        settings = self._settings
        return WorkerProcess(
            role,
            memory_mib=SMALL_MEMORY_MIB.get(role, settings.render_memory_mib),
            folders=self._processes,
            sandbox_mode=settings.sandbox,
            engines=settings.engines_here if role in ("render", "live") else (),
        )


@asynccontextmanager
async def _serving(
    service: Service, worker: Worker | None, detector: ProcessDetector, deliverer: Deliverer
) -> AsyncIterator[None]:
    """Look at the server's health while it lives; drain it and close its queue when it ends."""
    service.health.start(
        checks_of(
            folder=service.settings.data_dir,
            videos=service.videos,
            queue=service.queue,
            worker=worker,
        )
    )
    draining = asyncio.create_task(_drain(service, worker), name="drain")
    try:
        yield
    finally:
        service.stopping.set()
        await draining
        await service.health.stop()
        await detector.close()
        if service.calls is not None:
            await service.calls.close()
        if service.live is not None:
            await service.live.close()
        await deliverer.stop()
        await service.queue.close()


def _watch(metrics: Metrics, worker: Worker) -> None:
    """Have the metrics tell how a worker is."""
    metrics.watch_worker(
        worker.name,
        age_s=lambda: worker.heartbeat_age_s,
        failed_starts=lambda: worker.failed_starts,
    )


def _deliverer(service: Service) -> Deliverer:
    return Deliverer(
        service.queue.outbox,
        _webhook_sender(service.settings, service.signing).post,
        on_attempt=service.metrics.count_notice,
        clock=service.queue.now,
    )


def _make_data_folder(settings: ServiceSettings) -> None:
    with _making(settings.data_dir):
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)


def _host_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


async def _drain(service: Service, worker: Worker | None) -> None:
    """Once the server is told to stop, end its worker, then its streams."""
    await service.stopping.wait()
    leaving = asyncio.create_task(_leave(service), name="live sessions end")
    try:
        if worker is not None:
            await worker.stop(drain_s=service.settings.drain_s, hurry=service.hurrying)
        await leaving
    finally:
        service.followers.close()
        service.streams.close()
        service.drained.set()


async def _leave(service: Service) -> None:
    """Let live sessions come to their end, unless there is a hurry."""
    if service.live is None:
        return
    stopping = asyncio.create_task(service.live.stop())
    hurrying = asyncio.create_task(service.hurrying.wait())
    await asyncio.wait([stopping, hurrying], return_when=asyncio.FIRST_COMPLETED)
    for task in (stopping, hurrying):
        task.cancel()


def _say_how_isolated(mode: SandboxMode) -> None:
    """Tell the log how far worker processes are isolated. Raises SettingOutOfRange where that is
    less than what was asked for."""
    isolation = offered()
    if mode == "off":
        _log.warning("worker processes are not isolated: sandbox is off")
    elif isolation.is_full:
        _log.info("worker processes are isolated by %s", isolation)
    elif mode == "require":
        lacks = f"auto, since this kernel lacks {', '.join(isolation.missing)}"
        raise SettingOutOfRange("sandbox", mode, lacks)
    else:
        _log.warning("worker processes are isolated by %s", isolation)


def engine_devices(settings: ServiceSettings) -> dict[str, str]:
    """The device of each engine that draws here; tells the log.

    Raises SettingOutOfRange where one lacks something, or cannot be isolated as asked for.
    """
    found = {}
    for name in settings.engines_here:
        try:
            found[name] = device_of(name)
        except PortravoxError as error:
            raise SettingOutOfRange("engines", name, f"without what is missing: {error}") from error
        on_a_card = ENTRIES[name].probe and not found[name].startswith("cpu")
        if on_a_card and settings.sandbox != "off":
            lacks = "sandbox=off with it: an isolated process has no way to a graphics card yet"
            raise SettingOutOfRange("engines", name, lacks)
        _log.info("the engine %s draws on %s", name, found[name])
        if on_a_card and settings.workers > 1:
            _log.warning("%d workers share the memory of %s", settings.workers, found[name])
        if ENTRIES[name].probe and not on_a_card:
            _log.warning("the engine %s takes seconds for each frame on the processor", name)
    return found


@contextmanager
def _making(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageFailed(f"cannot make {folder}: {error.strerror or error}") from error


def _speaker(settings: ServiceSettings) -> Speaker | None:
    """Who speaks the texts of tasks; None where nobody was named. Raises SettingOutOfRange."""
    speech = settings.speaks
    if speech is None:
        return None
    if speech.provider in PROGRAMS and shutil.which(speech.provider) is None:
        raise SettingOutOfRange("speech", speech.provider, "a program that is installed here")
    _log.info("texts are spoken by %s", speech.provider)
    policy = AddressPolicy.allowing(settings.fetch_allow_nets, ports=settings.fetch_ports)
    return Speaker(speech, policy)


def _signer(settings: ServiceSettings) -> Signer | None:
    """Who signs videos; tells the log. Raises CredentialsUnusable."""
    signer = settings.signer
    if signer is not None:
        _log.info("videos are signed by %s until %s", signer.subject, f"{signer.ends_at:%Y-%m-%d}")
    return signer


def _webhook_sender(settings: ServiceSettings, signing: SigningKeys) -> WebhookSender:
    token = settings.webhook_token
    return WebhookSender(
        signing=signing,
        account=Account(
            region=settings.region,
            caller_uid=settings.caller_uid,
            caller_parent_id=settings.caller_parent_id,
        ),
        policy=AddressPolicy.allowing(settings.webhook_allow_nets, ports=settings.webhook_ports),
        token=None if token is None else token.get_secret_value(),
    )
