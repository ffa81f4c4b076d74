"""Temporary uploads: credentials for a form, and the form itself.

Flow      a client -> routes.uploads -> storage.uploads
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from portravox.service import problems
from portravox.service.disk import Spool
from portravox.service.errors import StorageFailed
from portravox.service.limits import Call
from portravox.service.multipart import FileForm
from portravox.service.problems import Refusal
from portravox.service.request_middleware import API, answer, request_id_of
from portravox.service.service import Service, service_of
from portravox.service.storage.uploads import UPLOAD_PATH

FIELDS_TIME_S = 10.0
"""How long the fields of a form may take. Until they have come nobody knows who sends it."""

IDLE_S = 10.0
"""How long a client may send nothing of its file."""

MIN_BYTES_PER_S = 16 * 1024
"""How fast a file has to come on average, once it has been coming for IDLE_S: half of what an EDGE
telephone sends. Who trickles would keep a place for TOTAL_S. Our choice."""

TOTAL_S = 600.0
"""How long a form may take: 100 MB at 170 kB/s. Our choice."""

_WRITTEN_AT_ONCE_BYTES = 1024 * 1024


async def credentials(request: Request) -> Response:
    """For any model: clients upload for one and use the link with another."""
    service = service_of(request)
    caller = await service.caller(request, Call.UPLOAD)
    if request.query_params.get("action") != "getPolicy":
        raise Refusal(problems.bad_parameter("action"))
    if not request.query_params.get("model"):
        raise Refusal(problems.bad_parameter("model"))
    upload_host = service.base_url(request) + UPLOAD_PATH
    granted = service.uploads.credentials(caller.group, upload_host=upload_host)
    return answer({"request_id": request_id_of(request), "data": asdict(granted)})


async def receive(request: Request) -> Response:
    """Take the form. The policy in it says who may send it, so there is no key."""
    service = service_of(request)
    form = FileForm(request.headers.get("content-type", ""), service.uploads.allowed_bytes)
    pieces = request.stream()
    try:
        async with asyncio.timeout(FIELDS_TIME_S):
            begun = await _read_fields(form, pieces)
    except TimeoutError as error:
        raise Refusal(problems.BODY_TOO_SLOW) from error
    # Not before: whoever has no policy of ours gets neither a place nor room.
    if not form.has_file:
        form.finish()  # raises: it has to have one
    account = service.uploads.account(form.fields)
    with (
        service.uploading.hold(account),
        _storage_errors(),
        service.space.spool(service.work_dir) as spool,
    ):
        spool.expect(_expected_bytes(request, service))
        try:
            async with asyncio.timeout(TOTAL_S):
                fields = await _read_file(form, pieces, begun, spool)
        except TimeoutError as error:
            raise Refusal(problems.BODY_TOO_SLOW) from error
        await asyncio.to_thread(service.uploads.receive, fields, spool.file)
    return Response(status_code=200)


def _expected_bytes(request: Request, service: Service) -> int:
    """What the client says that it sends, as far as it may."""
    announced = request.headers.get("content-length", "")
    if not (announced.isascii() and announced.isdigit()):
        return 0
    return min(int(announced[:15]), service.uploads.max_file_bytes)


async def _read_fields(form: FileForm, pieces: AsyncGenerator[bytes, None]) -> bytes:
    """Read until the file begins; gives what of it has come already."""
    async for piece in pieces:
        begun = form.write(piece)
        if form.has_file:
            return begun
    return b""


async def _read_file(
    form: FileForm, pieces: AsyncGenerator[bytes, None], begun: bytes, spool: Spool
) -> Mapping[str, str]:
    """Write the file down as it comes, and give the fields. Raises TimeoutError where the client
    pauses for too long, or trickles."""
    waiting = bytearray(begun)
    began = time.monotonic()
    received_bytes = 0
    while True:
        async with asyncio.timeout(IDLE_S):
            piece = await anext(pieces, None)
        if piece is None:
            break
        received_bytes += len(piece)
        if received_bytes < MIN_BYTES_PER_S * (time.monotonic() - began - IDLE_S):
            raise TimeoutError
        waiting += form.write(piece)
        if len(waiting) >= _WRITTEN_AT_ONCE_BYTES:
            await asyncio.to_thread(spool.write, waiting)
            waiting = bytearray()
    await asyncio.to_thread(spool.write, waiting)
    return form.finish()


@contextmanager
def _storage_errors() -> Iterator[None]:
    """Turn what our disk refuses into our error."""
    try:
        yield
    except OSError as error:
        raise StorageFailed(f"cannot take an upload: {error.strerror or error}") from error


ROUTES = (
    Route(f"{API}/uploads", credentials, methods=["GET"]),
    Route(UPLOAD_PATH, receive, methods=["POST"]),
)
