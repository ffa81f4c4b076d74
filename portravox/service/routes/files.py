"""Videos and their captions, for anyone who has the signed link.

Flow      a client -> routes.files -> LocalLinks.check, Places, Storage.open -> the video
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack
from typing import BinaryIO

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from portravox.service.ranges import part_asked_for
from portravox.service.request_middleware import StreamInPlace
from portravox.service.service import Service, service_of
from portravox.service.storage.local import FILES_PATH

PIECE_BYTES = 64 * 1024
"""What each download holds in memory, and as much again that its client has not taken."""

_MEDIA_TYPES = {
    "mp4": "video/mp4",
    "vtt": "text/vtt; charset=utf-8",
    "srt": "application/x-subrip; charset=utf-8",
}

_STORE_PIECE_BYTES = 512 * 1024
"""The same where an object store is asked for each piece. Our choice: ten requests for 5 MB."""


async def video(request: Request) -> Response:
    """The whole or a part of it. Raises LinkRefused and StoredFileMissing."""
    service = service_of(request)
    name = request.path_params["name"]
    service.served_links.check(
        name,
        expires=request.query_params.get("Expires", ""),
        signature=request.query_params.get("Signature", ""),
    )
    place = ExitStack()
    place.enter_context(service.downloading.hold(name))
    try:
        return await _opened(request, service, name, place)
    except BaseException:
        place.close()
        raise


async def _opened(request: Request, service: Service, name: str, place: ExitStack) -> Response:
    async with service.reading:
        stored, stream = await asyncio.to_thread(service.videos.open, name)
    part = part_asked_for(
        request.headers.get("range"),
        size_bytes=stored.size_bytes,
        etag=stored.etag,
        if_range=request.headers.get("if-range"),
    )
    headers = {**part.headers, "Cache-Control": "private, max-age=86400"}
    media_type = _MEDIA_TYPES[name.rpartition(".")[2]]
    if request.method == "HEAD" or part.length == 0:
        stream.close()
        place.close()
        return Response(status_code=part.status, headers=headers, media_type=media_type)
    return StreamInPlace(
        place,
        pieces_of(
            service.reading,
            stream,
            part.first,
            part.length,
            PIECE_BYTES if service.videos.can_list else _STORE_PIECE_BYTES,
        ),
        status_code=part.status,
        headers=headers,
        media_type=media_type,
    )


async def pieces_of(
    reading: asyncio.Semaphore, stream: BinaryIO, first: int, length: int, piece_bytes: int
) -> AsyncIterator[bytes]:
    """A part of a file, read as it is sent. Raises OSError."""
    with stream:
        stream.seek(first)
        while length > 0:
            async with reading:
                piece = await asyncio.to_thread(stream.read, min(length, piece_bytes))
            if not piece:
                raise OSError("the file is shorter than it was")
            length -= len(piece)
            yield piece


ROUTES = (Route(f"{FILES_PATH}{{name}}", video, methods=["GET"]),)
