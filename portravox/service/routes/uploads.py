"""Temporary uploads: credentials for a form, and the form itself.

Flow      a client -> routes.uploads -> storage.uploads
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import asdict

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from portravox.errors import UploadTooLarge
from portravox.service import problems
from portravox.service.exchange import API, answer, request_id_of
from portravox.service.limits import Call
from portravox.service.problems import Refusal
from portravox.service.service import service_of

UPLOAD_PATH = "/uploads"
"""What `upload_host` leads to; not below /api/v1, since it asks for no key."""

IDLE_S = 10.0
"""How long a client may send nothing of its form."""

TOTAL_S = 600.0
"""How long a form may take: 100 MB at 170 kB/s. Our choice."""

_MAX_FIELDS = 32
_FIELD_BYTES = 64 * 1024
_FRAME_BYTES = 1024 * 1024
"""What a form may hold beside its file; real ones have ten fields and 2 kB."""


async def credentials(request: Request) -> Response:
    """For any model: clients upload for one and use the link with another."""
    service = service_of(request)
    caller = service.caller(request, Call.UPLOAD)
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
    pieces = _bounded(request, service.uploads.max_file_bytes + _FRAME_BYTES)
    parser = MultiPartParser(
        request.headers, pieces, max_files=1, max_fields=_MAX_FIELDS, max_part_size=_FIELD_BYTES
    )
    try:
        async with asyncio.timeout(TOTAL_S):
            form = await parser.parse()
    except TimeoutError as error:
        raise Refusal(problems.BODY_TOO_SLOW) from error
    except (MultiPartException, KeyError, ValueError) as error:  # KeyError: no boundary was given
        raise Refusal(problems.UPLOAD_MALFORMED) from error
    try:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise Refusal(problems.UPLOAD_MALFORMED)
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
        await asyncio.to_thread(service.uploads.receive, fields, file.file)
    finally:
        await form.close()
    return Response(status_code=200)


async def _bounded(request: Request, max_bytes: int) -> AsyncGenerator[bytes, None]:
    """The body as it comes, cut off where it is too long or stands still."""
    received = 0
    pieces = aiter(request.stream())
    while True:
        try:
            async with asyncio.timeout(IDLE_S):
                piece = await anext(pieces, None)
        except TimeoutError as error:
            raise Refusal(problems.BODY_TOO_SLOW) from error
        if piece is None:
            return
        received += len(piece)
        if received > max_bytes:
            raise UploadTooLarge("Your proposed upload exceeds the maximum allowed size.")
        yield piece


ROUTES = (
    Route(f"{API}/uploads", credentials, methods=["GET"]),
    Route(UPLOAD_PATH, receive, methods=["POST"]),
)
