"""Traces: where the time of requests and tasks went, told to a collector that the operator named.

Flow      request_middleware, worker.loop, worker.parts -> Traces.record -> a thread -> POST, OTLP

Off unless there is an address (`traces_url`), and nothing is sent anywhere else. A task's trace is
that of the request that submitted it, by its id, which the task carries anyway: whichever machine
works at it continues the trace.

Source: OpenTelemetry Protocol 1.x over HTTP in JSON (opentelemetry.io/docs/specs/otlp).
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import logging
import os
import queue
import random
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from portravox import __version__

SENT_APART_S = 2.0
"""How long spans wait for others. Our choice."""

MOST_WAITING = 4096
"""Spans that wait; more are dropped: a collector that is away costs no memory. Our choice."""

MOST_AT_ONCE = 512
POST_TIME_S = 5.0
"""Our choice."""

COMPLAINTS_APART_S = 60.0

Kind = Literal["server", "consumer", "internal"]
_KINDS: Mapping[Kind, int] = {"internal": 1, "server": 2, "consumer": 5}
_ERROR = 2
"""Numbers of the protocol."""

_log = logging.getLogger("portravox.traces")

Value = str | int | float


@dataclass(frozen=True, slots=True)
class Place:
    """Where a span stands: in which trace, and below which span."""

    trace_id: str
    """32 hexadecimal digits"""

    span_id: str
    """16 of them"""

    parent_id: str = ""

    @classmethod
    def of_request(cls, request_id: str) -> Place:
        """The first span of a trace. Whoever knows the request's id can continue it."""
        digits = request_id.replace("-", "").lower()
        if len(digits) != 32 or set(digits) - set("0123456789abcdef"):
            digits = hashlib.sha256(request_id.encode()).hexdigest()[:32]
        return cls(digits, digits[16:])

    def below(self) -> Place:
        """A place for a span of its own below this one."""
        return Place(self.trace_id, f"{random.getrandbits(64) | 1:016x}", self.span_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Something that took time."""

    place: Place
    name: str
    kind: Kind
    began_at: float
    ended_at: float
    """Seconds since 1970, by this machine's clock."""

    attributes: Mapping[str, Value | None]
    failed: bool = False

    def as_json(self) -> dict[str, object]:
        """As the protocol has it."""
        told: dict[str, object] = {
            "traceId": self.place.trace_id,
            "spanId": self.place.span_id,
            "name": self.name,
            "kind": _KINDS[self.kind],
            "startTimeUnixNano": str(round(self.began_at * 1e9)),
            "endTimeUnixNano": str(round(self.ended_at * 1e9)),
            "attributes": _attributes(self.attributes),
        }
        if self.place.parent_id:
            told["parentSpanId"] = self.place.parent_id
        if self.failed:
            told["status"] = {"code": _ERROR}
        return told


class Traces:
    """Takes spans and sends them in a thread of its own, once `start` was called; before, and where
    nobody named a collector, it takes none."""

    def __init__(self) -> None:
        self._url = ""
        self._waiting: queue.Queue[Span] = queue.Queue(MOST_WAITING)
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._complained_at = -COMPLAINTS_APART_S
        self.dropped = 0
        """Spans that nobody got."""

    @contextmanager
    def sent_to(self, url: str | None) -> Iterator[None]:
        """While this lasts, spans are sent to a collector.

        url   http(s)://host:4318/v1/traces; None: nowhere
        """
        if url is None:
            yield
            return
        self._url = url
        self._ending.clear()
        self._thread = threading.Thread(target=self._send_all, name="portravox-traces", daemon=True)
        self._thread.start()
        try:
            yield
        finally:
            self._ending.set()
            self._thread.join(2 * POST_TIME_S)
            self._url = ""

    @property
    def is_on(self) -> bool:
        """Whether anybody wants spans."""
        return bool(self._url)

    def record(self, span: Span) -> None:
        """Take a span; never waits."""
        if not self._url:
            return
        try:
            self._waiting.put_nowait(span)
        except queue.Full:
            self.dropped += 1

    def _send_all(self) -> None:
        is_last = False
        while not is_last:
            is_last = self._ending.wait(SENT_APART_S)
            while spans := self._next():
                if not self._post(spans):
                    self.dropped += len(spans)
                    break  # and wait before the next try

    def _next(self) -> list[Span]:
        spans: list[Span] = []
        with contextlib.suppress(queue.Empty):
            while len(spans) < MOST_AT_ONCE:
                spans.append(self._waiting.get_nowait())
        return spans

    def _post(self, spans: list[Span]) -> bool:
        """Send some; False where they did not arrive. Redirects and proxies are not followed: they
        lead to somebody else."""
        parts = urlsplit(self._url)
        kind = (
            http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        )
        try:
            connection = kind(parts.hostname or "", parts.port, timeout=POST_TIME_S)
            with contextlib.closing(connection):
                path = parts.path or "/v1/traces"
                connection.request("POST", path, body(spans), {"Content-Type": "application/json"})
                answer = connection.getresponse()
                answer.read(1 << 16)
                why = "" if answer.status < 300 else f"it answers {answer.status}"
        except (OSError, http.client.HTTPException) as error:
            why = str(error) or type(error).__name__
        if why and time.monotonic() - self._complained_at >= COMPLAINTS_APART_S:
            self._complained_at = time.monotonic()
            _log.warning("no traces reach the collector: %s", why)
        return not why


def body(spans: list[Span]) -> bytes:
    """An ExportTraceServiceRequest."""
    resource = {
        "service.name": "portravox",
        "service.version": __version__,
        "service.instance.id": f"{socket.gethostname()}:{os.getpid()}",
    }
    told = {
        "resourceSpans": [
            {
                "resource": {"attributes": _attributes(resource)},
                "scopeSpans": [
                    {
                        "scope": {"name": "portravox", "version": __version__},
                        "spans": [span.as_json() for span in spans],
                    }
                ],
            }
        ]
    }
    return json.dumps(told).encode()


def _attributes(values: Mapping[str, Value | None]) -> list[dict[str, object]]:
    return [
        {"key": name, "value": _value(value)} for name, value in values.items() if value is not None
    ]


def _value(value: Value) -> dict[str, object]:
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    return {"stringValue": value}
