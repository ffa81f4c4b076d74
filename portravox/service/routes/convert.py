"""Convert: an upload that a browser cannot open, as one that it can. Ours, beyond the original.

Flow      the studio -> routes.convert -> Detector: a worker process reads and writes

Nothing is kept: the page goes on with what it got, as if its user had chosen that.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import BinaryIO, cast

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from portravox.service import problems
from portravox.service.limits import Call
from portravox.service.problems import Refusal
from portravox.service.request_middleware import (
    API,
    StreamInPlace,
    answer,
    read_body,
    request_id_of,
)
from portravox.service.routes.detect import share_of, while_connected
from portravox.service.routes.files import PIECE_BYTES, pieces_of
from portravox.service.schemas import error_body, json_object
from portravox.service.service import Service, service_of
from portravox.service.storage.uploads import is_upload
from portravox.service.worker.messages import InputFile

_MEDIA_TYPES = {"image": "image/jpeg", "audio": "audio/wav"}


async def convert(request: Request) -> Response:
    """A picture as JPEG, a recording as WAV. A refusal says why."""
    service = service_of(request)
    caller = await service.caller(request, Call.DETECT)
    body = json_object(await read_body(request))
    file, link = body.get("file"), body.get("url")
    if not isinstance(file, str) or file not in _MEDIA_TYPES:
        raise Refusal(problems.bad_parameter("file"))
    if not isinstance(link, str) or not is_upload(link):
        raise Refusal(problems.INVALID_URL)
    key = share_of(request, caller)
    place = ExitStack()
    try:
        # Until the client has taken it: a client that is slow keeps a file on our disk.
        place.enter_context(service.converted.hold(key))
        converting = service.detector.plain(
            cast(InputFile, file), link, key=key, key_group=caller.group
        )
        plain = await while_connected(request, converting)
        place.callback(plain.close)
    except Refusal as refusal:
        place.close()
        told = error_body(refusal.problem, request_id_of(request))
        return answer({**told, **refusal.why}, status=refusal.problem.status)
    except BaseException:
        place.close()
        raise
    return _sent(service, plain, place, _MEDIA_TYPES[file])


def _sent(service: Service, plain: BinaryIO, place: ExitStack, media_type: str) -> Response:
    size_bytes = os.fstat(plain.fileno()).st_size
    return StreamInPlace(
        place,
        pieces_of(service.reading, plain, 0, size_bytes, PIECE_BYTES),
        headers={"content-length": str(size_bytes)},
        media_type=media_type,
    )


ROUTES = (Route(f"{API}/convert", convert, methods=["POST"]),)
