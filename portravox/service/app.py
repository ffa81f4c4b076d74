"""The application: every part of the server is made and wired here, and nowhere else.

Flow      cli.serve -> app.create_server -> uvicorn
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from functools import partial
from pathlib import Path

from starlette.datastructures import State
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from portravox.engines.registry import ENTRIES, device_of
from portravox.errors import PortravoxError, SettingOutOfRange, StorageFailed
from portravox.service.backup import finish_restore
from portravox.service.detector import FETCHERS, FETCHERS_PER_KEY, ProcessDetector
from portravox.service.disk import DiskSpace
from portravox.service.eta import TaskEta
from portravox.service.fetch.addresses import AddressPolicy
from portravox.service.health import checks_of
from portravox.service.janitor import keep_clean
from portravox.service.keys import ApiKeys
from portravox.service.metrics import Metrics
from portravox.service.request_middleware import RequestMiddleware
from portravox.service.routes import (
    detect,
    docs,
    files,
    health,
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
from portravox.service.storage.signing import SigningKeys, open_signing_keys
from portravox.service.storage.uploads import UploadLimits, Uploads
from portravox.service.tasks.sqlite import SqliteTaskQueue
from portravox.service.webhooks.deliver import Deliverer
from portravox.service.webhooks.post import WebhookSender
from portravox.service.worker.loop import SLOW_FETCHES_PER_SLOT, WorkerLoop
from portravox.service.worker.process import ProcessPool, WorkerProcess
from portravox.service.worker.sandbox import SandboxMode, offered
from portravox.service.worker.scratch import ScratchSpace
from portravox.service.worker.seccomp import Role

ROUTES = (
    *tasks.ROUTES,
    *videos.ROUTES,
    *detect.ROUTES,
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

FETCH_MEMORY_MIB = 256
"""Of a process that fetches, which needs 40."""

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
    drawn_on = await asyncio.to_thread(engine_devices, settings)
    folder = settings.data_dir
    with _making(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
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
    work = settings.work_dir
    for emptied in (work, settings.processes_dir):
        with _making(emptied):
            shutil.rmtree(emptied, ignore_errors=True)  # of a server that was killed
            emptied.mkdir(mode=0o700)
    signing = open_signing_keys(settings.signing_keys_file)
    space = DiskSpace()
    uploaded = LocalStorage(folder / "uploads", space=space)
    uploads = Uploads(uploaded, signing, limits=UploadLimits(file_mib=settings.upload_mib))
    scratch = ScratchSpace(
        root=work,
        uploads=uploads,
        uploaded=uploaded,
        allow_nets=settings.fetch_allow_nets,
        allow_ports=settings.fetch_ports,
        space=space,
    )
    detector = ProcessDetector(
        fetching=_fetchers(settings, at_once=FETCHERS, per_key=FETCHERS_PER_KEY),
        judging=_decoders("judge", settings, at_once=1),
        scratch=scratch,
    )
    service = Service(
        settings=settings,
        queue=queue,
        videos=LocalStorage(folder / "videos", space=space),
        space=space,
        links=LocalLinks(signing),
        uploads=uploads,
        keys=keys,
        detector=detector,
        eta=TaskEta(workers=settings.workers),
        signing=signing,
        metrics=metrics,
        drawn_on=drawn_on,
    )
    # No worker outlived the server that this one replaces.
    await service.queue.requeue_expired(float("inf"))
    worker = WorkerLoop(
        "worker",
        queue=service.queue,
        videos=service.videos,
        scratch=scratch,
        fetching=_fetchers(settings, at_once=settings.workers * (1 + SLOW_FETCHES_PER_SLOT)),
        rendering=_decoders("render", settings, at_once=settings.workers),
        slots=settings.workers,
        metrics=metrics,
        eta=service.eta,
        previews=service.previews,
        render_time_s=settings.render_time_s,
        task_life_s=settings.task_life_s,
        voice_formats=settings.voice_formats,
        producer=settings.producer,
    )
    service.workers.append(worker)
    deliverer = Deliverer(
        service.queue.outbox,
        _webhook_sender(settings, signing).post,
        on_attempt=metrics.count_notice,
    )
    janitor = asyncio.create_task(keep_clean(service), name="janitor")
    worker.start()
    deliverer.start()
    service.health.start(
        checks_of(folder=folder, videos=service.videos, queue=service.queue, worker=worker)
    )
    draining = asyncio.create_task(_drain(service, worker), name="drain")
    try:
        yield service
    finally:
        service.stopping.set()
        await draining
        await service.health.stop()
        janitor.cancel()
        with suppress(asyncio.CancelledError):
            await janitor
        await detector.close()
        await deliverer.stop()
        await service.queue.close()


async def _drain(service: Service, worker: WorkerLoop) -> None:
    """Once the server is told to stop, end its worker, then its streams."""
    await service.stopping.wait()
    try:
        await worker.stop(drain_s=service.settings.drain_s, hurry=service.hurrying)
    finally:
        service.followers.close()
        service.drained.set()


def _fetchers(
    settings: ServiceSettings, *, at_once: int, per_key: int | None = None
) -> ProcessPool:
    return ProcessPool(
        partial(_process, "fetch", settings),
        at_once=at_once,
        per_key=per_key,
        keep=IDLE_FETCHERS,
    )


def _decoders(role: Role, settings: ServiceSettings, *, at_once: int) -> ProcessPool:
    return ProcessPool(partial(_process, role, settings), at_once=at_once, keep=at_once)


def _process(role: Role, settings: ServiceSettings) -> WorkerProcess:
    return WorkerProcess(
        role,
        memory_mib=FETCH_MEMORY_MIB if role == "fetch" else settings.render_memory_mib,
        folders=settings.processes_dir,
        sandbox_mode=settings.sandbox,
        engines=settings.offered_engines if role == "render" else (),
    )


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
    """The device of each engine that is offered; tells the log.

    Raises SettingOutOfRange where one lacks something, or cannot be isolated as asked for.
    """
    found = {}
    for name in settings.offered_engines:
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
