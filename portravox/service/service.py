"""The parts of a running server, as the routes see them.

Flow      app -> service.service -> routes
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from starlette.requests import Request

from portravox.service import problems
from portravox.service.detector import Detector
from portravox.service.disk import DiskSpace
from portravox.service.eta import TaskEta
from portravox.service.followers import TaskFollowers
from portravox.service.health import HealthProbe
from portravox.service.keys import DEFAULT_GROUP, Keys
from portravox.service.limits import Call, Limits, RateLimiter, Rates
from portravox.service.live import LiveSessions
from portravox.service.live_calls import LiveCalls
from portravox.service.logins import Logins, LoginTokens, Passes, StudioPasses
from portravox.service.metrics import Metrics
from portravox.service.places import Places
from portravox.service.previews import Previews, ShowsPreviews
from portravox.service.problems import Refusal
from portravox.service.settings import ServiceSettings
from portravox.service.speech_usage import SpeechUsage
from portravox.service.storage.base import Links, Storage
from portravox.service.storage.local import LocalLinks
from portravox.service.storage.signing import SigningKeys
from portravox.service.storage.uploads import Uploads
from portravox.service.streams import Streams
from portravox.service.tasks.parts import PartsTable
from portravox.service.tasks.queue import KeyLimits, TaskQueue

NO_KEY_ID = "0"
"""Of callers without a key: on a server that asks for none, or with a pass; real ids begin
with 1."""

STREAMS_AT_ONCE = 1024
"""Clients that may follow tasks by events at the same time. Our choice: a file descriptor
each; one reader looks at the table for all."""

WATCHERS_AT_ONCE = 256
"""Clients that may watch videos while they are made: 128 kB each where they are slow to take them.
Our choice: a server makes as many videos at once as it has workers."""

DOWNLOADS_AT_ONCE = 2048
"""Videos that clients may be fetching at the same time: a quarter of a megabyte each where they are
slow to take them. Our choice."""

READS_AT_ONCE = 32
"""Pieces of videos that are being read at the same time, of all downloads. Our choice: more than
there are threads for it. Who waits for his turn costs the event loop nothing, where a thousand
downloads that begin together kept everybody else waiting for seconds."""

UPLOADS_AT_ONCE = 32
"""Files that may arrive at the same time, of all clients together. Our choice: 3 GB on the disk
until they are stored."""

CONVERTED_AT_ONCE = 32
"""Files that were converted for the page and are being made or fetched, of all clients together.
Our choice: 4 GB on the disk until they are taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks."""

    key_id: str
    group: str
    limits: Limits


SHARE = 0.5
"""Of what other keys leave of the queue, the most that one key may hold (`tasks.room`). Our choice:
one busy key holds half of it, and whoever comes next finds as much."""


def limits_in_queue(keys: Keys, settings: ServiceSettings, key_id: str) -> KeyLimits:
    """What one key may have in the queue."""
    if settings.no_keys:
        return settings.limits.in_queue()
    key = keys.by_id(key_id)
    own = key.limits if key is not None else Limits()
    limits = own.or_else(settings.limits).in_queue()
    # Where there is but one key, there is nobody to leave room for.
    return limits if keys.valid_count < 2 else replace(limits, share=SHARE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Everything that an answer may need."""

    settings: ServiceSettings
    queue: TaskQueue
    parts: PartsTable | None = None
    """Of long videos that several machines make; None: there is one machine."""

    videos: Storage
    links: Links
    """That clients are given."""

    served_links: LocalLinks
    """That this server answers, also where clients are given others now."""

    uploads: Uploads
    keys: Keys
    detector: Detector
    signing: SigningKeys
    metrics: Metrics = field(default_factory=Metrics)
    previews: ShowsPreviews = field(default_factory=Previews)
    streams: Streams = field(default_factory=Streams)
    space: DiskSpace = field(default_factory=DiskSpace)
    passes: StudioPasses = field(default_factory=Passes)
    login_tokens: Logins | None = None
    """None: in the data folder."""

    own_folder: Path | None = None
    """Where this process alone works; None: in the data folder, which is its own."""

    eta: TaskEta = field(default_factory=lambda: TaskEta(workers=1))
    drawn_on: Mapping[str, str] = field(default_factory=dict)
    """The device of each engine that is offered, for people."""

    health: HealthProbe = field(default_factory=HealthProbe)
    live: LiveSessions | None = None
    """None: none are held here."""

    calls: LiveCalls | None = None
    """Those over WebRTC; None: there are none."""

    rates: Rates = field(default_factory=RateLimiter)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the server was told to stop: it finishes what it is making, answers those who ask
    for that, and takes nothing new."""

    drained: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when its workers have ended: streams end, and it stops."""

    hurrying: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when it was told so twice: tasks are given back at once."""

    streaming: Places = field(default_factory=lambda: Places(STREAMS_AT_ONCE))
    """By key."""

    watching: Places = field(default_factory=lambda: Places(WATCHERS_AT_ONCE))
    """By key: videos that are watched while they are made."""

    uploading: Places = field(default_factory=lambda: Places(UPLOADS_AT_ONCE))
    """By account: the form of an upload carries no key."""

    downloading: Places = field(default_factory=lambda: Places(DOWNLOADS_AT_ONCE))
    """By video: its link carries no key."""

    converted: Places = field(default_factory=lambda: Places(CONVERTED_AT_ONCE))
    """By key, or address."""

    reading: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(READS_AT_ONCE))
    """Of downloads and of converted files."""

    followers: TaskFollowers = field(init=False)
    spoken: SpeechUsage = field(init=False)

    def __post_init__(self) -> None:
        followers = TaskFollowers(self.queue, self.eta, self.admits)
        object.__setattr__(self, "followers", followers)
        object.__setattr__(self, "spoken", SpeechUsage(self.queue))

    async def caller(self, request: Request, call: Call) -> Caller:
        """Who sent a request, counted against what he may send. Raises Refusal, RateReached."""
        return await self.caller_by(request.headers.get("authorization"), call)

    async def caller_by(self, authorization: str | None, call: Call) -> Caller:
        """The same by a header of Authorization, or what stands in its place."""
        caller = self._caller(authorization)
        counting = self.rates.take(caller.key_id, call, caller.limits)
        if counting is not None:
            await counting
        return caller

    def _caller(self, authorization: str | None) -> Caller:
        general = self.settings.limits
        if self.settings.no_keys:
            return Caller(key_id=NO_KEY_ID, group=DEFAULT_GROUP, limits=general)
        scheme, _, presented = (authorization or "").strip().partition(" ")
        if not scheme:
            raise Refusal(problems.NO_KEY)
        if scheme.lower() != "bearer":
            raise Refusal(problems.BAD_KEY)
        if self.passes.holds(presented.strip()):
            return Caller(key_id=NO_KEY_ID, group=DEFAULT_GROUP, limits=general)
        key = self.keys.find(presented.strip())
        if key is None:
            raise Refusal(problems.BAD_KEY)
        return Caller(key_id=key.key_id, group=key.group, limits=key.limits.or_else(general))

    def admits(self, authorization: str | None) -> bool:
        """Whether whoever was let in with this header would be now."""
        try:
            self._caller(authorization)
        except Refusal:
            return False
        return True

    @property
    def work_dir(self) -> Path:
        """Where files lie while they arrive and while they are worked on."""
        if self.own_folder is not None:
            return self.own_folder / "work"
        return self.settings.work_dir

    @property
    def logins(self) -> Logins:
        """Tokens of one-time links, as the command line makes them."""
        return self.login_tokens or LoginTokens(self.settings.logins_dir)

    def base_url(self, request: Request) -> str:
        """Where this client reaches the server, without a slash at the end."""
        if self.settings.public_url is not None:
            return self.settings.public_url
        return f"{request.url.scheme}://{request.headers.get('host') or request.url.netloc}"


def service_of(request: Request) -> Service:
    """The server that a request came to."""
    found: Service = request.app.state.service
    return found
