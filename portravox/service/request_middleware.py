"""What is the same for every request: its id, both forms of its path, its errors, its record.

Flow      uvicorn -> request_middleware.RequestMiddleware -> routes -> answer -> the client
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from portravox.service import problems
from portravox.service.metrics import Metrics
from portravox.service.origins import require_own
from portravox.service.problems import Problem, Refusal, problem_of
from portravox.service.schemas import MAX_BODY_BYTES, error_body
from portravox.service.settings import ServiceSettings
from portravox.service.traces import Place, Span, Value

API = "/api/v1"

BODY_TIME_S = 10.0
"""How long the body of a request may take to arrive; it is 64 KiB at most. Our choice."""

SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
}
"""Where an answer does not say otherwise itself."""

_SECURITY_HEADERS = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]
"""As they go out; names of Starlette's own are in lower case, too."""

_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))

AWAY_S = 5
"""When clients may try again while the table of tasks or the object store cannot be reached. Our
choice: a database that restarts is back by then, as a rule."""

_log = logging.getLogger("portravox.requests")


class RequestMiddleware:
    """Wraps the application: numbers requests, answers errors, counts and records."""

    def __init__(
        self, app: ASGIApp, metrics: Metrics, settings: Callable[[], ServiceSettings]
    ) -> None:
        """settings: of the server once it is open; there are no requests before."""
        self._app = app
        self._metrics = metrics
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._connect(scope, receive, send)
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = _new_id()
        scope["request_id"] = request_id
        scope["path"] = path = _one_form(scope["path"])
        settings = self._settings()
        status = 0

        async def send_marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = message["headers"]
                said = {name for name, _ in headers}
                headers.append((b"x-request-id", request_id.encode()))
                headers.extend(pair for pair in _SECURITY_HEADERS if pair[0] not in said)
            await send(message)

        try:
            if settings.no_keys:
                require_own(settings, scope["method"], path, Headers(scope=scope))
            await self._app(scope, receive, send_marked)
        except ClientDisconnect:
            status = status or 499  # nobody is there to be told; nginx' number for it
        except Exception as error:
            if status:  # half an answer is out: only cutting the line tells the client
                raise
            problem = _problem(error, scope["method"])
            if problem.status >= 500:
                _log.error("request failed", extra={"request_id": request_id}, exc_info=error)
            self._metrics.errors.labels(problem.code).inc()
            # Not with "connection: close", whatever is left of the body: closed with bytes unread,
            # a connection is reset, and the client never sees this. `connections` cuts it in time.
            answered = answer(error_body(problem, request_id), status=problem.status)
            if problem.status == 503:
                answered.headers["retry-after"] = str(AWAY_S)
            await answered(scope, receive, send_marked)
        finally:
            # The pattern and not the path: paths hold ids, and queries signatures.
            route = getattr(scope.get("route"), "path", "none")
            self._metrics.requests.labels(route, str(status)).inc()
            took_s = time.perf_counter() - started
            task_id = scope.get("path_params", {}).get("task_id")
            _log.info(
                "%s %s %d",
                scope["method"],
                route,
                status,
                extra={"request_id": request_id, "task_id": task_id, "ms": round(1000 * took_s, 1)},
            )
            if self._metrics.traces.is_on:
                self._trace(f"{scope['method']} {route}", request_id, task_id, status, took_s)

    def _trace(
        self, name: str, request_id: str, task_id: str | None, status: int, took_s: float
    ) -> None:
        now = time.time()
        told: dict[str, Value | None] = {
            "http.response.status_code": status,
            "portravox.request_id": request_id,
            "portravox.task_id": task_id,
        }
        self._metrics.traces.record(
            Span(
                place=Place.of_request(request_id),
                name=name,
                kind="server",
                began_at=now - took_s,
                ended_at=now,
                attributes=told,
                failed=status >= 500,
            )
        )

    async def _connect(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The same for a WebSocket: refused as HTTP before it is accepted, and recorded when it
        ends."""
        started = time.perf_counter()
        request_id = _new_id()
        scope["request_id"] = request_id
        scope["path"] = path = _one_form(scope["path"])
        settings = self._settings()
        status = 101
        is_accepted = False

        async def send_marked(message: Message) -> None:
            nonlocal is_accepted
            if message["type"] == "websocket.accept":
                is_accepted = True
                own = (b"x-request-id", request_id.encode())
                message = {**message, "headers": [*message.get("headers", ()), own]}
            await send(message)

        try:
            if settings.no_keys:
                require_own(settings, "GET", path, Headers(scope=scope))
            await self._app(scope, receive, send_marked)
        except Exception as error:
            problem = _problem(error, "GET")
            if problem.status >= 500:
                _log.error("session failed", extra={"request_id": request_id}, exc_info=error)
            self._metrics.errors.labels(problem.code).inc()
            if is_accepted:
                status = 500
                await send({"type": "websocket.close", "code": 1011})
            else:
                status = problem.status
                await _refuse_socket(send, problem, request_id)
        finally:
            route = getattr(scope.get("route"), "path", path if status == 101 else "none")
            self._metrics.requests.labels(route, str(status)).inc()
            ms = round(1000 * (time.perf_counter() - started), 1)
            marks = {"request_id": request_id, "task_id": None, "ms": ms}
            _log.info("WEBSOCKET %s %d", route, status, extra=marks)


async def _refuse_socket(send: Send, problem: Problem, request_id: str) -> None:
    """An answer of HTTP to who asked for a WebSocket."""
    content = _JSON.encode(error_body(problem, request_id)).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(content)).encode()),
        (b"x-request-id", request_id.encode()),
        *_SECURITY_HEADERS,
    ]
    start = {"type": "websocket.http.response.start", "status": problem.status, "headers": headers}
    await send(start)
    await send({"type": "websocket.http.response.body", "body": content})


def _one_form(path: str) -> str:
    """The path of an API call as routes know it.

    Clients write it with and without a slash at the end, and with two slashes where their base URL
    ends in one. A redirect would turn their POST into a GET.
    """
    api_path = re.sub("/{2,}", "/", path) if "//" in path else path
    return api_path.rstrip("/") if api_path.startswith(API) else path


def _problem(error: Exception, method: str) -> Problem:
    if isinstance(error, HTTPException):  # of the router: no such path, or not with this method
        return problems.wrong_method(method) if error.status_code == 405 else problems.NOT_FOUND
    return problem_of(error)


def _new_id() -> str:
    """Of a request: told apart from others, not kept from anyone, so it need not be unguessable;
    asking the system for chance takes twenty times as long and gives the interpreter away."""
    digits = f"{random.getrandbits(128):032x}"
    variant = "89ab"[int(digits[16], 16) % 4]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def request_id_of(request: Request) -> str:
    found: str = request.scope["request_id"]
    return found


def answer(body: Mapping[str, object], *, status: int = 200) -> Response:
    """JSON, as short as it gets."""
    content = _JSON.encode(body).encode()
    return Response(content, status_code=status, media_type="application/json")


class StreamInPlace(StreamingResponse):
    """A stream that gives its place back however it ends, also before it began."""

    def __init__(
        self,
        place: ExitStack,
        content: AsyncIterator[bytes],
        *,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str,
    ) -> None:
        super().__init__(content, status_code, headers, media_type)
        self._place = place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._place:
            await super().__call__(scope, receive, send)


async def read_body(request: Request) -> bytes:
    """The body, if it is no longer and no slower than allowed. Raises Refusal."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and len(declared) < 20 and int(declared) > MAX_BODY_BYTES:
        raise Refusal(problems.BODY_TOO_LARGE)
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_TIME_S):
            async for piece in request.stream():
                body += piece
                if len(body) > MAX_BODY_BYTES:
                    raise Refusal(problems.BODY_TOO_LARGE)
    except TimeoutError as error:
        raise Refusal(problems.BODY_TOO_SLOW) from error
    return bytes(body)
